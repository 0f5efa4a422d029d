import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRow } from '@run-pipeline/core/ports';
import { INLINE_LIMIT, isSuccess, type RunEvent } from '@run-pipeline/core/model';
import { foldEvents, type RunView } from '@run-pipeline/core/run-view';
import { expect } from 'vitest';
import type { Project } from '../../packages/runtime/src/project/project.js';
import { AgentProcess } from './agents.js';
import { runPipeline } from './command.js';
import { JsonProcess } from './json-process.js';
import type { Scratch } from './scratch.js';
import { collectGarbage, isAlive, openProject } from './engine.js';

export { send } from './json-process.js';

/** Several processes one after the other, on a machine that may be busy with others. */
export const TIMEOUT_MS = 180_000;

type Env = Readonly<Record<string, string | undefined>>;

/** A run while it goes on. */
export class Controller extends JsonProcess<RunEvent> {
  get events(): readonly RunEvent[] {
    return this.lines;
  }

  /** Workers that execute a step now, as far as the printed events tell. */
  busyWorkers(): readonly number[] {
    const busy = new Map<string, number>();
    for (const event of this.events) {
      if (event.type === 'step.start' && event.pid !== undefined) busy.set(event.step, event.pid);
      if (event.type === 'step.end') busy.delete(event.step);
    }
    return [...busy.values()];
  }
}

/** The watchdog of a controller: the one child that is no worker. */
export function watchdogOf(controller: number): number | undefined {
  const children = readFileSync(`/proc/${controller}/task/${controller}/children`, 'utf8').trim().split(' ');
  return children.map(Number).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sh');
}

/** Pipelines in one directory; each case has a state of its own, started from a warm cache. */
export class CrashProject {
  readonly directory: string;
  readonly #references = new Map<string, Promise<Reference>>();
  #cases = 0;

  constructor(project: Scratch) {
    this.directory = project.directory;
  }

  /** A case without an uninterrupted run to compare with: one that would not end by itself. */
  open(file: string): CrashCase {
    return this.#newCase(file, undefined, {});
  }

  async case(
    file: string,
    options: { readonly cold?: boolean; readonly concurrency?: number; readonly env?: Env } = {},
  ): Promise<CrashCase> {
    const reference = await this.reference(file);
    const crashed = this.#newCase(file, reference, options);
    if (options.cold !== true) {
      for (const name of ['cache', 'packages'])
        cpSync(join(reference.home, name), join(crashed.home, name), { recursive: true });
    }
    return crashed;
  }

  /** What an uninterrupted run gives. */
  reference(file: string): Promise<Reference> {
    let known = this.#references.get(file);
    if (known === undefined) {
      known = this.#runReference(file);
      this.#references.set(file, known);
    }
    return known;
  }

  async #runReference(file: string): Promise<Reference> {
    const whole = this.#newCase(file, undefined, {});
    const controller = whole.start([file]);
    const ended = await controller.ended;
    if (ended.code !== 0) throw new Error(`${file} exited with ${ended.code}\n${controller.stderr}`);
    return {
      home: whole.home,
      artifacts: artifactsOf(foldEvents(controller.events)),
      events: controller.events.length,
    };
  }

  #newCase(
    file: string,
    reference: Reference | undefined,
    { concurrency = 2, env = {} }: { readonly concurrency?: number; readonly env?: Env },
  ): CrashCase {
    const home = join(this.directory, 'homes', `${file.replace(/\W/g, '-')}-${(this.#cases += 1)}`);
    mkdirSync(home, { recursive: true });
    return new CrashCase({ directory: this.directory, home, file, reference, concurrency, env });
  }
}

interface Reference {
  readonly home: string;
  readonly artifacts: Artifacts;
  /** How many it printed. */
  readonly events: number;
}
/** Step -> artifact -> hash. */
type Artifacts = Readonly<Record<string, Readonly<Record<string, string>>>>;

