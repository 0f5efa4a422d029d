import { expect, test } from 'vitest';
import { stepName, type StepStatus } from '@run-pipeline/core/model';
import type { StepView } from '@run-pipeline/core/run-view';
import { stepFilter } from './step-filter.js';

const step = (name: string, status: StepStatus): StepView => ({
  name: stepName(name),
  status,
  parents: [],
  attempts: 0,
  artifacts: [],
  why: [],
  reports: [],
});
const all = [step('load', 'cached'), step('train', 'failed'), step('train_1', 'completed')];
const found = (text: string): readonly string[] =>
  all.filter((each) => stepFilter(text).matches(each)).map(({ name }) => name);

test('statuses add up, words narrow', () => {
  expect(found('')).toEqual(['load', 'train', 'train_1']);
  expect(found('status:failed status:cached')).toEqual(['load', 'train']);
  expect(found('status:failed TRAIN')).toEqual(['train']);
  expect(found('train _1')).toEqual(['train_1']);
});

test('a status that there is not is a word like another', () => {
  expect(found('status:constructor')).toEqual([]);
});
