import { randomBytes } from 'node:crypto';
import type { Resources } from '@run-pipeline/core/model';
import type { NewAgent } from '@run-pipeline/core/ports';
import { takeEnvironment } from '../engine/environment.js';
import { startTimer } from '../engine/timer.js';
import { provideEnvironment } from '../environments/index.js';
import { processIdentity } from '../project/process-identity.js';
import type { Project } from '../project/project.js';
import { createWorkerPool, installedWorkerFile, RECYCLE } from '../workers/index.js';
import type { AgentContext } from './agent-context.js';
import type { TellAgentEvent } from './events.js';
import { patience } from './patient-store.js';
import { serveQueues } from './serve-queues.js';
import { takeJobs } from './take-jobs.js';
import { AgentWork, WARM } from './work.js';

export interface AgentOptions {
  readonly project: Project;
  /** Names of queues, in the order in which they are looked at (`order: 'given'`). */
  readonly queues: readonly string[];
  /** `fair`: of the queue that has waited longest since something was taken from it. */
  readonly order: 'given' | 'fair';
  /** Queues that do not exist are made; else they are an error. */
  readonly createQueues: boolean;
  /** Steps and tasks at once, and beside them as many controllers. */
  readonly concurrency: number;
  /** What it offers to steps and tasks that need some of it. */
  readonly resources: Resources;
  readonly leaseMs: number;
  /** Milliseconds from telling a task to stop to SIGKILL. */
  readonly graceMs: number;
  /** Milliseconds that what runs gets to finish once `drain` is aborted; undefined: as long as it takes. */
  readonly drainTimeoutMs: number | undefined;
  /** Ends when nothing waits and nothing runs any more. */
  readonly once: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of run-pipeline, for `agent ls`. */
  readonly version: string;
  /** Aborted: take nothing new, finish what runs, then end. */
  readonly drain: AbortSignal;
  /** Aborted: end at once; what runs is killed, and waits in its queue again. */
  readonly handBack: AbortSignal;
  readonly onEvent: TellAgentEvent;
}

/**
 * Executes tasks from queues until it is asked to end. An agent supervises: it holds leases and tells the
 * store; tasks run in child processes, so that busy code never looks dead. All that it knows is in the
 * store: it may be killed at any moment, and another one goes on.
 *
 * @throws RunPipelineError `unknown-queue`; of kind `store` when that fails for good (what ran then waits
 * in its queue again when its lease has run out).
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { project, queues, order, concurrency, resources, onEvent: tell } = options;
  await serveQueues(project.store, { queues, create: options.createQueues });
  const row = agentRow(options);
  const ending = new Ending(options);
  const context = await agentContext(options, row, ending.noPatience);
  const { store, queue } = context.project;
  await store.registerAgent(row);
  const work = new AgentWork({ context, row, store: project.store, onFault: () => ending.giveUp() });
  work.warm();
  tell({ type: 'agent.start', agent: row.id, queues, order, concurrency, resources, home: project.home });
  ending.listen(work);
  try {
    await takeJobs({
      store,
      queue,
      agent: row,
      order,
      slots: work.slots,
      pulse: work.pulse,
      once: options.once,
      signal: ending.noMore,
      start: (job, fence) => work.start(job, fence),
    }).catch((error: unknown) => work.fail(error));
    if (ending.noMore.aborted) tell({ type: 'agent.drain', running: work.running });
    await work.finish();
  } finally {
    ending.stop();
    work.pulse.stop();
    await context.pool.close({ atOnce: true });
    // Its lease ends by itself, should this fail.
    await project.store.removeAgent(row.id).catch(() => undefined);
  }
  tell({ type: 'agent.end', executed: work.executed });
}

function agentRow({ queues, concurrency, resources, leaseMs, version }: AgentOptions): NewAgent {
  const identity = processIdentity();
  const id = `${identity.host}:${identity.pid}-${randomBytes(3).toString('hex')}`;
  return { id, identity, queues, concurrency, resources, leaseMs, version };
}

async function agentContext(
  options: AgentOptions,
  row: NewAgent,
  giveUp: AbortSignal,
): Promise<AgentContext> {
  const { project, concurrency, graceMs, leaseMs, onEvent: tell } = options;
  const patient = patience({
    giveUp,
    onTrouble: (message: string) => tell({ type: 'store.trouble', message }),
    onBack: () => tell({ type: 'store.back' }),
  });
  const store = patient(project.store);
  const secretKey = await store.secretKey();
  const pool = createWorkerPool({
    workerFile: installedWorkerFile(),
    size: Math.max(concurrency, WARM),
    recycle: RECYCLE,
    graceMs,
    withheld: project.withheld,
  });
  return {
    id: row.id,
    identity: row.identity,
    project: { ...project, store, blobs: patient(project.blobs), queue: patient(project.queue) },
    pool,
    environment: takeEnvironment(options.env),
    secretKey,
    provideEnvironment,
    leaseMs,
    graceMs,
    lostWorkers: new Set(),
    tell,
  };
}

/** How an agent ends: first nothing new is taken, then, if it has to be, what runs is handed back. */
class Ending {
  readonly #options: AgentOptions;
  readonly #noMore = new AbortController();
  readonly #noPatience = new AbortController();
  readonly #drain = (): void => this.#onDrain();
  readonly #atOnce = (): void => this.giveUp();
  #work: AgentWork | undefined;
  #timer: { readonly stop: () => void } | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** Nothing more is to be taken. */
  get noMore(): AbortSignal {
    return this.#noMore.signal;
  }

  /** There is no time left for a store that does not answer. */
  get noPatience(): AbortSignal {
    return this.#noPatience.signal;
  }

  listen(work: AgentWork): void {
    this.#work = work;
    const { drain, handBack } = this.#options;
    drain.addEventListener('abort', this.#drain);
    handBack.addEventListener('abort', this.#atOnce);
    if (drain.aborted) this.#onDrain();
    if (handBack.aborted) this.giveUp();
  }

  giveUp(): void {
    this.#noMore.abort();
    this.#work?.handBack('its agent was stopped', { atOnce: true });
    this.#noPatience.abort();
  }

  stop(): void {
    this.#timer?.stop();
    this.#options.drain.removeEventListener('abort', this.#drain);
    this.#options.handBack.removeEventListener('abort', this.#atOnce);
  }

  #onDrain(): void {
    this.#noMore.abort();
    const { drainTimeoutMs } = this.#options;
    if (drainTimeoutMs === undefined) return;
    this.#timer = startTimer(drainTimeoutMs, () =>
      this.#work?.handBack('its agent stopped, and it did not end in time', { atOnce: false }),
    );
  }
}
