import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { AgentProcess, emptyDirectory, LEASE_MS } from '../rig/agents.js';
import { CrashProject, TIMEOUT_MS, type Controller, type CrashCase } from '../rig/crash.js';
import { seeded } from '../rig/random.js';
import { scratch } from '../rig/scratch.js';
import { KINDS, PIPELINES } from './pipelines.js';

/**
 * Runs whose steps go to two agents that are killed and started again: nothing is lost, nothing that was
 * reported completed is executed again, no attempt is executed twice, and the artifacts are those of a run
 * that nobody disturbed. No step can lose a third attempt, which would fail it: a run suffers two kills.
 */
const COUNT = Number(process.env['AGENT_KILL_COUNT'] ?? 6);
const SEED = Number(process.env['AGENT_KILL_SEED'] ?? 20_261_128);
const KILLS_A_RUN = 2;

const directory = scratch(PIPELINES, { keep: true });
const project = new CrashProject(directory);
const empty = emptyDirectory({ keep: true });
afterAll(() => {
  for (const path of [directory.directory, empty])
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
});

/** The code of the steps reads it: run and agents have to agree. */
const WORK: Env = { WORK_MS: '50' };
let busy = 0;
/** Of all tests: one that is given up on does not come to its own end. */
const started: AgentProcess[] = [];
afterAll(() => Promise.all(started.map((agent) => agent.remove())));
/** Two agents, of which a killed one is replaced. */
class TwoAgents {
  readonly #crashed: CrashCase;
  readonly #cwd: string;
  readonly #all: AgentProcess[] = [];
  readonly #current: AgentProcess[] = [];

  constructor(crashed: CrashCase, cwd = empty) {
    this.#crashed = crashed;
    this.#cwd = cwd;
  }

