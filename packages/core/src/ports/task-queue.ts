import type { Offers } from './queue-limits.js';
import type { QueuedJob } from './task-store.js';

/**
 * How ready tasks reach agents. The store alone says what is queued and who may execute it; a queue
 * only carries the word, and may lose everything at any time: `recoverTasks` and a new `push` bring it
 * back. The embedded one reads the store itself; BullMQ carries ids.
 */
export interface TaskQueue {
  /** After the store has the task as `queued`. The same task and attempt again changes nothing. */
  push(job: Pick<QueuedJob, 'task' | 'attempt' | 'kind' | 'queue' | 'priority' | 'resources'>): Promise<void>;
  /**
   * Waits for a job that could be claimed now; `undefined` when the signal aborts first. It may be one
   * that somebody else claims a moment earlier, or whose queue has come to its limit: the claim decides.
   * Busy waiting is not allowed, and a job that is there, comes, or may be taken again since a place in
   * its queue is free, is told within 100 ms. Whoever gets a delivery settles it.
   */
  take(options: {
    readonly queues: readonly string[];
    readonly order: 'given' | 'fair';
    readonly kinds?: readonly QueuedJob['kind'][];
    /** What the asker has to give; left out: jobs are told whatever they need. */
    readonly offers?: Offers;
    readonly signal: AbortSignal;
  }): Promise<Delivery | undefined>;
  close(): Promise<void>;
}

/** A job that was told, to be claimed from the store. */
export interface Delivery extends Pick<QueuedJob, 'task' | 'attempt' | 'kind' | 'queue'> {
  /**
   * Says what came of it; once, after the claim. What is never settled (its agent died) is told again in
   * the end, and claimed by nobody when it was claimed before. Never rejects for a job that is not there.
   */
  settle(how: Settlement, afterMs?: number): Promise<void>;
}

/**
 * `claimed`: from here on the lease in the store decides. `gone`: it is somebody else's, or does not wait
 * any more. `later`: refused for a limit or for resources; it is told again, not before `afterMs` where that
 * is given.
 */
export type Settlement = 'claimed' | 'gone' | 'later';
