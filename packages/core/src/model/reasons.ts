/** Why a step whose results are never cached was executed. */
export const NOT_CACHED = 'its results are not cached';

/** Before the reason for which what one execution gave did not enter the cache. */
export const NOT_CACHED_BECAUSE = 'its result is not cached: ';

/** Whether these reasons (`StepView.why`) say that nothing of the step is in the cache. */
export const saysUncached = (why: readonly string[]): boolean =>
  why.some((reason) => reason === NOT_CACHED || reason.startsWith(NOT_CACHED_BECAUSE));
