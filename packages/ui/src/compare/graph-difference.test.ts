import { expect, test } from 'vitest';
import { stepName } from '@run-pipeline/core/model';
import type { StepView } from '@run-pipeline/core/run-view';
import type { Row } from './comparison.js';
import { graphDifference } from './graph-difference.js';

const steps = (parents: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, StepView> =>
  new Map(
    Object.entries(parents).map(([name, before]) => [
      name,
      {
        name: stepName(name),
        status: 'completed',
        parents: before.map(stepName),
        attempts: 1,
        artifacts: [],
        why: [],
        reports: [],
      },
    ]),
  );
const row = (name: string, before: string, now: string): Row => ({
  key: name,
  name,
  cells: [
    { text: '', same: before },
    { text: '', same: now },
  ],
  differs: before !== now,
});

test('what only one run has, and what has another result', () => {
  const { graph, changes, edges, leftOut } = graphDifference({
    before: steps({ load: [], clean: ['load'], old: ['clean'] }),
    now: steps({ load: [], clean: ['load'], fresh: ['clean', 'load'] }),
    rows: [row('load', 'a', 'a'), row('clean', 'a', 'b')],
    columns: [0, 1],
  });
  expect(Object.fromEntries(graph.cards.map(({ name }, index) => [name, changes[index]]))).toEqual({
    load: 'same',
    clean: 'changed',
    fresh: 'added',
    old: 'removed',
  });
  const named = graph.edges.map(
    ([from, to], index) => `${graph.cards[from]?.name} ${graph.cards[to]?.name} ${edges[index]}`,
  );
  expect(named.sort()).toEqual([
    'clean fresh added',
    'clean old removed',
    'load clean same',
    'load fresh added',
  ]);
  expect(leftOut).toBe(0);
});

test('of a large graph only what differs, and what it hangs on', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 400 }, (_, index) => [`s${index}`, index === 0 ? [] : [`s${index - 1}`]]),
  );
  const { graph, changes, leftOut } = graphDifference({
    before: steps(chain),
    now: steps(chain),
    rows: [row('s200', 'a', 'b')],
    columns: [0, 1],
  });
  expect(graph.cards.map(({ name }) => name)).toEqual(['s199', 's200', 's201']);
  expect(changes).toEqual(['same', 'changed', 'same']);
  expect(graph.edges).toEqual([
    [0, 1],
    [1, 2],
  ]);
  expect(leftOut).toBe(397);
});
