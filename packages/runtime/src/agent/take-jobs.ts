import type { Delivery, Job, NewAgent, Store, TaskQueue } from '@run-pipeline/core/ports';
import { startTimer } from '../engine/timer.js';
import type { Pulse } from './pulse.js';
import type { Slots } from './slots.js';

export interface Taking {
  readonly store: Store;
  readonly queue: TaskQueue;
  readonly agent: NewAgent;
  readonly order: 'given' | 'fair';
  readonly slots: Slots;
  readonly pulse: Pulse;
  /** Take what waits, and what that leads to, and no more. */
  readonly once: boolean;
  /** Aborted when nothing more is to be taken. */
  readonly signal: AbortSignal;
  readonly start: (job: Job, fence: number) => void;
}

/** Takes jobs as long as there are places for them, one after the other, and starts each. */
export async function takeJobs(taking: Taking): Promise<void> {
  const { store, slots, pulse, signal } = taking;
  const { id: agent, identity, leaseMs } = taking.agent;
  while (!signal.aborted) {
    const job = await nextJob(taking);
    if (job === 'none left') return;
    if (job === undefined) continue;
    if (signal.aborted) {
      await job.settle('later');
      continue;
    }
    await pulse.afterPause();
    // Its own identity, but without a process group: the agent itself is nobody's to end.
    const { task, attempt, queue } = job;
    const claimed = await store.claimQueued({
      task,
      attempt,
      queue,
      executor: identity,
      agent,
      offers: slots.offers,
      leaseMs,
    });
    if (!claimed.ok) {
      await job.settle(claimed.reason === 'gone' ? 'gone' : 'later', claimed.retryMs);
      continue;
    }
    await job.settle('claimed');
    if (slots.full.includes(job.kind)) throw new Error(`there is no place for a ${job.kind}`);
    taking.start(claimed.job, claimed.fence);
  }
}

/** Undefined: look again, since something changed. */
async function nextJob(taking: Taking): Promise<Delivery | undefined | 'none left'> {
  const { store, queue, order, slots, signal } = taking;
  const { queues } = taking.agent;
  const full = slots.full;
  const change = new Change(signal);
  const unlisten = slots.onFree(() => change.happened());
  try {
    if (full.length === ALL_KINDS) {
      await change.promise;
      return undefined;
    }
    const query = { queues, order, kinds: full, offers: slots.offers };
    if (!taking.once) return await queue.take({ ...query, signal: change.signal });
    const { job, retryMs } = await store.nextQueued(query);
    // Not told by the queue: should that tell it later, it is gone.
    if (job !== undefined) return { ...job, settle: () => Promise.resolve() };
    if (slots.running === 0 && retryMs === undefined) return 'none left';
    await change.within(retryMs);
    return undefined;
  } finally {
    unlisten();
    change.end();
  }
}

const ALL_KINDS = ['step', 'task', 'controller'].length;

/** That a place became free, or that nothing more is to be taken. */
class Change {
  readonly #parent: AbortSignal;
  readonly #controller = new AbortController();
  readonly promise: Promise<void>;
  readonly happened = (): void => this.#controller.abort();

  constructor(parent: AbortSignal) {
    this.#parent = parent;
    const { signal } = this.#controller;
    this.promise = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    // Not AbortSignal.any: the parent lives as long as the agent, and would collect an entry for each job.
    if (parent.aborted) this.happened();
    else parent.addEventListener('abort', this.happened);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for it, or until so much time has passed; undefined: however long it takes. */
  async within(ms: number | undefined): Promise<void> {
    const timer = ms === undefined ? undefined : startTimer(ms, this.happened);
    await this.promise;
    timer?.stop();
  }

  end(): void {
    this.#parent.removeEventListener('abort', this.happened);
  }
}
