import type { QueueLimits, QueueRate } from '@run-pipeline/core/ports';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Beyond it a queue is as good as not limited, and what was begun has to be kept for a whole window. */
const MOST = 100_000;
const LONGEST_MS = 366 * UNITS.d;

/** `10/s`, `100/5m`: so many in any stretch of that length. Undefined: it is not that. */
export function parseRate(text: string): QueueRate | undefined {
  const [, max, several, unit] = /^(\d{1,6})\/(\d{1,6})?(s|m|h|d)$/.exec(text) ?? [];
  if (max === undefined) return undefined;
  const rate = { max: Number(max), perMs: Number(several ?? 1) * UNITS[unit as keyof typeof UNITS] };
  return rate.max >= 1 && rate.max <= MOST && rate.perMs >= 1 && rate.perMs <= LONGEST_MS ? rate : undefined;
}

export function formatRate({ max, perMs }: QueueRate): string {
  const [unit, ms] = Object.entries(UNITS).findLast(([, length]) => perMs % length === 0) ?? ['ms', 1];
  const several = perMs / ms;
  return `${max}/${several === 1 && unit !== 'ms' ? '' : several}${unit}`;
}

/** `at most 2 at once, 10/s`, `paused`; empty where there is no limit. */
export function formatLimits({ concurrency, rate }: QueueLimits): string {
  if (concurrency === 0) return 'paused';
  const parts = [
    ...(concurrency === undefined ? [] : [`at most ${concurrency} at once`]),
    ...(rate === undefined ? [] : [`${concurrency === undefined ? 'at most ' : ''}${formatRate(rate)}`]),
  ];
  return parts.join(', ');
}

export const isPaused = ({ concurrency }: QueueLimits): boolean => concurrency === 0;
