import { expect, test } from 'vitest';
import { durationMs } from './duration.js';

test.each([
  ['10m', 600_000],
  ['1s', 1_000],
  ['500ms', 500],
  ['1.5s', 1_500],
  [' 1h 30m ', 5_400_000],
  ['2d', 172_800_000],
  [250, 250],
  [0, 0],
  [0.2, 1],
])('%j is %d ms', (given, expected) => expect(durationMs(given)).toBe(expected));

test.each(['', '10', 'm', '10 parsecs', '-1s', '1s x', -5, NaN, Infinity, null, true, {}])(
  '%j is no duration',
  (given) => {
    expect(durationMs(given)).toBeUndefined();
  },
);
