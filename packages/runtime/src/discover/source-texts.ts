import { readFileSync } from 'node:fs';
import type { SourceLocation } from '@run-pipeline/core/model';

/**
 * The text around places in source files. A file is read and its lines are counted once, because a
 * file with a thousand steps is asked about a thousand times.
 */
export class SourceTexts {
  readonly #files = new Map<string, SourceText | undefined>();
  readonly #textOf: (file: string) => string | undefined;

  /** `textOf`: what is at hand of a file, before it is looked for on the disk. */
  constructor(textOf: (file: string) => string | undefined = () => undefined) {
    this.#textOf = textOf;
  }

  /** The text that ends where the place is; empty when the file is not there. */
  before(place: SourceLocation): string {
    const source = this.#source(place.file);
    if (source === undefined) return '';
    const at = offsetOf(source, place);
    return source.text.slice(Math.max(0, at - LOOK_BACK), at);
  }

  /** A little of the text that begins where the place is. */
  after(place: SourceLocation): string {
    const source = this.#source(place.file);
    if (source === undefined) return '';
    const at = offsetOf(source, place);
    return source.text.slice(at, at + 20);
  }

  #source(file: string): SourceText | undefined {
    if (!this.#files.has(file)) this.#files.set(file, withLines(this.#textOf(file) ?? read(file)));
    return this.#files.get(file);
  }
}

interface SourceText {
  readonly text: string;
  /** Offset of each line. */
  readonly lines: readonly number[];
}

/** A declaration with a long type still fits. */
const LOOK_BACK = 2000;

function offsetOf(source: SourceText, place: SourceLocation): number {
  const start = source.lines[place.line - 1] ?? source.text.length;
  return Math.min(start + place.column - 1, source.text.length);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function withLines(text: string | undefined): SourceText | undefined {
  if (text === undefined) return undefined;
  const lines = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
  return { text, lines };
}
