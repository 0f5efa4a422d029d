import type { QueueLimits } from '@run-pipeline/core/ports';

/** A queue of which nothing may be begun now; with a rate: how long not. */
export interface HeldBack {
  readonly retryMs: number | undefined;
}

/**
 * Whether the limits of a queue keep its jobs from being begun. At most `max` in any window: until the one
 * that was begun `max` jobs ago has left it, the window is full.
 *
 * Whoever claims sees what all claims before his did, and none comes between his look and his writing.
 */
export function heldBack(
  limits: QueueLimits,
  {
    running,
    begunAt,
    now,
  }: {
    /** Attempts of the queue that run now. */
    readonly running: number;
    /** When the one was begun that is `rate.max` before the next one; undefined: there were not so many. */
    readonly begunAt: number | undefined;
    readonly now: number;
  },
): HeldBack | undefined {
  const { concurrency, rate } = limits;
  if (concurrency !== undefined && running >= concurrency) return { retryMs: undefined };
  // A clock that was set back must not close the queue until it is where it was.
  if (rate === undefined || begunAt === undefined || begunAt > now) return undefined;
  const retryMs = begunAt + rate.perMs - now;
  return retryMs > 0 ? { retryMs } : undefined;
}
