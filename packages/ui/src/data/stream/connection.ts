import { STREAM, type StreamMessage } from '@run-pipeline/core/wire';
import { NOTHING, advance, covers, isEmpty, streamQuery, type Subscription } from './subscription.js';

export type LinkState = 'idle' | 'connecting' | 'open' | 'gone';

/** Milliseconds before the next try after so many that failed. */
const retryAfter = (failures: number): number => Math.min(5000, 250 * 2 ** Math.min(failures, 5));

/**
 * The one connection to the server's stream. It is opened anew, with the cursors of that moment, when
 * more is wanted than it tells and when it broke: EventSource's own reconnecting would ask again from
 * where the address says, which is long ago.
 */
export class StreamConnection {
  #source: EventSource | undefined;
  #told: Subscription = NOTHING;
  #wanted: Subscription = NOTHING;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #change: ReturnType<typeof setTimeout> | undefined;
  readonly #onMessage: (message: StreamMessage) => void;
  readonly #onState: (state: LinkState) => void;

  constructor(options: {
    readonly onMessage: (message: StreamMessage) => void;
    readonly onState: (state: LinkState) => void;
  }) {
    this.#onMessage = options.onMessage;
    this.#onState = options.onState;
  }

  want(wanted: Subscription): void {
    this.#wanted = wanted;
    if (isEmpty(wanted)) {
      this.#end();
      this.#onState('idle');
      return;
    }
    if (this.#source !== undefined && covers(this.#told, wanted)) return;
    // Several parts of a screen ask one after the other.
    clearTimeout(this.#change);
    this.#change = setTimeout(() => this.#open(), 10);
  }

  /** Tries now: the page was shown again, or somebody pressed the button. */
  retry(): void {
    if (this.#retry === undefined) return;
    this.#open();
  }

  #open(): void {
    this.#end();
    if (isEmpty(this.#wanted)) return;
    if (this.#failures === 0) this.#onState('connecting');
    this.#told = this.#wanted;
    const source = new EventSource(`${STREAM}?${streamQuery(this.#wanted)}`);
    this.#source = source;
    source.addEventListener('open', () => {
      this.#failures = 0;
      this.#onState('open');
    });
    source.addEventListener('message', ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as StreamMessage;
      this.#told = advance(this.#told, message);
      this.#wanted = advance(this.#wanted, message);
      this.#onMessage(message);
    });
    source.addEventListener('error', () => {
      this.#end();
      this.#failures++;
      this.#onState('gone');
      this.#retry = setTimeout(() => this.#open(), retryAfter(this.#failures));
    });
  }

  #end(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#change);
    this.#retry = undefined;
    this.#source?.close();
    this.#source = undefined;
  }
}
