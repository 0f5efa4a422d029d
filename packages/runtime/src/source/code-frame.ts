import { readFileSync } from 'node:fs';
import { maskUrls, type SourceLocation } from '@run-pipeline/core/model';

export interface CodeFrameOptions {
  /** Default 1. */
  readonly linesBefore?: number;
  /** Default 0. */
  readonly linesAfter?: number;
  /** Columns of source text shown; longer lines are cut around the caret. Default 100. */
  readonly width?: number;
  /** The text of the file, when it is at hand. */
  readonly source?: string;
}

/**
 * The lines around a place, the place marked; `undefined` when the file or the line is not there.
 *
 * ```
 *   4 │   const first = rows[0];
 * > 5 │   return first.value * lr;
 *     │                ^
 * ```
 */
export function codeFrame(at: SourceLocation, options: CodeFrameOptions = {}): string | undefined {
  const { linesBefore = 1, linesAfter = 0, width = 100 } = options;
  const text = options.source ?? readSource(at.file);
  if (text === undefined) return undefined;
  const lines = text.split(/\r\n|\n|\r/);
  const line = lines[at.line - 1];
  if (line === undefined) return undefined;

  const from = Math.max(1, at.line - linesBefore);
  const to = Math.min(lines.length, at.line + linesAfter);
  const gutter = String(to).length;
  const caret = Math.min(Math.max(at.column, 1) - 1, line.length);
  const caretColumn = visible(line.slice(0, caret)).length;
  // One window for all lines of the frame, so that they stay aligned.
  const start = caretColumn < width - 10 ? 0 : caretColumn - Math.floor(width / 2);

  const out: string[] = [];
  for (let number = from; number <= to; number++) {
    const shown = cut(visible(lines[number - 1] ?? ''), start, width);
    out.push(`${number === at.line ? '>' : ' '} ${String(number).padStart(gutter)} │ ${shown}`.trimEnd());
    if (number === at.line) out.push(`  ${' '.repeat(gutter)} │ ${' '.repeat(caretColumn - start)}^`);
  }
  return out.join('\n');
}

/**
 * Tabs as two spaces; control characters (a terminal would obey them) as a dot; a password in an address
 * as stars, since frames become parts of events and logs.
 */
const visible = (text: string): string =>
  maskUrls(text)
    // eslint-disable-next-line no-control-regex -- finding them is the point
    .replace(/\t/g, '  ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·');

function cut(text: string, start: number, width: number): string {
  const head = start > 0 && text.length > start ? '…' : '';
  const rest = text.slice(start + head.length);
  const room = width - head.length;
  return head + (rest.length > room ? `${rest.slice(0, room - 1)}…` : rest);
}

function readSource(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
