import type { Store, TaskQueue } from '@run-pipeline/core/ports';

/** After a commit; a commit is also what makes room in a queue that is at its limit. */
const SOONEST_MS = 100;
/** Without any word. */
const LATEST_MS = 1_000;

type Asker = Pick<Parameters<TaskQueue['take']>[0], 'kinds' | 'offers'>;

/**
 * Queues of which a claim was refused for a limit, or for resources that were not free. Redis does not know of
 * limits: taking from such a queue again and again would only be refused again and again. It rests until the
 * store, which is asked after commits and now and then, says that a job of it may go.
 */
export class Rests {
  readonly #store: Pick<Store, 'nextQueued' | 'watch'>;
  /** When to ask for it. */
  readonly #resting = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #unwatch: (() => void) | undefined;
  #lastLook = 0;

  constructor(store: Pick<Store, 'nextQueued' | 'watch'>) {
    this.#store = store;
  }

  /** @param afterMs As far as it is known when the next one may go. */
  begin(queue: string, afterMs: number | undefined): void {
    this.#resting.set(queue, Date.now() + Math.max(SOONEST_MS, afterMs ?? SOONEST_MS));
    this.#unwatch ??= this.#store.watch(() => this.#onCommit());
  }

  has(queue: string): boolean {
    return this.#resting.has(queue);
  }

  /** Milliseconds until one of these queues should be looked at; undefined: none of them rests. */
  dueIn(queues: readonly string[]): number | undefined {
    const times = queues.flatMap((queue) => this.#resting.get(queue) ?? []);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - Date.now());
  }

  /** Asks the store for those whose time has come: what may go rests no more. What cannot be asked rests on. */
  async look(queues: readonly string[], asker: Asker): Promise<void> {
    await this.#look(queues, asker).catch(() => undefined); // whoever claims tells of a store that is away
  }

  async #look(queues: readonly string[], { kinds, offers }: Asker): Promise<void> {
    const now = Date.now();
    const due = queues.filter((queue) => (this.#resting.get(queue) ?? Infinity) <= now);
    if (due.length > 0) this.#lastLook = now;
    for (const queue of due) {
      this.#resting.set(queue, now + LATEST_MS);
      const { job, retryMs } = await this.#store.nextQueued({
        queues: [queue],
        order: 'given',
        ...(kinds === undefined ? {} : { kinds }),
        ...(offers === undefined ? {} : { offers }),
      });
      if (job !== undefined) this.#end(queue);
      else if (retryMs !== undefined) this.#resting.set(queue, now + Math.max(SOONEST_MS, retryMs));
    }
  }

  /** @param listener Called when a look is worth it sooner than `dueIn` said. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#resting.clear();
  }

  #end(queue: string): void {
    this.#resting.delete(queue);
    if (this.#resting.size === 0) this.close();
  }

  #onCommit(): void {
    const soon = this.#lastLook + SOONEST_MS;
    for (const [queue, lookAt] of this.#resting) this.#resting.set(queue, Math.min(lookAt, soon));
    for (const listener of this.#listeners) listener();
  }
}
