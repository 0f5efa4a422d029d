import { expect, test } from 'vitest';
import { stepName } from '@run-pipeline/core/model';
import type { StepView } from '@run-pipeline/core/run-view';
import { nextSorting, parseSorting, sorted } from './sorting.js';

const step = (name: string, durationMs?: number): StepView => ({
  name: stepName(name),
  status: 'completed',
  parents: [],
  attempts: 1,
  artifacts: [],
  why: [],
  reports: [],
  ...(durationMs === undefined ? {} : { durationMs }),
});
const steps = [step('b', 5), step('c'), step('a', 9), step('d', 5)];
const names = (text: string): string =>
  sorted(steps, parseSorting(text))
    .map(({ name }) => name)
    .join('');

test('what is not known comes last, whichever way; equal ones keep their order', () => {
  expect(names('duration')).toBe('bdac');
  expect(names('-duration')).toBe('abdc');
  expect(names('name')).toBe('abcd');
});

test('a word that is no column leaves the order of the graph', () => {
  expect(names('__proto__')).toBe('bcad');
  expect(parseSorting('-order')).toEqual({ by: 'order', descending: false });
});

test('a column is sorted both ways, then not at all', () => {
  expect(nextSorting(parseSorting(null), 'duration')).toBe('-duration');
  expect(nextSorting(parseSorting('-duration'), 'duration')).toBe('duration');
  expect(nextSorting(parseSorting('duration'), 'duration')).toBeUndefined();
  expect(nextSorting(parseSorting('-name'), 'name')).toBeUndefined();
});
