import { TraceMap, decodedMappings, encodedMappings, type SourceMapSegment } from '@jridgewell/trace-mapping';
import type { Module } from '../module/module.js';
import { lineAt } from '../source/transform.js';

/** A stretch of a module's text that is emitted differently. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Puts a module together from pieces of the transformed source, and keeps the way back: every piece
 * carries the mappings that its text had.
 */
export class TextWriter {
  readonly #module: Module;
  readonly #replacements: readonly Replacement[];
  readonly #pieces: string[] = [];
  readonly #lines: SourceMapSegment[][] = [[]];
  #column = 0;

  constructor(module: Module, replacements: readonly Replacement[]) {
    this.#module = module;
    this.#replacements = [...replacements].sort((a, b) => a.start - b.start);
  }

  get text(): string {
    return this.#pieces.join('');
  }

  /** Text of our own: it maps to nothing. */
  write(text: string): this {
    if (text === '') return this;
    this.#lines[this.#lines.length - 1]!.push([this.#column]);
    return this.#advance(text);
  }

  /** A stretch of the module, with the replacements that lie in it. */
  copy(range: { readonly start: number; readonly end: number }): this {
    let at = range.start;
    for (const replacement of this.#replacements) {
      if (replacement.start < at || replacement.end > range.end) continue;
      this.#copyAsIs(at, replacement.start);
      this.write(replacement.text);
      at = replacement.end;
    }
    this.#copyAsIs(at, range.end);
    return this;
  }

  #copyAsIs(start: number, end: number): void {
    const { starts, code } = this.#module;
    const mappings = decodedMappings(this.#module.map);
    let at = start;
    while (at < end) {
      const line = lineAt(starts, at);
      const lineStart = starts[line] ?? 0;
      const stop = Math.min(end, starts[line + 1] ?? code.length);
      const from = at - lineStart;
      const segments = mappings[line] ?? [];
      const target = this.#lines[this.#lines.length - 1]!;
      for (let index = floorSegment(segments, from); index < segments.length; index += 1) {
        const segment = segments[index]!;
        if (segment[0] >= stop - lineStart) break;
        const column = this.#column + Math.max(0, segment[0] - from);
        if (segment.length === 1) target.push([column]);
        else target.push([column, 0, segment[2], segment[3]]);
      }
      this.#advance(code.slice(at, stop));
      at = stop;
    }
  }

  #advance(text: string): this {
    this.#pieces.push(text);
    let from = 0;
    for (let newline = text.indexOf('\n'); newline !== -1; newline = text.indexOf('\n', from)) {
      this.#lines.push([]);
      this.#column = 0;
      from = newline + 1;
    }
    this.#column += text.length - from;
    return this;
  }

  /** A source map whose one source is named as given. */
  map(source: string): string {
    const map = new TraceMap({ version: 3, names: [], sources: [source], mappings: this.#lines });
    return JSON.stringify({ version: 3, names: [], sources: [source], mappings: encodedMappings(map) });
  }
}

/** The index of the last segment at or before a column, or 0. */
function floorSegment(segments: readonly SourceMapSegment[], column: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle]![0] <= column) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}
