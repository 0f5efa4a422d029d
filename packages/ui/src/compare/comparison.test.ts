import { expect, test } from 'vitest';
import { digest, fingerprint, runId, stepName } from '@run-pipeline/core/model';
import { emptyRunView, viewToJson, type StepView } from '@run-pipeline/core/run-view';
import type { RunSnapshot } from '@run-pipeline/core/wire';
import { compareRuns, type Row } from './comparison.js';

function snapshot(
  id: string,
  parameters: Record<string, unknown>,
  steps: readonly Partial<StepView>[],
): RunSnapshot {
  const view = emptyRunView(runId(id));
  view.parameters = parameters;
  view.status = 'completed';
  for (const step of steps)
    view.steps.set(step.name!, {
      name: stepName('x'),
      parents: [],
      status: 'completed',
      attempts: 1,
      artifacts: [],
      why: [],
      reports: [],
      ...step,
    });
  return {
    view: viewToJson(view),
    item: {
      id,
      pipeline: 'p',
      project: 'x',
      version: '1',
      number: 1,
      status: 'completed',
      source: 's',
      createdAt: '',
      parameters: {},
      counts: view.counts,
      metrics: {},
    },
    createdAt: '',
    siblings: [],
  };
}
const differing = (rows: readonly Row[]): readonly string[] =>
  rows.filter(({ differs }) => differs).map(({ name }) => name);
const artifact = (hash: string) => [
  {
    name: 'rows',
    type: 'superjson',
    hash: digest(`sha256:${hash.repeat(64)}`),
    size: 1,
    url: '',
    codecVersion: 1,
    createdAt: '',
  },
];

test('parameters differ by value, or by not being there', () => {
  const { parameters } = compareRuns([
    snapshot('a', { lr: 1, depth: 3, only: true }, []),
    snapshot('b', { lr: 2, depth: 3 }, []),
  ]);
  expect(differing(parameters)).toEqual(['lr', 'only']);
  expect(parameters.find(({ name }) => name === 'only')?.cells[1]).toBeUndefined();
});

test('a cached step is the same as the one that executed it; another fingerprint is not', () => {
  const load = { name: stepName('load'), fingerprint: fingerprint('f1') };
  const { steps } = compareRuns([
    snapshot('a', {}, [load, { name: stepName('train'), fingerprint: fingerprint('f2') }]),
    snapshot('b', {}, [
      { ...load, status: 'cached' },
      { name: stepName('train'), fingerprint: fingerprint('f3') },
      { name: stepName('new') },
    ]),
  ]);
  expect(differing(steps)).toEqual(['train', 'new']);
});

test('artifacts differ by their content', () => {
  const { artifacts } = compareRuns([
    snapshot('a', {}, [
      { name: stepName('load'), artifacts: artifact('a') },
      { name: stepName('b'), artifacts: artifact('b') },
    ]),
    snapshot('b', {}, [
      { name: stepName('load'), artifacts: artifact('c') },
      { name: stepName('b'), artifacts: artifact('b') },
    ]),
  ]);
  expect(differing(artifacts)).toEqual(['load.rows']);
});
