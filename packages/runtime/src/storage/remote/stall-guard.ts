import { TransientFailure } from './remote.js';

/**
 * Ends what makes no progress: a connection that says nothing for a while would else be waited for
 * forever. Moving is every byte and every answer; how long the whole takes does not matter.
 */
export class StallGuard {
  readonly #ms: number;
  #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Of the attempt that has begun last; aborted with a TransientFailure. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  begin(): void {
    this.#controller = new AbortController();
    this.moved();
  }

  moved(): void {
    const controller = this.#controller;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      controller.abort(new TransientFailure(`nothing came for ${this.#ms / 1000} s`));
    }, this.#ms);
  }

  /**
   * Counts what goes through. The time runs only while something is waited for: a slow disk behind it is
   * no stalled connection.
   */
  watch(
    onBytes: (count: number) => void,
  ): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void, undefined> {
    return async function* (this: StallGuard, source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        onBytes(chunk.length);
        this.end();
        yield chunk;
        this.moved();
      }
    }.bind(this);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
