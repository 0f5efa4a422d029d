import type { Resources } from '../model/resources.js';

export type { Resources } from '../model/resources.js';

/** What an agent has to give. Who says nothing of it is not asked: a person who executes a task by hand. */
export interface Offers {
  /** All that it has, in use or not. */
  readonly all: Resources;
  /** Of that, what no running job holds. */
  readonly free: Resources;
}

/** What is allowed of a queue, over all agents. What is absent is not limited. */
export interface QueueLimits {
  /** Jobs of it that run at once; a whole number, 0: nothing is taken, the queue is paused. */
  readonly concurrency?: number;
  readonly rate?: QueueRate;
}

/** At most `max` jobs are begun in any `perMs` milliseconds (a sliding window, by the store's clock). */
export interface QueueRate {
  /** A whole number from 1. */
  readonly max: number;
  /** A whole number from 1. */
  readonly perMs: number;
}

/** Left out: stays as it is; null: not limited any more. */
export interface QueueLimitsEdit {
  readonly concurrency?: number | null;
  readonly rate?: QueueRate | null;
}
