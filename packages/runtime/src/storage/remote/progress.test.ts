import { expect, test, vi } from 'vitest';
import { Progress } from './progress.js';

test('what is short is not told of; what is long, in whole lines', () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const short = new Progress({ what: 'downloading a', write });
  short.begin(0, 100);
  vi.advanceTimersByTime(2_900);
  short.end();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([]);
  const long = new Progress({ what: 'downloading b', write });
  long.begin(0, 4 * 1024 * 1024);
  long.moved(1024 * 1024);
  vi.advanceTimersByTime(3_000);
  long.moved(3 * 1024 * 1024);
  vi.advanceTimersByTime(10_000);
  // A connection that is made anew goes on with the same lines.
  long.begin(3 * 1024 * 1024, undefined);
  vi.advanceTimersByTime(10_000);
  long.end();
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([
    'downloading b: 1.0 MB of 4.0 MB (25 %)',
    'downloading b: 3.0 MB of 4.0 MB (75 %)',
    'downloading b: 3.0 MB',
  ]);
  vi.useRealTimers();
});
