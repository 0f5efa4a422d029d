import type { Report } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { scalarsOf, singleValuesOf } from './reported.js';

const scalar = (title: string, series: string, iteration: number, value: number): Report => ({
  kind: 'scalar',
  title,
  series,
  iteration,
  value,
});

test('scalars are told by title and series, in order', () => {
  const reports: readonly Report[] = [
    scalar('loss', 'train', 0, 0.9),
    scalar('loss', 'test', 0, 1),
    { kind: 'text', text: 'between' },
    scalar('loss', 'train', 1, 0.4),
    scalar('__proto__', 'constructor', 0, 1),
  ];
  expect(JSON.stringify(scalarsOf(reports))).toBe(
    '{"loss":{"train":{"x":[0,1],"y":[0.9,0.4]},"test":{"x":[0],"y":[1]}},"__proto__":{"constructor":{"x":[0],"y":[1]}}}',
  );
});

test('of single values of one name the last one counts', () => {
  const value = (name: string, of: number): Report => ({ kind: 'single-value', name, value: of });
  expect(singleValuesOf([value('a', 1), value('b', 2), value('a', 3)])).toEqual({ a: 3, b: 2 });
});
