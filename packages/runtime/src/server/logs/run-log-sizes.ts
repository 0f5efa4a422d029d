import type { RunId } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import type { LogSummary } from '@run-pipeline/core/wire';
import { PageSize } from './page-size.js';

type Sizes = LogSummary['attempts'][number];

/** How much each attempt of a run has printed: counted once, then what came since. */
export class RunLogSizes {
  readonly #store: Store;
  readonly #run: RunId;
  readonly #attempts = new Map<string, { -readonly [Key in keyof Sizes]: Sizes[Key] }>();
  #read = -1;
  #reading: Promise<void> = Promise.resolve();

  constructor(store: Store, run: RunId) {
    this.#store = store;
    this.#run = run;
  }

  async update(signal: AbortSignal): Promise<readonly Sizes[]> {
    const reading = this.#reading.then(() => this.#readOn(signal));
    this.#reading = reading.catch(() => undefined);
    await reading;
    return [...this.#attempts.values()].map((attempt) => ({ ...attempt }));
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    const size = new PageSize();
    for (let done = false; !done;) {
      signal.throwIfAborted();
      const limit = size.next;
      const events = await this.#store.readEvents(this.#run, {
        types: ['step.log'],
        afterSeq: this.#read,
        limit,
      });
      let characters = 0;
      for (const event of events) {
        if (event.type !== 'step.log') continue;
        characters += event.text.length;
        this.#add(event.step, event.attempt, event.text);
      }
      size.read(characters);
      this.#read = events.at(-1)?.seq ?? this.#read;
      done = events.length < limit;
      if (!done) await new Promise((next) => setImmediate(next));
    }
  }

  #add(step: string, attempt: number, text: string): void {
    const key = `${attempt} ${step}`;
    let sizes = this.#attempts.get(key);
    if (sizes === undefined) {
      sizes = { step, attempt, lines: 0, size: 0 };
      this.#attempts.set(key, sizes);
    }
    sizes.size += text.length;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) sizes.lines++;
  }
}
