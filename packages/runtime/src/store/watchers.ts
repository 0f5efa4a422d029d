import { Listeners } from './listeners.js';

/** How long a commit of another process may stay unnoticed. */
const PERIOD_MS = 50;

/**
 * Wakes after commits. Own ones wake at once, in the next tick; those of others are found by `version`, a
 * number that changes with them, which is looked at while somebody watches and only then. That timer keeps
 * the process alive: who waits for a word from elsewhere, waits.
 */
export class Watchers {
  readonly #version: () => number;
  readonly #listeners = new Listeners((watched) => this.#watched(watched));
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;

  constructor(version: () => number) {
    this.#version = version;
  }

  add(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Several calls of one tick wake once. */
  wake(): void {
    this.#listeners.wake();
  }

  close(): void {
    this.#listeners.close();
  }

  #watched(watched: boolean): void {
    clearInterval(this.#timer);
    if (!watched) return;
    this.#seen = this.#current() ?? this.#seen;
    this.#timer = setInterval(() => this.#look(), PERIOD_MS);
  }

  #look(): void {
    const version = this.#current();
    if (version === undefined || version === this.#seen) return;
    this.#seen = version;
    this.#listeners.tell();
  }

  /** Undefined: locked by a recovery; what is wrong with the file is told by whoever reads. */
  #current(): number | undefined {
    try {
      return this.#version();
    } catch {
      return undefined;
    }
  }
}
