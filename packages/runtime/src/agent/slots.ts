import type { JobKind } from '@run-pipeline/core/ports';

/**
 * Places for what runs at once. Controllers have their own: one that waits for its steps must not take
 * the place in which those would run.
 */
export class Slots {
  readonly #size: number;
  readonly #used = { work: 0, controllers: 0 };
  readonly #listeners = new Set<() => void>();

  /** @param size Steps and tasks at once, and as many controllers. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Kinds of jobs for which there is no place now. */
  get full(): readonly JobKind[] {
    return (['step', 'task', 'controller'] as const).filter(
      (kind) => this.#used[placeOf(kind)] >= this.#size,
    );
  }

  get running(): number {
    return this.#used.work + this.#used.controllers;
  }

  /** Returns what gives the place back. */
  occupy(kind: JobKind): () => void {
    const place = placeOf(kind);
    this.#used[place] += 1;
    return () => {
      this.#used[place] -= 1;
      for (const listener of Array.from(this.#listeners)) listener();
    };
  }

  /** Calls back whenever a place was given back; returns what ends it. */
  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const placeOf = (kind: JobKind): 'work' | 'controllers' => (kind === 'controller' ? 'controllers' : 'work');
