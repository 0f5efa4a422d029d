import { rmSync } from 'node:fs';
import { expect } from 'vitest';
import { LEASE_MS, type AgentProcess } from '../rig/agents.js';
import { CrashProject, send, type Controller, type CrashCase } from '../rig/crash.js';
import type { FleetServices } from '../rig/fleet.js';
import type { HttpFault } from '../rig/network/faulty-http.js';
import type { Machine } from '../rig/network/machine.js';
import { scratch } from '../rig/scratch.js';
import { PIPELINES, type Kind } from '../crash/pipelines.js';

/** The code of the steps reads it: run and agents have to agree. Long enough that a fault finds a step at work. */
const WORK = { WORK_MS: '150' };

export const FAULTS = [
  'Redis restarts, and has lost everything',
  'Redis answers nobody for a while',
  'Postgres restarts as after a power failure',
  'Postgres restarts as an administrator restarts it',
  'S3 answers with errors',
  'S3 breaks connections and bodies off',
  'S3 is slow',
  'S3 does not answer for a while',
  'an agent is paused past its lease',
  'the network of an agent is cut',
  'an agent is killed',
  'a job is delivered again',
] as const;
export type Fault = (typeof FAULTS)[number];
/** It goes on until the run has ended, unless it is told otherwise: others come while it does. */
export const LASTS: ReadonlySet<Fault> = new Set([
  'S3 answers with errors',
  'S3 breaks connections and bodies off',
  'S3 is slow',
]);
/** What somebody was at is executed by somebody else. */
export const LOSES_AN_ATTEMPT: ReadonlySet<Fault> = new Set([
  'an agent is paused past its lease',
  'the network of an agent is cut',
  'an agent is killed',
]);

/** The steps of one pipeline on two machines, while faults come. */
export class DisturbedRun {
  readonly #services: FleetServices;
  readonly #machines: readonly Machine[];
  readonly #case: CrashCase;
  readonly #agents: AgentProcess[] = [];
  readonly #all: AgentProcess[] = [];
  #controller: Controller | undefined;

  private constructor(services: FleetServices, machines: readonly Machine[], crashed: CrashCase) {
    this.#services = services;
    this.#machines = machines;
    this.#case = crashed;
  }

  static async start(
    bench: FaultBench,
    options: { readonly kind: Kind; readonly remote?: boolean },
  ): Promise<DisturbedRun> {
    const { services, machines, project } = bench;
    const env = {
      ...services.settings(),
      RUN_PIPELINE_LEASE_MS: String(LEASE_MS),
      ...WORK,
    };
    const crashed = await project.case(`${options.kind}.ts`, { env });
    const run = new DisturbedRun(services, machines, crashed);
    await Promise.all(machines.map((_, index) => run.#startAgent(index)));
    const more = options.remote === true ? ['--remote'] : [];
    run.#controller = crashed.start([crashed.file, '--queue', 'default', ...more]);
    return run;
  }

  get controller(): Controller {
    return this.#controller!;
  }

  async #startAgent(index: number): Promise<void> {
    const args = ['--queue', 'default', 'services', '--concurrency', '2'];
    const agent = await this.#services.agent(this.#machines[index]!, args, this.#case.env);
    this.#agents[index] = agent;
    this.#all.push(agent);
  }

  /** Resolves when so many events were printed, or the run has ended. */
  async reaches(events: number): Promise<void> {
    await this.controller.printed(() => this.controller.events.length >= events);
  }

  /** An agent that is at something, once there is one; undefined: the run has ended. */
  async #busy(): Promise<number | undefined> {
    const at = (): number => this.#agents.findIndex((agent) => open(agent) > 0);
    const waits = this.#agents.map((agent) => agent.printed(() => open(agent) > 0));
    await Promise.race([...waits, this.controller.ended]);
    return at() === -1 ? undefined : at();
  }

