import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian keeps the server's programs out of PATH, one directory a version. */
const DEBIAN = '/usr/lib/postgresql';

/**
 * Directory of PostgreSQL's server programs (`initdb`, `postgres`), which the tests of a fleet start.
 * `install`: by apt-get, where that is possible. POSTGRES_BIN names another one.
 */
export function findPostgres({ install = false } = {}) {
  const given = process.env.POSTGRES_BIN;
  if (given !== undefined && given !== '') {
    if (hasServer(given)) return given;
    throw new Error(`POSTGRES_BIN=${given}: there is no initdb and postgres in it`);
  }
  const found = placesOfPostgres().find(hasServer);
  if (found !== undefined || !install || !mayInstall()) return found;
  console.log('postgresql: installing it for the tests of a fleet …');
  apt('-qq', 'update');
  // The common part first, told not to start a server: the tests start their own.
  apt('-qq', '-y', '--no-install-recommends', 'install', 'postgresql-common');
  apt('-qq', '-y', '--no-install-recommends', 'install', 'postgresql');
  return placesOfPostgres().find(hasServer);
}

const hasServer = (directory) => ['initdb', 'postgres'].every((name) => existsSync(join(directory, name)));

/** Newest first. */
function placesOfPostgres() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== ''),
    '/opt/homebrew/opt/postgresql/bin',
    '/usr/local/opt/postgresql/bin',
  ];
}

const PLACES_OF_REDIS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

/** `redis-server`, which the tests of a fleet start. `install`: as above. REDIS_SERVER names another one. */
export function findRedis({ install = false } = {}) {
  const given = process.env.REDIS_SERVER;
  if (given !== undefined && given !== '') {
    if (existsSync(given)) return given;
    throw new Error(`REDIS_SERVER=${given}: there is no such file`);
  }
  const found = placeOfRedis();
  if (found !== undefined || !install || !mayInstall()) return found;
  console.log('redis: installing it for the tests of a fleet …');
  apt('-qq', 'update');
  apt('-qq', '-y', '--no-install-recommends', 'install', 'redis-server');
  return placeOfRedis();
}

const placeOfRedis = () =>
  [...PLACES_OF_REDIS, ...(process.env.PATH ?? '').split(delimiter)]
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, 'redis-server'))
    .find((path) => existsSync(path));

const mayInstall = () => existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;

function apt(...args) {
  spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}
