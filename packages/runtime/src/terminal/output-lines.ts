import type { StepLog, StepName } from '@run-pipeline/core/model';

/** A line longer than this is shown in pieces: a step that never breaks its line must not fill memory. */
const LONGEST_LINE = 16 * 1024;

/**
 * Turns chunks of console output into whole lines, for each step and stream apart, and keeps the last
 * lines of each step for the report of its failure.
 */
export class OutputLines {
  readonly #open = new Map<StepName, Map<string, string>>();
  readonly #tails = new Map<StepName, Tail>();

  /** The lines that this chunk completed, raw (not yet sanitised), without their line breaks. */
  push(event: Pick<StepLog, 'step' | 'stream' | 'text' | 'attempt'>): readonly string[] {
    const rest = this.#open.get(event.step)?.get(event.stream) ?? '';
    const pieces = (rest + event.text).split('\n');
    let open = pieces.pop()!;
    while (open.length > LONGEST_LINE) {
      pieces.push(open.slice(0, LONGEST_LINE));
      open = open.slice(LONGEST_LINE);
    }
    this.#setOpen(event.step, event.stream, open);
    const lines = pieces.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
    this.#remember(event.step, event.attempt, lines);
    return lines;
  }

  /** What was printed without a line break at the end, once the step (or an attempt of it) is over. */
  flush(step: StepName, attempt: number): readonly string[] {
    const streams = this.#open.get(step);
    if (streams === undefined) return [];
    this.#open.delete(step);
    const lines = [...streams.values()].filter((text) => text !== '');
    this.#remember(step, attempt, lines);
    return lines;
  }

  /** The last lines of the last attempt. */
  tail(step: StepName): readonly string[] {
    return this.#tails.get(step)?.lines ?? [];
  }

  forget(step: StepName): void {
    this.#open.delete(step);
    this.#tails.delete(step);
  }

  #setOpen(step: StepName, stream: string, text: string): void {
    const streams = this.#open.get(step);
    if (streams !== undefined) streams.set(stream, text);
    else if (text !== '') this.#open.set(step, new Map([[stream, text]]));
  }

  #remember(step: StepName, attempt: number, lines: readonly string[]): void {
    if (lines.length === 0) return;
    const tail = this.#tails.get(step);
    const before = tail !== undefined && tail.attempt === attempt ? tail.lines : [];
    this.#tails.set(step, { attempt, lines: [...before, ...lines.slice(-TAIL)].slice(-TAIL) });
  }
}

/** Lines of output shown with a failure. */
export const TAIL = 20;

interface Tail {
  readonly attempt: number;
  readonly lines: readonly string[];
}