const artifactsOf = (view: RunView): Artifacts =>
  Object.fromEntries(
    [...view.steps.values()]
      .map((step): [string, Record<string, string>] => [
        step.name,
        Object.fromEntries(step.artifacts.map(({ name, hash }) => [name, hash])),
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** One run that is killed, and killed again, and resumed. */
export class CrashCase {
  readonly home: string;
  readonly file: string;
  readonly #directory: string;
  readonly #concurrency: number;
  readonly #env: Env;
  readonly #reference: Reference | undefined;
  /** Everything that any of its processes printed. */
  readonly #controllers: Controller[] = [];

  constructor(options: {
    readonly directory: string;
    readonly home: string;
    readonly file: string;
    readonly reference: Reference | undefined;
    readonly concurrency: number;
    /** Settings of its own, beside those of every case. */
    readonly env: Env;
  }) {
    this.#env = options.env;
    this.#concurrency = options.concurrency;
    this.home = options.home;
    this.file = options.file;
    this.#directory = options.directory;
    this.#reference = options.reference;
  }

  /** Of all its processes. */
  get env(): Env {
    return {
      RUN_PIPELINE_HOME: this.home,
      EXECUTIONS: join(this.home, 'executions'),
      GATE: this.gate,
      ...this.#env,
    };
  }

  /** A file that steps may wait for. */
  get gate(): string {
    return join(this.home, 'gate');
  }

  openGate(): void {
    writeFileSync(this.gate, '');
  }

  start(args: readonly string[], env: Env = {}): Controller {
    const controller = new Controller(this.#withConcurrency(args), {
      cwd: this.#directory,
      env: { ...this.env, ...env },
    });
    this.#controllers.push(controller);
    return controller;
  }

  /** An agent that serves this state, with what runs of it are given. */
  async agent(args: readonly string[] = [], env: Env = {}): Promise<AgentProcess> {
    const agent = new AgentProcess(args, { cwd: this.#directory, env: { ...this.env, ...env } });
    await agent.told('agent.start');
    return agent;
  }

  #withConcurrency(args: readonly string[]): readonly string[] {
    return args[0] === 'gc' ? args : [...args, '--concurrency', String(this.#concurrency)];
  }

  /** Starts the run, or resumes it when there is one. */
  async proceed(env: Env = {}, args: readonly string[] = []): Promise<Controller> {
    const started = await this.open(async ({ store }) => (await store.findRuns({ limit: 1 })).length > 0);
    return this.start([...(started ? ['resume', 'latest'] : [this.file]), ...args], env);
  }

  /** Until it has completed. A run whose worker was killed may have failed, and ends well now. */
  async proceedToEnd(env: Env = {}): Promise<void> {
    for (let patience = 3; !(await this.hasCompleted()); patience -= 1) {
      const controller = await this.proceed(env);
      await controller.ended;
      if (patience === 0) throw new Error(`${this.file} did not complete\n${controller.stderr}`);
    }
  }

  hasCompleted(): Promise<boolean> {
    return this.open(async ({ store }) => (await store.findRuns({ status: ['completed'] })).length > 0);
  }

  /** The run, as the store has it now. */
  run(): Promise<RunRow> {
    return this.open(async ({ store }) => {
      const [row] = await store.findRuns({ limit: 1 });
      if (row === undefined) throw new Error('there is no run yet');
      return row;
    });
  }

  async open<T>(use: (project: Project) => Promise<T>): Promise<T> {
    const project = await openProject({ cwd: this.#directory, env: this.env });
    try {
      return await use(project);
    } finally {
      await project.close();
    }
  }

  /** Lines of the form `name attempt pid`, one an execution. */
  executions(): readonly { readonly step: string; readonly attempt: number; readonly pid: number }[] {
    const file = join(this.home, 'executions');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [step, attempt, pid] = line.split(' ');
        return { step: step!, attempt: Number(attempt), pid: Number(pid) };
      });
  }

  /** Everything that must hold once the run has completed, however often its processes were killed. */
  async verify(options: { readonly show?: boolean } = {}): Promise<void> {
    const shown = options.show === true ? await this.#shown() : undefined;
    await this.open(async (project) => {
      const runs = await project.store.findRuns({});
      expect(runs).toHaveLength(1);
      const [run] = runs;
      expect(run!.status).toBe('completed');
      const events = await project.store.readEvents(run!.id);
      this.#verifyEvents(events);
      const view = foldEvents(events);
      expect(artifactsOf(view)).toEqual(this.#reference?.artifacts);
      if (shown !== undefined) expect(shown).toMatchObject(asShown(run!, view));
      this.#verifyExecutions(events, view);
      await verifyProcesses(project, events);
      await verifyCollected(project, view);
    });
    rmSync(this.home, { recursive: true, force: true });
  }

  async #shown(): Promise<unknown> {
    const { stdout } = await runPipeline(['show', 'latest', '--json'], {
      cwd: this.#directory,
      env: this.env,
    });
    return JSON.parse(stdout);
  }

  #verifyEvents(events: readonly RunEvent[]): void {
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    expect(events.filter(({ type }) => type === 'run.start')).toHaveLength(1);
    expect(events[0]?.type).toBe('run.start');
    expect(events.at(-1)).toMatchObject({ type: 'run.end', status: 'completed' });
    // What was printed is committed, as it was printed.
    for (const controller of this.#controllers)
      for (const event of controller.events) expect(events[event.seq]).toEqual(event);
    let ended = new Set<string>();
    const completed = new Set<string>();
    for (const event of events) {
      if (event.type === 'run.resume') ended = new Set();
      if (event.type === 'step.start' || event.type === 'step.end') {
        expect(completed, `${event.type} after its result was committed`).not.toContain(event.step);
        expect(ended, `${event.type} after its end in the same epoch`).not.toContain(event.step);
      }
      if (event.type !== 'step.end') continue;
      ended.add(event.step);
      if (isSuccess(event.status)) completed.add(event.step);
    }
  }

  #verifyExecutions(events: readonly RunEvent[], view: RunView): void {
    const executions = this.executions();
    const attempts = executions.map(({ step, attempt }) => `${step} ${attempt}`);
    expect(new Set(attempts).size, `an attempt was executed twice: ${attempts.join(', ')}`).toBe(
      attempts.length,
    );
    const started = new Set<string>();
    for (const event of events)
      if (event.type === 'step.start') started.add(`${event.step} ${event.attempt}`);
    for (const attempt of attempts) expect(started).toContain(attempt);
    for (const step of view.steps.values()) {
      expect(isSuccess(step.status), `${step.name} is ${step.status}`).toBe(true);
      const own = executions.filter((execution) => execution.step === step.name);
      // Executed for the last time when it completed. A mapped step executes nothing of its own.
      if (own.length > 0) expect(Math.max(...own.map(({ attempt }) => attempt))).toBe(step.attempts);
      else expect(view.steps.has(`${step.name}[0]` as never)).toBe(true);
    }
  }
}

/** What of `show --json` follows from the events. */
const asShown = (run: RunRow, view: RunView): object => ({
  id: run.id,
  number: run.number,
  status: 'completed',
  steps: [...view.steps.values()].map(({ name, status, parents, attempts, artifacts }) => ({
    name,
    status,
    parents,
    attempts,
    artifacts: artifacts.map(({ name: artifact, hash }) => ({ name: artifact, hash })),
  })),
});

async function verifyProcesses(project: Project, events: readonly RunEvent[]): Promise<void> {
  const workers = new Set(
    events.flatMap((event) => (event.type === 'step.start' && event.pid !== undefined ? [event.pid] : [])),
  );
  // Those of a killed controller are killed by their watchdog, which may take a moment.
  await eventually(() => [...workers].every((pid) => !isWorker(pid)));
  expect([...workers].filter(isWorker)).toEqual([]);
  const tasks = await project.store.listTasks({});
  expect(tasks.filter(({ status }) => status === 'running' || status === 'queued')).toEqual([]);
  // One that is being torn down has no command line any more and is not gone yet.
  const living = () => tasks.filter(({ executor }) => isAlive(executor) === 'alive');
  await eventually(() => living().length === 0);
  expect(living()).toEqual([]);
}

/** Waits until it holds, or for some seconds; the caller checks. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Whether the process is one of our workers: numbers of processes are given again. */
export function isWorker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('packages/runtime/dist/worker.js');
  } catch {
    return false;
  }
}

async function verifyCollected(project: Project, view: RunView): Promise<void> {
  await collectGarbage(project, { dryRun: false, graceMs: 0 });
  const there = new Set<string>();
  for await (const { hash } of project.blobs.list()) there.add(hash);
  const pinned = await project.store.pinned([...there] as never[]);
  expect([...there].filter((hash) => !pinned.has(hash as never))).toEqual([]);
  for (const step of view.steps.values()) {
    for (const { hash, size } of step.artifacts) {
      if (size <= INLINE_LIMIT) expect(await project.store.readValue(hash)).toBeDefined();
      else expect(await project.blobs.read(hash)).toMatchObject({ ok: true });
    }
  }
  expect(unfinishedFiles(project.home)).toEqual([]);
}

/** Files and directories that were never renamed into place, or that only a task needed. */
function unfinishedFiles(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /(^|\/)tmp\/./.test(path) || /(^|\/)\.tmp-/.test(path) || path.endsWith('.tmp'),
  );
}
