/**
 * Who wants to be woken after commits. Several wakings of one tick wake once. `watched` is told when the
 * first one comes and when the last one has gone.
 */
export class Listeners {
  readonly #watched: (watched: boolean) => void;
  readonly #listeners = new Map<symbol, () => void>();
  #waking: NodeJS.Immediate | undefined;

  constructor(watched: (watched: boolean) => void) {
    this.#watched = watched;
  }

  add(listener: () => void): () => void {
    const key = Symbol('listener');
    if (this.#listeners.size === 0) this.#watched(true);
    this.#listeners.set(key, listener);
    return () => {
      if (this.#listeners.delete(key) && this.#listeners.size === 0) this.#end();
    };
  }

  /** In the next tick. */
  wake(): void {
    if (this.#listeners.size === 0) return;
    this.#waking ??= setImmediate(() => {
      this.#waking = undefined;
      this.tell();
    });
  }

  /** Now. */
  tell(): void {
    for (const [key, listener] of Array.from(this.#listeners)) {
      if (!this.#listeners.has(key)) continue; // ended by one before it
      try {
        listener();
      } catch (error) {
        // Nobody awaits it, and the others must hear: a bug of the listener, not a reason to end.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  close(): void {
    if (this.#listeners.size === 0) return;
    this.#listeners.clear();
    this.#end();
  }

  #end(): void {
    clearImmediate(this.#waking);
    this.#waking = undefined;
    this.#watched(false);
  }
}
