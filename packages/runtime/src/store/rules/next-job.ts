import type { NextQueued, Offers, QueuedJob } from '@run-pipeline/core/ports';
import { Fitting } from './fitting.js';
import type { HeldBack } from './limits.js';

/** What waits in a queue. */
export interface WaitingQueue {
  /** In the order in which they are to be taken; the first one for each kind and need says all. */
  readonly jobs: readonly QueuedJob[];
  readonly held: HeldBack | undefined;
}

/** @param queues In turn; no further than to the first from which a job can be taken. */
export function nextJob(queues: Iterable<WaitingQueue>, offers: Offers | undefined): NextQueued {
  const fitting = new Fitting(offers);
  let retryMs: number | undefined;
  for (const { jobs, held } of queues) {
    if (held === undefined) {
      const job = jobs.find(({ resources }) => fitting.takes(resources));
      if (job !== undefined) return { job, retryMs: undefined };
    } else if (held.retryMs !== undefined && jobs.length > 0) {
      retryMs = Math.min(held.retryMs, retryMs ?? Infinity);
    }
  }
  return { job: undefined, retryMs };
}
