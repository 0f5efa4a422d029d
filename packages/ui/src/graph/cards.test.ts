import { expect, test } from 'vitest';
import { runId, stepName, type StepStatus } from '@run-pipeline/core/model';
import { emptyRunView, type RunView } from '@run-pipeline/core/run-view';
import { cardGraph, groupStatus } from './cards.js';

/** `[name, parents, mapped step]`. */
function viewOf(...nodes: readonly (readonly [string, (readonly string[])?, string?])[]): RunView {
  const view = emptyRunView(runId('r'));
  for (const [name, parents = [], of] of nodes)
    view.steps.set(stepName(name), {
      name: stepName(name),
      parents: parents.map(stepName),
      ...(of === undefined ? {} : { of: stepName(of) }),
      status: 'created',
      attempts: 0,
      artifacts: [],
      why: [],
      reports: [],
    });
  return view;
}
const drawn = (view: RunView): readonly string[] => {
  const { cards } = cardGraph(view);
  return cards.map(
    ({ name, kind, members, parents }) =>
      `${name}/${kind}/${members.length} < ${parents.map((at) => cards[at]?.name).join(' ')}`,
  );
};

test('elements of a mapped step are one card with it', () => {
  const view = viewOf(
    ['list'],
    ['score', ['list']],
    ['best', ['score']],
    ...[0, 1, 2].map((index) => [`score[${index}]`, ['list'], 'score'] as const),
  );
  expect(drawn(view)).toEqual(['list/step/0 < ', 'score/mapped/3 < list', 'best/step/0 < score']);
  expect(cardGraph(view).of.get('score[1]')).toBe(1);
});

test('who takes one element hangs on the card of all', () => {
  const view = viewOf(
    ['list'],
    ['score', ['list']],
    ['score[0]', ['list'], 'score'],
    ['first', ['score[0]']],
  );
  expect(drawn(view).at(-1)).toBe('first/step/0 < score');
});

test('many steps with the same parents and children are a stage', () => {
  const many = Array.from({ length: 30 }, (_, index) => [`train_${index}`, ['split']] as const);
  const view = viewOf(['split'], ...many, ['best', many.map(([name]) => name)]);
  expect(drawn(view)).toEqual(['split/step/0 < ', 'train_*/stage/30 < split', 'best/step/0 < train_*']);
  expect(drawn(viewOf(['split'], ...many.slice(0, 5)))).toHaveLength(6);
});

test('a chain stays a chain', () => {
  const chain = Array.from(
    { length: 40 },
    (_, index) => [`s${index}`, index === 0 ? [] : [`s${index - 1}`]] as const,
  );
  expect(cardGraph(viewOf(...chain)).cards).toHaveLength(40);
});

test('a card of many shows what needs attention first', () => {
  const shown = (counts: Partial<Record<StepStatus, number>>): StepStatus => groupStatus(counts);
  expect(shown({ completed: 3, failed: 1, running: 2 })).toBe('failed');
  expect(shown({ completed: 3, created: 2 })).toBe('running');
  expect(shown({ completed: 3, cached: 2 })).toBe('completed');
  expect(shown({ cached: 2 })).toBe('cached');
  expect(shown({})).toBe('created');
});
