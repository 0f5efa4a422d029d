import type { Delivery, Store, TaskQueue } from '@run-pipeline/core/ports';

type TakeOptions = Parameters<TaskQueue['take']>[0];

/**
 * The queue of one machine: agents read the store itself. Nothing is carried, so nothing can be lost;
 * a word from `store.watch` (each commit, of any process) is the signal to look again, and so is the time at
 * which the rate of a queue lets another job go.
 *
 * @example
 * const queue = embeddedQueue(store);
 * const job = await queue.take({ queues: ['default'], order: 'given', signal });
 */
export function embeddedQueue(store: Pick<Store, 'nextQueued' | 'watch'>): TaskQueue {
  const closed = new AbortController();
  return {
    // The commit that queued the job has woken whoever waits.
    push: () => Promise.resolve(),
    take: (options) => take(store, closed.signal, options),
    close() {
      closed.abort();
      return Promise.resolve();
    },
  };
}

// Two signals, not AbortSignal.any: one of them lives as long as the queue, and would collect an entry for each job.
async function take(
  store: Pick<Store, 'nextQueued' | 'watch'>,
  closed: AbortSignal,
  { signal, ...query }: TakeOptions,
): Promise<Delivery | undefined> {
  const isOver = (): boolean => signal.aborted || closed.aborted;
  if (isOver()) return undefined;
  // Watched before the first look: what is committed after that look wakes.
  const wake = new Wake();
  const ring = (): void => wake.ring();
  const unwatch = store.watch(ring);
  for (const each of [signal, closed]) each.addEventListener('abort', ring);
  try {
    while (!isOver()) {
      const { job, retryMs } = await store.nextQueued(query);
      if (isOver()) return undefined;
      // Whoever looks next sees what the claim came to: there is nothing to put back or to remove.
      if (job !== undefined) return { ...job, settle: () => Promise.resolve() };
      await wake.rung(retryMs);
    }
    return undefined;
  } finally {
    unwatch();
    for (const each of [signal, closed]) each.removeEventListener('abort', ring);
  }
}

/** Whoever looks is not busy with looking; several jobs may go at once then. */
const SHORTEST_MS = 50;
/** The store's clock may be set anew; and longer ones are not what `setTimeout` takes. */
const LONGEST_MS = 60_000;

/** A bell that remembers: rung while nobody listened, it ends the next wait at once. */
class Wake {
  #rang = false;
  #resolve: (() => void) | undefined;

  ring(): void {
    this.#rang = true;
    this.#resolve?.();
  }

  /** @param withinMs Rings by itself about then: it is worth a look, whatever comes of it. */
  async rung(withinMs: number | undefined): Promise<void> {
    const timer =
      withinMs === undefined
        ? undefined
        : setTimeout(() => this.ring(), Math.min(Math.max(withinMs, SHORTEST_MS), LONGEST_MS));
    if (!this.#rang) await new Promise<void>((resolve) => (this.#resolve = resolve));
    clearTimeout(timer);
    this.#rang = false;
    this.#resolve = undefined;
  }
}
