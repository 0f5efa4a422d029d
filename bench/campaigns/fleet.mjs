// npm run bench:fleet -- --count 50 --seed 7
//
// The random faults of test/fleet as a long campaign: runs whose steps are executed on two machines, over Redis,
// Postgres and an S3 server, while services restart or do not answer, agents are killed and paused, and networks
// are cut. Nothing may be lost, nothing that was reported completed may be executed again, and the artifacts are
// those of an undisturbed run. Prints a table of what was done and what it met.
// Without --seed another one each time; it is printed, and gives the same faults again.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
});
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value) && Number(value) > 0) continue;
  console.error(`--${name} must be a whole number above 0, not ${value}`);
  process.exit(2);
}

console.log(`${values.count} faults with seed ${values.seed}`);
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(
  process.execPath,
  [vitest, 'run', '--project', 'e2e', 'test/fleet/faults.test.ts', '-t', 'anything may fail'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, CI: 'true', FLEET_FAULT_COUNT: values.count, FLEET_FAULT_SEED: values.seed },
  },
);
child.on('exit', (code, signal) => {
  console.log(
    code === 0
      ? 'every run completed and is whole'
      : `failed: repeat with --count ${values.count} --seed ${values.seed}`,
  );
  process.exitCode = signal === null ? code : 1;
});
