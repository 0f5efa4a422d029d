import type { QueuedJob } from './task-store.js';

/**
 * How ready tasks reach agents. The store alone says what is queued and who may execute it; a queue
 * only carries the word, and may lose everything at any time: `recoverTasks` and a new `push` bring it
 * back. The embedded one reads the store itself; BullMQ carries ids.
 */
export interface TaskQueue {
  /** After the store has the task as `queued`. The same task and attempt again changes nothing. */
  push(job: Pick<QueuedJob, 'task' | 'attempt' | 'kind' | 'queue' | 'priority'>): Promise<void>;
  /**
   * Waits for a job that could be claimed now; `undefined` when the signal aborts first. It may be one
   * that somebody else claims a moment earlier: the claim decides. Busy waiting is not allowed, and a
   * job that is there or comes is told within 100 ms.
   */
  take(options: {
    readonly queues: readonly string[];
    readonly order: 'given' | 'fair';
    readonly kinds?: readonly QueuedJob['kind'][];
    readonly signal: AbortSignal;
  }): Promise<Pick<QueuedJob, 'task' | 'attempt' | 'kind' | 'queue'> | undefined>;
  close(): Promise<void>;
}
