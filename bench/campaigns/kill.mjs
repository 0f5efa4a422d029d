// npm run bench:kill -- --count 200 --seed 7
//
// The random kills of test/crash as a long campaign: runs whose controller or worker is killed after a
// random event and delay, resumed until they complete, and compared with an uninterrupted run. Nothing
// that was reported completed may be executed again, nothing may be lost, nothing may be left over.
// Without --seed another one each time; it is printed, and gives the same kills again.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value) && Number(value) > 0) continue;
  console.error(`--${name} must be a whole number above 0, not ${value}`);
  process.exit(2);
}

console.log(`${values.count} runs, killed with seed ${values.seed}`);
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(
  process.execPath,
  [vitest, 'run', '--project', 'e2e', 'test/crash/crash.test.ts', '-t', 'killed at any moment'],
  { cwd: root, stdio: 'inherit', env: { ...process.env, KILL_COUNT: values.count, KILL_SEED: values.seed } },
);
child.on('exit', (code, signal) => {
  console.log(
    code === 0
      ? 'every run was resumed and is whole'
      : `failed: repeat with --count ${values.count} --seed ${values.seed}`,
  );
  process.exitCode = signal === null ? code : 1;
});