  /** Until the run has gone on, whatever it waits for. */
  async #goesOn(): Promise<void> {
    const before = this.controller.events.length;
    await this.controller.printed(() => this.controller.events.length > before);
  }

  /** Until a fault of the S3 server has met something, and the run went on. */
  async #untilMet(before: number): Promise<void> {
    let over = false;
    void this.controller.ended.then(() => (over = true));
    while (!over && this.#services.s3.spoiled === before) await this.#goesOn();
  }

  /** False: it met nothing, since the run was over or asked nothing of that service. */
  async suffers(fault: Fault, lasting: 'to the end' | 'until it is met' = 'to the end'): Promise<boolean> {
    const { postgres, redis, s3 } = this.#services;
    const { spoiled } = s3;
    const enough = (): Promise<unknown> =>
      lasting === 'to the end' ? this.controller.ended : this.#untilMet(spoiled);
    switch (fault) {
      case 'Redis restarts, and has lost everything':
        return this.#atWork(async () => {
          await redis.stop('kill');
          await redis.start();
        });
      case 'Redis answers nobody for a while':
        return this.#atWork(async () => {
          redis.suspend();
          await this.#timesOfLease(2);
          redis.resume();
        });
      case 'Postgres restarts as after a power failure':
        return this.#atWork(async () => {
          await postgres.stop('immediate');
          await postgres.start();
        });
      case 'Postgres restarts as an administrator restarts it':
        return this.#atWork(async () => {
          await postgres.stop('fast');
          await postgres.start();
        });
      case 'S3 answers with errors':
        return this.#spoiled('errors', enough);
      case 'S3 breaks connections and bodies off':
        return this.#spoiled('resets', enough);
      case 'S3 is slow':
        return this.#spoiled('slow', enough);
      case 'S3 does not answer for a while':
        return this.#spoiled('silent', () => this.#timesOfLease(3));
      case 'an agent is paused past its lease':
        return this.#withoutOne({
          begin: ({ agent }) => void send(agent.pid, 'SIGSTOP'),
          end: ({ agent }) => void send(agent.pid, 'SIGCONT'),
        });
      case 'the network of an agent is cut':
        return this.#withoutOne({
          begin: ({ machine }) => machine.cut(),
          end: ({ machine }) => machine.mend(),
        });
      case 'an agent is killed':
        return this.#atWork(async (index) => {
          const agent = this.#agents[index]!;
          agent.kill('SIGKILL');
          await agent.ended;
          await this.#startAgent(index);
        });
      case 'a job is delivered again':
        return this.#atWork((index) => this.#deliverAgain(index));
      default:
        return fault satisfies never;
    }
  }

  async #atWork(what: (busy: number) => Promise<void>): Promise<boolean> {
    const busy = await this.#busy();
    if (busy === undefined) return false;
    await what(busy);
    return true;
  }

  async #spoiled(fault: HttpFault, until: () => Promise<unknown>): Promise<boolean> {
    const { s3 } = this.#services;
    const before = s3.spoiled;
    await this.#atWork(async () => {
      s3.begin(fault);
      try {
        await until();
      } finally {
        s3.end();
      }
    });
    return s3.spoiled > before;
  }

  /** Until somebody else has its work and the run has gone on, and its leases have run out in any case. */
  #withoutOne(how: {
    readonly begin: (one: { readonly agent: AgentProcess; readonly machine: Machine }) => void;
    readonly end: (one: { readonly agent: AgentProcess; readonly machine: Machine }) => void;
  }): Promise<boolean> {
    return this.#atWork(async (index) => {
      const one = { agent: this.#agents[index]!, machine: this.#machines[index]! };
      how.begin(one);
      try {
        await Promise.race([Promise.all([this.#timesOfLease(2), this.#goesOn()]), this.controller.ended]);
      } finally {
        how.end(one);
      }
    });
  }

  /** Kills the agent that has the controller of the run (`remote`). */
  async losesItsDriver(): Promise<void> {
    const drives = (agent: AgentProcess): boolean =>
      agent.lines.some((line) => line.type === 'task.start' && !line.task.includes('.'));
    await this.controller.printed(({ type }) => type === 'step.end');
    const index = this.#agents.findIndex(drives);
    this.#agents[index]!.kill('SIGKILL');
    await this.#agents[index]!.ended;
    await this.#startAgent(index);
  }

  /** The word of the queue comes twice for a task that is executed already. */
  async #deliverAgain(index: number): Promise<void> {
    const event = this.#agents[index]!.lines.findLast((line) => line.type === 'task.start');
    if (event === undefined) return;
    await this.#case.open(async ({ queue, store }) => {
      const state = (await store.readAttempts([event.task])).get(event.task);
      const { attempt = 1 } = state ?? {};
      const job = { task: event.task, kind: 'step', queue: 'default', priority: 0, resources: {} } as const;
      for (const again of new Set([1, attempt])) await queue.push({ ...job, attempt: again });
    });
  }

  /** What lasts longer than a lease has to be waited for: the store's clock says when it is over. */
  #timesOfLease(count: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, count * LEASE_MS));
  }

  /** How many attempts were started after one that was lost. */
  attemptsLost(): number {
    return this.controller.events.filter((event) => event.type === 'step.start' && event.attempt > 1).length;
  }

  /** Everything is whole: nothing lost, nothing executed again after it was completed, nothing left over. */
  async endsWell(): Promise<void> {
    expect(await this.controller.ended, this.controller.stderr).toEqual({ code: 0, signal: null });
    for (const agent of this.#agents) agent.kill('SIGTERM');
    for (const agent of this.#agents)
      expect(await agent.ended, agent.stderr).toEqual({ code: 0, signal: null });
    const completed = this.#all.flatMap((agent) =>
      agent.lines.flatMap((line) =>
        line.type === 'task.end' && line.status === 'completed' ? [line.task] : [],
      ),
    );
    expect(completed).toEqual([...new Set(completed)]);
    await this.#case.verify();
  }

  async remove(): Promise<void> {
    send(this.controller.pid, 'SIGKILL');
    await Promise.all(this.#all.map((agent) => agent.remove()));
  }
}

const open = (agent: AgentProcess): number => {
  const counted = (type: string): number => agent.lines.filter((line) => line.type === type).length;
  return counted('task.start') - counted('task.end');
};

/** What all runs of a file of tests share. */
export interface FaultBench {
  readonly services: FleetServices;
  readonly machines: readonly Machine[];
  readonly project: CrashProject;
  readonly remove: () => Promise<void>;
}

export async function faultBench(services: FleetServices): Promise<FaultBench> {
  const directory = scratch(PIPELINES, { keep: true });
  const machines = await Promise.all(['north', 'east'].map((name) => services.machine(name)));
  return {
    services,
    machines,
    project: new CrashProject(directory),
    async remove() {
      await services.dispose();
      rmSync(directory.directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
