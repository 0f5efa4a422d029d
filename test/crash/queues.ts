import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TIMEOUT_MS, type CrashCase } from '../rig/crash.js';
import type { AgentProcess } from '../rig/agents.js';
import { seeded } from '../rig/random.js';
import { KINDS } from './pipelines.js';
import { project } from './project.js';

/**
 * Where the process of a run dies while its steps go through a queue, and where those that resume it die: what
 * agents do goes on.
 */
const CASES = [
  { kind: 'class', points: ['job-enqueued', 'run-taken', 'attempt-ended-on-agent', 'after-commit:3'] },
  { kind: 'controller', points: ['run-created', 'job-enqueued:3', 'attempt-ended-on-agent:3'] },
  { kind: 'each', points: ['before-begin:5', 'after-commit:6', 'after-end:2'] },
  { kind: 'function', points: ['after-begin:7', 'before-commit:9', 'after-commit:11'] },
] as const;

describe.concurrent(
  'a run that dies while its steps are on agents is resumed, and agents execute every step once',
  { timeout: TIMEOUT_MS },
  () => {
    test.each(CASES)('a pipeline of kind $kind: $points', async ({ kind, points }) => {
      const crashed = await project.case(`${kind}.ts`);
      const agent = await crashed.agent();
      for (const point of points) {
        const run = await crashed.proceed({ RUN_PIPELINE_CRASH_AT: point }, ['--queue', 'default']);
        expect(await run.ended, `${point}\n${run.stderr}`).toEqual({ code: null, signal: 'SIGKILL' });
      }
      await crashed.proceedToEnd();
      await executedOnce(crashed, agent);
      const starts = await crashed.open(async ({ store }) =>
        store.readEvents((await store.findRuns({ limit: 1 }))[0]!.id, { types: ['step.start'] }),
      );
      for (const start of starts) expect(start).toHaveProperty('agent');
      await crashed.verify();
    });
  },
);

/** Only runs were killed: what agents execute went on, and was not executed again. */
async function executedOnce(crashed: CrashCase, agent: AgentProcess): Promise<void> {
  await end(agent);
  const executions = crashed.executions().map(({ step }) => step);
  expect(executions).toEqual([...new Set(executions)]);
}

async function end(agent: AgentProcess): Promise<void> {
  agent.kill('SIGTERM');
  await agent.ended;
}

/** Set by `npm run bench:kill`, as for runs without queues. */
const COUNT = Number(process.env['KILL_COUNT'] ?? 2);
const SEED = Number(process.env['KILL_SEED'] ?? 20_261_128);
const SHORT_LEASE = { RUN_PIPELINE_LEASE_MS: '1000' };

describe.concurrent(
  `runs and agents that are killed at any moment (seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  () => {
    test.each(
      Array.from({ length: COUNT }, (_, index) => ({
        number: index + 1,
        kind: KINDS[index % KINDS.length]!,
      })),
    )('$number: a pipeline of kind $kind', async ({ number, kind }) => {
      const random = seeded(SEED + number);
      const crashed = await project.case(`${kind}.ts`);
      const { events } = await project.reference(`${kind}.ts`);
      let agents = [await crashed.agent([], SHORT_LEASE), await crashed.agent([], SHORT_LEASE)];
      for (let kill = random.integer(1, 3); kill > 0 && !(await crashed.hasCompleted()); kill--) {
        const run = await crashed.proceed(SHORT_LEASE, ['--queue', 'default']);
        const moment = random.integer(1, events);
        await run.printed(() => run.events.length >= moment);
        await sleep(random.integer(0, 60));
        const victim = random.pick([run, ...agents]);
        victim.kill();
        await victim.ended;
        if (victim === run) continue;
        agents = [...agents.filter((agent) => agent !== victim), await crashed.agent([], SHORT_LEASE)];
        run.kill(random.pick(['SIGKILL', 'SIGCONT']));
        await run.ended;
      }
      await crashed.proceedToEnd(SHORT_LEASE);
      await Promise.all(agents.map(end));
      await crashed.verify();
    });
  },
);
