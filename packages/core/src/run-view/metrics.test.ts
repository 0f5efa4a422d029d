import { expect, test } from 'vitest';
import type { Report } from '../model/artifact.js';
import { stepName } from '../model/ids.js';
import { metricName, runMetrics } from './metrics.js';

const shown = (...reports: readonly Report[]) =>
  runMetrics({ reports: reports.map((report) => ({ from: stepName('train'), report })) });
const point = (series: string, iteration: number, value: number): Report => ({
  kind: 'scalar',
  title: 'test',
  series,
  iteration,
  value,
});

test('of a curve its last point is the metric, whatever the order in which the points came', () => {
  expect(
    shown(point('loss', 1, 0.5), point('accuracy', 0, 0.9), point('loss', 2, 0.3), point('loss', 0, 1)),
  ).toEqual([
    { title: 'test', series: 'loss', value: 0.3, iteration: 2, from: 'train' },
    { title: 'test', series: 'accuracy', value: 0.9, iteration: 0, from: 'train' },
  ]);
});

test('a single value and a curve of the same title are two metrics', () => {
  const metrics = shown({ kind: 'single-value', name: 'test', value: 1 }, point('test', 0, 2), {
    kind: 'single-value',
    name: 'test',
    value: 3,
  });
  expect(metrics.map((metric) => [metricName(metric), metric.value])).toEqual([
    ['test', 3],
    ['test/test', 2],
  ]);
});
