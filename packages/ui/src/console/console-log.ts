import { ConsoleLines, type ConsoleLine } from '@run-pipeline/core/run-view';
import type { LogPage, LogQuery, StreamMessage } from '@run-pipeline/core/wire';
import { oncePerFrame } from '../data/frame.js';
import { NOTHING, logKey, stream } from '../data/stream/index.js';
import type { Look } from './ansi.js';
import { looksOf } from './looks.js';

export type StreamName = 'stdout' | 'stderr';

/** Where lines come from: a step of a run, or a task. */
export interface LogSource {
  /** Tells sources apart. */
  readonly key: string;
  read(query: LogQuery, signal: AbortSignal): Promise<LogPage>;
  /** What the stream calls it. Absent: it has ended, and stays as it was read. */
  readonly follow?: { readonly run: string; readonly step: string; readonly attempt: number };
}

/** Lines that are asked for together. */
const PAGE = 1000;

/**
 * The lines of one attempt, as many as were looked at. They have numbers that never change; what is not
 * here yet is asked for by pages, what comes now is joined as the server joins it.
 */
export class ConsoleLog {
  total = 0;
  open: readonly ConsoleLine[] = [];
  version = 0;
  loaded = false;
  error: Error | undefined;

  readonly #source: LogSource;
  readonly #stream: StreamName | undefined;
  readonly #lines = new Map<number, ConsoleLine>();
  readonly #asked = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #abort = new AbortController();
  #joined = new ConsoleLines();
  /** Everything up to this event is here. */
  #heard = -1;
  #stop: (() => void) | undefined;
  readonly #flush = oncePerFrame(() => {
    this.version++;
    for (const listener of this.#listeners) listener();
  });

  constructor(source: LogSource, stream: StreamName | undefined) {
    this.#source = source;
    this.#stream = stream;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): number => this.version;

  line(number: number): ConsoleLine | undefined {
    return number < this.total ? this.#lines.get(number) : this.open[number - this.total];
  }

  /**
   * How the lines from `first` to `end` begin. What was written more than a page before is not looked at:
   * then they begin plain.
   */
  looks(first: number, end: number): readonly Look[] {
    const from = Math.max(0, first - PAGE);
    const lines = Array.from({ length: Math.max(0, end - from) }, (_, index) => this.line(from + index));
    return looksOf(lines).slice(first - from);
  }

  /** Lines with a number and those that have none yet. */
  get count(): number {
    return this.total + this.open.length;
  }

  /** Reads the end, and goes on from there. */
  async start(): Promise<void> {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const page = await this.#read({ from: -PAGE, limit: PAGE });
    if (page === undefined) return;
    this.loaded = true;
    this.#flush();
    const { follow } = this.#source;
    if (follow === undefined || signal.aborted) return;
    this.#stop?.();
    this.#heard = page.lastSeq;
    this.#stop = stream.follow({ ...NOTHING, logs: { [logKey(follow)]: page.lastSeq } }, (message) =>
      this.#hear(message, follow),
    );
  }

  close(): void {
    this.#abort.abort();
    this.#stop?.();
  }

  /** Sees to it that these lines come. */
  want(first: number, end: number): void {
    for (let page = Math.floor(first / PAGE); page * PAGE < Math.min(end, this.total); page++) {
      if (this.#asked.has(page)) continue;
      const from = page * PAGE;
      const last = Math.min(from + PAGE, this.total) - 1;
      if (this.#lines.has(from) && this.#lines.has(last)) continue;
      this.#asked.add(page);
      void this.#read({ from, limit: PAGE }).then((read) => {
        if (read === undefined) this.#asked.delete(page);
        this.#flush();
      });
    }
  }

  /** Numbers of the lines that hold this text, at most 10,000. */
  async search(text: string): Promise<readonly number[]> {
    const page = await this.#source.read(this.#query({ limit: 0, search: text }), this.#abort.signal);
    return page.matches ?? [];
  }

  #query(query: LogQuery): LogQuery {
    return this.#stream === undefined ? query : { ...query, stream: this.#stream };
  }

  async #read(query: LogQuery): Promise<LogPage | undefined> {
    const { signal } = this.#abort;
    try {
      const page = await this.#source.read(this.#query(query), signal);
      for (const [index, line] of page.lines.entries()) this.#lines.set(page.from + index, line);
      // While it is followed the stream says how many there are.
      if (!this.loaded) {
        this.total = page.total;
        this.open = page.open;
        this.#joined = new ConsoleLines(page.open);
      }
      this.error = undefined;
      return page;
    } catch (error) {
      if (signal.aborted) return undefined;
      this.error = error as Error;
      this.#flush();
      return undefined;
    }
  }

  #hear(message: StreamMessage, of: NonNullable<LogSource['follow']>): void {
    if (message.type !== 'log' || logKey(message) !== logKey(of)) return;
    for (const chunk of message.chunks) {
      // The stream is shared, and was opened anew from where somebody else is.
      if (chunk.seq <= this.#heard) continue;
      for (const line of this.#joined.push(chunk))
        if (this.#stream === undefined || line.stream === this.#stream) this.#lines.set(this.total++, line);
    }
    this.#heard = Math.max(this.#heard, message.lastSeq);
    this.open = this.#joined
      .open()
      .filter((line) => this.#stream === undefined || line.stream === this.#stream);
    this.#flush();
  }
}
