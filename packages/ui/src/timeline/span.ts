/** The part of a timeline that is shown, in milliseconds since the run began. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Less than this is nothing that a clock of milliseconds tells apart. */
const LEAST = 10;

/** Larger (`factor` above 1) or smaller around a moment; undefined: all of it. */
export function zoomed(span: Span, factor: number, around: number, length: number): Span | undefined {
  const least = Math.min(LEAST, length);
  const size = Math.max(least, (span.to - span.from) / factor);
  if (size >= length) return undefined;
  const share = (around - span.from) / Math.max(1e-9, span.to - span.from);
  return moved({ from: around - share * size, to: around + (1 - share) * size }, 0, length);
}

/** Earlier or later by so many milliseconds, and not beyond the ends. */
export function moved(span: Span, by: number, length: number): Span {
  const size = span.to - span.from;
  const from = Math.min(Math.max(0, span.from + by), Math.max(0, length - size));
  return { from, to: from + size };
}

/** `1200-3400`, as in the address; undefined for all that is no part of the run. */
export function readSpan(text: string | null, length: number): Span | undefined {
  const match = /^(\d{1,12})-(\d{1,12})$/.exec(text ?? '');
  if (match === null) return undefined;
  const span = { from: Number(match[1]), to: Math.min(Number(match[2]), length) };
  return span.to - span.from >= Math.min(LEAST, length) && span.to - span.from < length ? span : undefined;
}

export const spanText = (span: Span | undefined): string | undefined =>
  span === undefined ? undefined : `${Math.round(span.from)}-${Math.round(span.to)}`;
