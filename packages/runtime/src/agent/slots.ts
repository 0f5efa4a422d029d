import type { Resources } from '@run-pipeline/core/model';
import type { JobKind, Offers, QueuedJob } from '@run-pipeline/core/ports';

/** What a job takes while it runs. */
type Taken = Pick<QueuedJob, 'kind' | 'resources'>;

/**
 * Places for what runs at once, and what it holds of the agent's resources. Controllers have places of
 * their own: one that waits for its steps must not take the place in which those would run.
 */
export class Slots {
  readonly #size: number;
  readonly #all: Resources;
  readonly #taken = new Set<Taken>();
  readonly #listeners = new Set<() => void>();

  /**
   * @param options.size Steps and tasks at once, and as many controllers.
   * @param options.resources All that there is of each.
   */
  constructor(options: { readonly size: number; readonly resources: Resources }) {
    this.#size = options.size;
    this.#all = options.resources;
  }

  /** Kinds of jobs for which there is no place now. */
  get full(): readonly JobKind[] {
    return (['step', 'task', 'controller'] as const).filter((kind) => this.#count(kind) >= this.#size);
  }

  get offers(): Offers {
    const free = Object.entries(this.#all).map(([name, amount]) => [name, exact(amount - this.#held(name))]);
    return { all: this.#all, free: Object.fromEntries(free) as Resources };
  }

  get running(): number {
    return this.#taken.size;
  }

  /** Returns what gives the place back, and what was held with it. */
  occupy({ kind, resources }: Taken): () => void {
    const taken = { kind, resources };
    this.#taken.add(taken);
    return () => {
      this.#taken.delete(taken);
      for (const listener of Array.from(this.#listeners)) listener();
    };
  }

  /** Calls back whenever a place was given back; returns what ends it. */
  onFree(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #count(kind: JobKind): number {
    let count = 0;
    for (const taken of this.#taken) if (placeOf(taken.kind) === placeOf(kind)) count += 1;
    return count;
  }

  #held(name: string): number {
    let sum = 0;
    for (const { resources } of this.#taken) if (Object.hasOwn(resources, name)) sum += resources[name]!;
    return sum;
  }
}

const placeOf = (kind: JobKind): 'work' | 'controllers' => (kind === 'controller' ? 'controllers' : 'work');

/** Three jobs of 0.1 each fit into 0.3. */
const exact = (amount: number): number => Math.round(amount * 1e9) / 1e9;
