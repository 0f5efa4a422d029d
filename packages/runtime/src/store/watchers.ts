/** How long a commit of another process may stay unnoticed. */
const PERIOD_MS = 50;

/**
 * Who wants to be woken after commits. Own commits wake at once, in the next tick; those of others are
 * found by `version`, a number that changes with them, which is looked at while somebody watches and
 * only then. That timer keeps the process alive: who waits for a word from elsewhere, waits.
 */
export class Watchers {
  readonly #version: () => number;
  readonly #listeners = new Map<symbol, () => void>();
  #timer: NodeJS.Timeout | undefined;
  #waking: NodeJS.Immediate | undefined;
  #seen = 0;

  constructor(version: () => number) {
    this.#version = version;
  }

  add(listener: () => void): () => void {
    const key = Symbol('watcher');
    if (this.#timer === undefined) {
      this.#seen = this.#version();
      this.#timer = setInterval(() => this.#look(), PERIOD_MS);
    }
    this.#listeners.set(key, listener);
    return () => {
      this.#listeners.delete(key);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Several calls of one tick wake once. */
  wake(): void {
    if (this.#listeners.size === 0) return;
    this.#waking ??= setImmediate(() => {
      this.#waking = undefined;
      this.#tell();
    });
  }

  close(): void {
    this.#listeners.clear();
    clearInterval(this.#timer);
    clearImmediate(this.#waking);
    this.#timer = undefined;
    this.#waking = undefined;
  }

  #look(): void {
    let version: number;
    try {
      version = this.#version();
    } catch {
      return; // Locked by a recovery; what is wrong with the file is told by whoever reads.
    }
    if (version === this.#seen) return;
    this.#seen = version;
    this.#tell();
  }

  #tell(): void {
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
}