  async start(index: 0 | 1, env: Env = {}): Promise<AgentProcess> {
    const agent = new AgentProcess(['--queue', 'default', 'services', '--concurrency', '2'], {
      cwd: this.#cwd,
      env: { ...this.#crashed.env, ...WORK, ...env },
    });
    this.#all.push(agent);
    started.push(agent);
    this.#current[index] = agent;
    await agent.told('agent.start');
    return agent;
  }

  get all(): readonly AgentProcess[] {
    return this.#all;
  }

  /** Kills one, rather one that is at something, and starts another one in its place. */
  async kill(preferred: 0 | 1): Promise<void> {
    const index = ([preferred, 1 - preferred] as (0 | 1)[]).find((one) => this.#isBusy(one)) ?? preferred;
    if (this.#isBusy(index)) busy += 1;
    const victim = this.#current[index]!;
    victim.kill('SIGKILL');
    await victim.ended;
    await this.start(index);
  }

  /** Resolves when one of them is at something. */
  async atWork(): Promise<unknown> {
    return Promise.race(
      ([0, 1] as const).map((index) => this.#current[index]!.printed(() => this.#isBusy(index))),
    );
  }

  #isBusy(index: 0 | 1): boolean {
    const counted = (type: string): number =>
      this.#current[index]!.lines.filter((line) => line.type === type).length;
    return counted('task.start') > counted('task.end');
  }

  async stop(): Promise<void> {
    for (const agent of this.#current) agent.kill('SIGTERM');
    for (const agent of this.#current) expect(await agent.ended).toEqual({ code: 0, signal: null });
  }

  async remove(): Promise<void> {
    await Promise.all(this.#all.map((agent) => agent.remove()));
  }
}
type Env = Readonly<Record<string, string>>;

const start = (crashed: CrashCase, ...more: readonly string[]): Controller =>
  crashed.start([crashed.file, '--queue', 'default', ...more], {
    RUN_PIPELINE_LEASE_MS: String(LEASE_MS),
    ...WORK,
  });

/** What an agent told of as completed was not told of again by any of them. */
function verifyTold(agents: TwoAgents): void {
  const completed = agents.all.flatMap((agent) =>
    agent.lines.flatMap((line) =>
      line.type === 'task.end' && line.status === 'completed' ? [line.task] : [],
    ),
  );
  expect(completed).toEqual([...new Set(completed)]);
}

afterAll(() => console.log(`${busy} kills found their agent at work; seed ${SEED}`));

const RUNS = Array.from({ length: Math.ceil(COUNT / KILLS_A_RUN) }, (_, index) => {
  const random = seeded(SEED + index);
  const kills = Array.from({ length: Math.min(KILLS_A_RUN, COUNT - KILLS_A_RUN * index) }, () => ({
    share: random.integer(0, 90) / 100,
    /** Most of them find a step at work; the others come when they come. */
    atWork: random.integer(0, 3) > 0,
    delayMs: random.integer(0, 50),
    agent: random.pick([0, 1] as const),
  })).sort((a, b) => a.share - b.share);
  // Every third run is driven by the agents, too.
  const where = index % 3 === 2 ? ('remote' as const) : ('here' as const);
  return { number: index + 1, kind: KINDS[index % KINDS.length]!, where, kills };
});

describe.concurrent(
  `runs whose agents are killed at any moment (seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  () => {
    test.each(RUNS)('$number: a pipeline of kind $kind, driven $where', async ({ kind, where, kills }) => {
      const crashed = await project.case(`${kind}.ts`);
      const { events } = await project.reference(`${kind}.ts`);
      // A controller needs the directory in which the file lies.
      const agents = new TwoAgents(crashed, where === 'remote' ? directory.directory : empty);
      try {
        await Promise.all([agents.start(0), agents.start(1)]);
        const controller = start(crashed, ...(where === 'remote' ? ['--remote'] : []));
        for (const { share, atWork, delayMs, agent } of kills) {
          await controller.printed(() => controller.events.length >= share * events);
          if (atWork) await Promise.race([agents.atWork(), controller.ended]);
          await sleep(delayMs);
          await agents.kill(agent);
        }
        expect(await controller.ended, controller.stderr).toEqual({ code: 0, signal: null });
        await agents.stop();
        verifyTold(agents);
        await crashed.verify();
      } finally {
        await agents.remove();
      }
    });
  },
);

/** Where an agent dies by itself, and where the one that is started instead; in a worker it costs the step, as anywhere. */
const DEATHS = [
  { first: 'after-claim', second: 'after-claim:2' },
  { first: 'after-execute', second: 'after-execute:2' },
  { first: 'before-begin:4', second: 'before-begin:9' },
  { first: 'after-begin:4', second: 'after-begin:10' },
  { first: 'before-commit:4', second: 'before-commit:11' },
  { first: 'after-commit:4', second: 'after-commit:12' },
  { first: 'task-written', second: 'task-written:2' },
].map((points, index) => ({ ...points, kind: KINDS[index % KINDS.length]! }));

describe.concurrent(
  'an agent that dies at a crash point is replaced by another one',
  { timeout: TIMEOUT_MS },
  () => {
    test.each(DEATHS)(
      '$first, then $second, in a pipeline of kind $kind',
      async ({ first, second, kind }) => {
        const crashed = await project.case(`${kind}.ts`);
        // Of a queue with limits a run executes nothing itself, although nobody serves it for a moment.
        await crashed.open(({ store }) => store.setQueueLimits('default', { concurrency: 10 }));
        const agents = new TwoAgents(crashed);
        try {
          // Each is alone until it dies, so that it is the one that executes something.
          const dies = await agents.start(0, { RUN_PIPELINE_CRASH_AT: first });
          const controller = start(crashed);
          expect(await dies.ended, first).toEqual({ code: null, signal: 'SIGKILL' });
          const next = await agents.start(1, { RUN_PIPELINE_CRASH_AT: second });
          expect(await next.ended, second).toEqual({ code: null, signal: 'SIGKILL' });
          const last = await agents.start(0);
          expect(await controller.ended, controller.stderr).toEqual({ code: 0, signal: null });
          last.kill('SIGTERM');
          expect(await last.ended).toEqual({ code: 0, signal: null });
          verifyTold(agents);
          await crashed.verify();
        } finally {
          await agents.remove();
        }
      },
    );
  },
);
