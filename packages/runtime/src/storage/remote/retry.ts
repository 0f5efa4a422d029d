import { setTimeout as delay } from 'node:timers/promises';
import { isPassing, TransientFailure } from './remote.js';

export interface RetryPolicy {
  /** How often it is tried again without getting any further. */
  readonly retries: number;
  /** Milliseconds before the first time; doubled each time, with chance. */
  readonly backoffMs: number;
}

export const RETRIES: RetryPolicy = { retries: 5, backoffMs: 500 };

const LONGEST_MS = 20_000;
/** A server may ask for more patience than anybody has. */
const LONGEST_ASKED_MS = 60_000;

/**
 * Tries again what may pass. `progress` tells how far it is: who gets further may fail as often as he
 * likes.
 */
export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  work: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let reached = progress();
  for (let failures = 0; ;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      failures = progress() > reached ? 1 : failures + 1;
      reached = Math.max(reached, progress());
      if (failures > policy.retries) throw error;
      const asked = error instanceof TransientFailure ? error.retryAfter : undefined;
      const backoff =
        Math.min(policy.backoffMs * 2 ** (failures - 1), LONGEST_MS) * (0.5 + Math.random() / 2);
      await delay(asked === undefined ? backoff : Math.min(asked, LONGEST_ASKED_MS), undefined, {
        signal,
      }).catch(() => undefined);
    }
  }
}
