import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The browser that the page's tests drive. `install`: by apt-get, where that is possible. */
export function findChromium({ install = false } = {}) {
  const given = process.env.CHROMIUM;
  if (given !== undefined && given !== '') {
    if (existsSync(given)) return given;
    throw new Error(`CHROMIUM=${given}: there is no such file`);
  }
  const found = PLACES.find((path) => existsSync(path));
  if (found !== undefined || !install || !existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0)
    return found;
  console.log('chromium: installing it for the tests of the page …');
  const apt = (...args) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('-qq', 'update');
  apt('-qq', '-y', '--no-install-recommends', 'install', 'chromium');
  return PLACES.find((path) => existsSync(path));
}
