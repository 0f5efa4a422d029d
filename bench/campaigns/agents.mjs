// npm run bench:agents -- --count 200 --seed 7
//
// The random kills of agents in test/crash as a long campaign: runs whose steps go to two agents that are
// killed at random moments and replaced. Nothing may be lost, nothing that was reported completed may be
// executed again, no attempt may be executed twice, and the artifacts are those of an undisturbed run.
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

console.log(`${values.count} kills of agents with seed ${values.seed}`);
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(
  process.execPath,
  [vitest, 'run', '--project', 'e2e', 'test/crash/agents.test.ts', '-t', 'killed at any moment'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, AGENT_KILL_COUNT: values.count, AGENT_KILL_SEED: values.seed },
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
