// `npm test`: lint, types, build, then every test. With CI=true nothing may be left out.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findChromium } from './chromium.mjs';
import { findPostgres, findRedis } from './services.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));

/** In order; the first that fails ends the run. */
const steps = [
  ['build', process.execPath, ['scripts/build.mjs']],
  ['types', bin('tsc'), ['-p', 'tsconfig.check.json']],
  ['lint', bin('oxlint'), []],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['rooms', process.execPath, ['scripts/check-rooms.mjs']],
  ['lockfile', process.execPath, ['scripts/check-lockfile.mjs']],
  ['unused', bin('knip'), ['--no-progress']],
  ['tests', bin('vitest'), ['run', ...process.argv.slice(2)]],
];

// The page's tests say themselves that they were skipped; this says it where nobody overlooks it.
const chromium = findChromium({ install: true });
if (chromium === undefined) {
  console.error(
    'No Chromium was found, and it could not be installed: ALL TESTS OF THE WEB PAGE ARE LEFT OUT.\n' +
      'Install it (Debian: apt-get install chromium), or say where it is: CHROMIUM=/path/to/chromium npm test',
  );
  if (process.env.CI === 'true') process.exit(1);
} else process.env.CHROMIUM = chromium;

// The servers of a fleet, as above.
if (findPostgres({ install: true }) === undefined) {
  console.error(
    'No PostgreSQL was found, and it could not be installed: ALL TESTS OF THE STORE ON POSTGRES ARE LEFT OUT.\n' +
      'Install it (Debian: apt-get install postgresql), or say where it is: POSTGRES_BIN=/path/to/bin npm test',
  );
  if (process.env.CI === 'true') process.exit(1);
}
if (findRedis({ install: true }) === undefined) {
  console.error(
    'No Redis was found, and it could not be installed: ALL TESTS OF THE QUEUE ON REDIS ARE LEFT OUT.\n' +
      'Install it (Debian: apt-get install redis-server), or say where it is: REDIS_SERVER=/path/to/redis-server npm test',
  );
  if (process.env.CI === 'true') process.exit(1);
}

for (const [name, command, args] of steps) {
  const started = Date.now();
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(
      `\n${name} failed${signal === null ? '' : ` (${signal})`}${error === undefined ? '' : `: ${error.message}`}`,
    );
    process.exit(status ?? 1);
  }
  if (name !== 'tests') console.log(`${name}: ok (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
