// `npm test`: lint, types, build, then every test. With CI=true nothing may be left out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findChromium } from './chromium.mjs';
import { findPostgres, findRedis } from './services.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));

/** Takes as long as all the others: it goes on beside the tests. */
const format = [['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']]];

/** The lists go on side by side, each in its order. */
const checks = [
  [
    ['build', process.execPath, ['scripts/build.mjs']],
    ['types', bin('tsc'), ['-p', 'tsconfig.check.json']],
    ['unused', bin('knip'), ['--no-progress']],
  ],
  [
    ['lint', bin('oxlint'), []],
    ['rooms', process.execPath, ['scripts/check-rooms.mjs']],
    ['lockfile', process.execPath, ['scripts/check-lockfile.mjs']],
  ],
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

const formatted = inOrder(format);
const verdicts = await Promise.all(checks.map(inOrder));
if (verdicts.includes(false)) process.exit(1);
const tests = spawn(bin('vitest'), ['run', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
const [status, signal] = await once(tests, 'exit');
if (status !== 0) console.error(`\ntests failed${signal === null ? '' : ` (${signal})`}`);
if (!(await formatted)) console.error('\nformat failed, as said above');
if (!(await formatted) || status !== 0) process.exit(status || 1);

/** Until one fails; says so. */
async function inOrder(list) {
  for (const [name, command, args] of list) {
    const started = Date.now();
    const { code, output } = await execute(command, args);
    if (code !== 0) {
      console.error(`${output}\n${name} failed`);
      return false;
    }
    console.log(`${output}${name}: ok (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  }
  return true;
}

/** What it prints is told when it has ended, in one piece. */
function execute(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', (error) => done({ code: 1, output: `${output}${error.message}` }));
    child.once('close', (code, signal) =>
      done({ code: code ?? 1, output: signal === null ? output : `${output}(${signal})` }),
    );
  });
}
