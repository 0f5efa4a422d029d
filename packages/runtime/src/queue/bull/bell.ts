import type { Redis } from 'ioredis';

/** How long one look lasts: whoever died between hearing of a job and taking it is made good for then. */
const LOOK_SECONDS = 1;
/** Beyond that the answer is not late, but lost with its connection. */
const LATE_MS = 3_000;
const AFTER_FAILURE_MS = 250;

type Ring = (marker: string | undefined) => void;

/**
 * Waits for jobs on any number of BullMQ's queues with one connection: BullMQ marks a queue that holds a job by a
 * key (its `marker`), and one of those who wait for that key gets it. A marker that was got and not acted upon has
 * to be put back, else the job would wait for the next look.
 */
export class Bell {
  readonly #connect: () => Promise<Redis>;
  /** A key of this process alone, to end its own waiting. */
  readonly #wakeKey: string;
  readonly #wake: () => void;
  readonly #putBack: (marker: string) => void;
  readonly #listeners = new Map<object, { readonly keys: readonly string[]; readonly ring: Ring }>();
  #listening: ReadonlySet<string> = new Set();
  #client: Redis | undefined;
  #looping = false;
  #closed = false;

  constructor(options: {
    readonly connect: () => Promise<Redis>;
    readonly wakeKey: string;
    readonly wake: () => void;
    readonly putBack: (marker: string) => void;
  }) {
    this.#connect = options.connect;
    this.#wakeKey = options.wakeKey;
    this.#wake = options.wake;
    this.#putBack = options.putBack;
  }

  /**
   * @param ring With the marker that was got; without one, when it is time to look in any case.
   * @returns What ends it.
   */
  listen(keys: readonly string[], ring: Ring): () => void {
    const self = {};
    this.#listeners.set(self, { keys, ring });
    if (!this.#looping) {
      this.#looping = true;
      void this.#loop();
    } else if (keys.some((key) => !this.#listening.has(key))) this.#wake();
    return () => this.#listeners.delete(self);
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#client?.disconnect();
  }

  async #loop(): Promise<void> {
    while (this.#listeners.size > 0 && !this.#closed) {
      this.#listening = new Set([...this.#listeners.values()].flatMap(({ keys }) => keys));
      let marker: string | undefined;
      try {
        marker = await this.#next([...this.#listening, this.#wakeKey]);
      } catch {
        this.#drop();
        await new Promise((resolve) => setTimeout(resolve, AFTER_FAILURE_MS));
      }
      if (marker === this.#wakeKey) continue;
      this.#tell(marker);
    }
    this.#looping = false;
  }

  #tell(marker: string | undefined): void {
    let heard = false;
    for (const { keys, ring } of this.#listeners.values()) {
      if (marker !== undefined && !keys.includes(marker)) continue;
      heard = true;
      ring(marker);
    }
    if (marker !== undefined && !heard) this.#putBack(marker);
  }

  /** Undefined: nothing came for a while. */
  async #next(keys: readonly string[]): Promise<string | undefined> {
    const client = (this.#client ??= await this.#connect());
    if (this.#closed) throw new Error('closed');
    let late: NodeJS.Timeout | undefined;
    const lost = new Promise<never>((_, reject) => {
      late = setTimeout(() => reject(new Error('no answer')), 1000 * LOOK_SECONDS + LATE_MS);
    });
    try {
      const got = await Promise.race([client.bzpopmin(...keys, LOOK_SECONDS), lost]);
      return got?.[0];
    } finally {
      clearTimeout(late);
    }
  }

  #drop(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }
}
