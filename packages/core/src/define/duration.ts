/**
 * A length of time: a number is milliseconds, a text is a number with a unit
 * (`ms`, `s`, `m`, `h`, `d`), also several: `'1h30m'`.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | (string & {});

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d)\s*/gy;

/** Milliseconds, rounded up to a whole one; `undefined` for what is no duration, or negative. */
export function durationMs(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? parse(value.trim()) : value;
  if (typeof milliseconds !== 'number' || !Number.isFinite(milliseconds) || milliseconds < 0)
    return undefined;
  return Math.ceil(milliseconds);
}

function parse(text: string): number | undefined {
  if (text === '') return undefined;
  let sum = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (match === null) return undefined;
    sum += Number(match[1]) * UNITS[match[2]!]!;
  }
  return sum;
}
