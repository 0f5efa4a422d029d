import { expect, test } from 'vitest';
import { buildGraph } from './build.js';
import type { Graph } from './graph.js';
import { pipelineFixture } from './pipeline.fixture.js';
import { select, type SelectionOptions } from './select.js';

const { graph } = buildGraph(
  pipelineFixture({
    load: {},
    split: { inputs: ['$<load.result>'], returns: ['train', 'test'] },
    train: { inputs: ['$<split.train>'] },
    notify: { parents: ['load'] },
    report: { inputs: ['$<train.result>', '$<split.test>'], parents: ['notify'] },
  }),
);
const selection = (options: SelectionOptions): string => {
  const { selected, reused } = select(graph as Graph, options);
  return `${[...selected].join(' ')} | ${[...reused].join(' ')}`;
};

test('without options everything is selected', () => {
  expect(selection({})).toBe('load split train notify report | ');
});

test('from takes what depends on the step; what that needs beside it comes from an earlier run', () => {
  expect(selection({ from: 'train' })).toBe('train report | split');
  expect(selection({ from: 'load' })).toBe('load split train notify report | ');
});

test('to takes what the step depends on', () => {
  expect(selection({ to: 'train' })).toBe('load split train | ');
});

test('from and to take what lies between', () => {
  expect(selection({ from: 'split', to: 'train' })).toBe('split train | load');
});

test('only takes one step; parents that merely order are not needed', () => {
  expect(selection({ only: 'report' })).toBe('report | train split');
  expect(selection({ only: 'notify' })).toBe('notify | ');
});

test('what cannot be selected is a usage error', () => {
  expect(() => selection({ from: 'trian' })).toThrow(
    expect.objectContaining({
      kind: 'usage',
      message: '--from: there is no step `trian`',
      help: 'did you mean `train`?',
    }),
  );
  expect(() => selection({ only: 'train[0]' })).toThrow('--only takes a whole step');
  expect(() => selection({ only: 'train', to: 'train' })).toThrow('cannot be combined');
  expect(() => selection({ from: 'notify', to: 'train' })).toThrow('`train` does not depend on `notify`');
});
