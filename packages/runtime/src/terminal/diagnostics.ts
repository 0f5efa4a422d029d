import { formatLocation, type Diagnostic, type SourceLocation } from '@run-pipeline/core/model';
import { asTyped } from '../project/as-typed.js';
import { frameLines } from './failure.js';
import { printable, printableWord } from './sanitise.js';
import type { Style } from './style.js';

export interface DiagnosticOptions {
  readonly style: Style;
  /** Files are shown relative to it. */
  readonly cwd: string;
  /** The source lines around a place; undefined when the file cannot be read. */
  readonly frame: (location: SourceLocation) => string | undefined;
}

/** What, where (with source lines at every place), why, what next. */
export function diagnosticLines(diagnostic: Diagnostic, options: DiagnosticOptions): readonly string[] {
  const { style } = options;
  const error = diagnostic.severity === 'error';
  const symbol = error ? style.bad('✖') : style.warn('▲');
  const [first, ...more] = printable(asTyped(diagnostic.message)).split('\n');
  const lines = [`${symbol} ${style.bold(first!)} ${style.dim(printableWord(diagnostic.code))}`];
  for (const line of more) lines.push(`  ${line}`);
  lines.push(...placeLines(diagnostic.at, options));
  for (const place of diagnostic.related ?? []) {
    lines.push(`${style.dim('└')} ${printable(place.message)}`);
    lines.push(...placeLines(place.at, options));
  }
  if (diagnostic.help !== undefined) lines.push(`${style.info('→')} ${printable(asTyped(diagnostic.help))}`);
  return lines;
}

export function placeLines(at: SourceLocation | undefined, options: DiagnosticOptions): readonly string[] {
  if (at === undefined) return [];
  const frame = options.frame(at);
  const place = options.style.info(printableWord(formatLocation(at, options.cwd)));
  return frame === undefined ? [place] : [place, ...frameLines(options.style, frame)];
}
