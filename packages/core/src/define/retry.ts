import type { CallbackNode, CallbackPipeline, RetryPolicy } from '../model/definition.js';
import type { Duration } from './duration.js';
import type { OptionReader } from './option-reader.js';

/**
 * How often a failed step is executed again. A number: `2` is two more times, so three executions in all.
 * A function decides after each failure, see `RetryPredicate`.
 */
export type RetryDeclaration =
  | number
  | RetryPredicate
  | {
      /** Further executions after the first. */
      readonly retries: number;
      /** Wait before the first retry; doubles, with jitter. Default 1 s. */
      readonly backoff?: Duration;
      /** The longest wait. Default 1 min, or `backoff` where that is longer. */
      readonly maxBackoff?: Duration;
      /** Return false to give up: `when: (error) => error.name !== 'NotFound'`. */
      readonly when?: (
        error: Error,
        attempt: number,
        pipe: CallbackPipeline,
        node: CallbackNode,
      ) => boolean | Promise<boolean>;
    };

/**
 * Whether a step that failed is executed once more, as ClearML's `retry_on_failure`. `retries`: how often it
 * has been so far, 0 after the first failure. Waits double from 1 s to 1 min; after 1,000 retries the step
 * fails whatever the function says. One that throws fails the run.
 */
export type RetryPredicate = (
  pipe: CallbackPipeline,
  node: CallbackNode,
  retries: number,
) => boolean | Promise<boolean>;

/** A predicate that never says no is most likely a mistake: this ends it. */
export const MOST_RETRIES = 1_000;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const NO_RETRY: RetryPolicy = Object.freeze({
  retries: 0,
  backoff: SECOND,
  maxBackoff: MINUTE,
  when: undefined,
});

/** `undefined` when the declaration leaves it open. */
export function retryPolicy(reader: OptionReader, key: string): RetryPolicy | undefined {
  const declared = reader.raw(key);
  if (declared === undefined) return undefined;
  if (typeof declared === 'function') {
    const again = declared as RetryPredicate;
    return {
      ...NO_RETRY,
      retries: MOST_RETRIES,
      when: (_error, attempt, pipe, node) => again(pipe, node, attempt - 1),
    };
  }
  if (typeof declared !== 'object' || declared === null) {
    return { ...NO_RETRY, retries: reader.count(key, 0)! };
  }
  const options = reader.nested(key, ['retries', 'backoff', 'maxBackoff', 'when']);
  const retries = options.count('retries', 0);
  if (retries === undefined)
    throw options.error('missing-option', 'needs "retries": how many more executions');
  const backoff = options.duration('backoff', 0) ?? SECOND;
  return {
    retries,
    backoff,
    maxBackoff: options.duration('maxBackoff', 0) ?? Math.max(MINUTE, backoff),
    when: options.callable('when'),
  };
}
