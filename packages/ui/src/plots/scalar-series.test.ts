import { expect, test } from 'vitest';
import type { Report } from '@run-pipeline/core/model';
import { ScalarCollector, aligned, smoothed } from './scalar-series.js';

const scalar = (title: string, series: string, iteration: number, value: number): Report => ({
  kind: 'scalar',
  title,
  series,
  iteration,
  value,
});

test('series of one title share a chart; an iteration told again has its latest value', () => {
  const collector = new ScalarCollector();
  const reports = [
    scalar('loss', 'train', 2, 5),
    scalar('loss', 'test', 1, 7),
    scalar('loss', 'train', 1, 6),
  ];
  expect(collector.charts(reports)).toEqual([
    {
      title: 'loss',
      series: [
        { name: 'train', xs: [1, 2], ys: [6, 5] },
        { name: 'test', xs: [1], ys: [7] },
      ],
    },
  ]);
  reports.push(scalar('loss', 'train', 2, 4));
  expect(collector.charts(reports)[0]?.series[0]?.ys).toEqual([6, 4]);
});

test('names as __proto__ are names', () => {
  expect(new ScalarCollector().charts([scalar('__proto__', 'constructor', 0, 1)])[0]?.title).toBe(
    '__proto__',
  );
});

test('smoothing begins at the first value and leaves constants alone', () => {
  expect(smoothed([4, 4, 4], 0.9).map((y) => Math.round(y * 1e9) / 1e9)).toEqual([4, 4, 4]);
  expect(smoothed([1, 2], 0)).toEqual([1, 2]);
});

test('series on the same iterations, with holes', () => {
  const { xs, ys } = aligned([
    { name: 'a', xs: [1, 3], ys: [10, 30] },
    { name: 'b', xs: [2, 3], ys: [20, Number.NaN] },
  ]);
  expect(xs).toEqual([1, 2, 3]);
  expect(ys).toEqual([
    [10, undefined, 30],
    [undefined, 20, null],
  ]);
});
