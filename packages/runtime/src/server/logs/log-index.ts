import { ConsoleLines, type ConsoleLine } from '@run-pipeline/core/run-view';
import { PageSize } from './page-size.js';
import type { LogSource } from './log-source.js';

/** Lines between two places from which a window can be read. */
const SPACING = 250;

interface Checkpoint {
  /** Number of the first line that ends behind it. */
  readonly line: number;
  /** What comes after this event. */
  readonly afterSeq: number;
  readonly open: readonly ConsoleLine[];
}

/**
 * Where the lines of one console stand: a place every few hundred lines, from which any window is read
 * again. It grows with the console, and holds no text but that of lines that are open.
 */
export class LogIndex {
  readonly #source: LogSource;
  readonly #stream: ConsoleLine['stream'] | undefined;
  readonly #checkpoints: Checkpoint[];
  readonly #lines = new ConsoleLines();
  #total = 0;
  #read: number;
  #reading: Promise<void> = Promise.resolve();

  constructor(source: LogSource, stream: ConsoleLine['stream'] | undefined) {
    this.#source = source;
    this.#stream = stream;
    this.#read = source.start;
    this.#checkpoints = [{ line: 0, afterSeq: source.start, open: [] }];
  }

  /** Takes in what was written since. */
  async update(): Promise<{
    readonly total: number;
    readonly lastSeq: number;
    readonly open: readonly ConsoleLine[];
  }> {
    // One after the other: two readers would count the same lines.
    const reading = this.#reading.then(() => this.#readOn());
    this.#reading = reading.catch(() => undefined);
    await reading;
    return { total: this.#total, lastSeq: this.#read, open: this.#lines.open() };
  }

  /** Lines from `from` on, `limit` at most; those that are there by the last update. */
  async window(from: number, limit: number): Promise<readonly ConsoleLine[]> {
    const to = Math.min(from + limit, this.#total);
    const found: ConsoleLine[] = [];
    if (from >= to) return found;
    const checkpoint = this.#checkpoints.findLast(({ line }) => line <= from)!;
    for await (const { line, number } of this.#linesFrom(checkpoint)) {
      if (number >= from) found.push(line);
      if (number === to - 1) break;
    }
    return found;
  }

  /** Numbers of the lines that hold the text, whatever its case. */
  async search(text: string, most: number, signal: AbortSignal): Promise<readonly number[]> {
    const wanted = text.toLowerCase();
    const found: number[] = [];
    const total = this.#total;
    for await (const { line, number } of this.#linesFrom(this.#checkpoints[0]!)) {
      if (number >= total || found.length === most) break;
      if (line.text.toLowerCase().includes(wanted)) found.push(number);
      if (number % 10_000 === 0) signal.throwIfAborted();
    }
    return found;
  }

  async #readOn(): Promise<void> {
    const size = new PageSize();
    for (let done = false; !done;) {
      const page = await this.#source.read(this.#read, size.next);
      let characters = 0;
      for (const { seq, chunk } of page.entries) {
        characters += chunk.text.length;
        if (!this.#takes(chunk.stream)) continue;
        if (this.#total - this.#checkpoints.at(-1)!.line >= SPACING)
          this.#checkpoints.push({ line: this.#total, afterSeq: seq - 1, open: this.#lines.open() });
        this.#total += this.#lines.push(chunk).length;
      }
      size.read(characters);
      this.#read = page.read;
      ({ done } = page);
      // Others want answers, too.
      if (!done) await new Promise((next) => setImmediate(next));
    }
  }

  async *#linesFrom(
    checkpoint: Checkpoint,
  ): AsyncGenerator<{ readonly line: ConsoleLine; readonly number: number }> {
    const lines = new ConsoleLines(checkpoint.open);
    const size = new PageSize();
    let number = checkpoint.line;
    let afterSeq = checkpoint.afterSeq;
    for (let done = false; !done;) {
      const page = await this.#source.read(afterSeq, size.next);
      let characters = 0;
      for (const { chunk } of page.entries) {
        characters += chunk.text.length;
        if (!this.#takes(chunk.stream)) continue;
        for (const line of lines.push(chunk)) yield { line, number: number++ };
      }
      size.read(characters);
      afterSeq = page.read;
      ({ done } = page);
      if (!done) await new Promise((next) => setImmediate(next));
    }
  }

  #takes(stream: ConsoleLine['stream']): boolean {
    return this.#stream === undefined || this.#stream === stream;
  }
}
