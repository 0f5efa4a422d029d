import { expect, test } from 'vitest';
import { runId, stepName, type RunEvent, type RunEventBody } from '@run-pipeline/core/model';
import { foldEvents, type RunView } from '@run-pipeline/core/run-view';
import { ticks, timeline } from './segments.js';

const iso = (second: number): string => new Date(second * 1000).toISOString();

/** Each event with the second at which it came. */
function viewOf(...timed: readonly (readonly [number, RunEventBody])[]): RunView {
  return foldEvents(
    timed.map(([second, body], seq): RunEvent => ({ v: 1, seq, ts: iso(second), run: runId('r'), ...body })),
  );
}
const start = (...steps: readonly (readonly [string, ...string[]])[]): RunEventBody => ({
  type: 'run.start',
  pipeline: 'p',
  project: 'x',
  version: '1',
  number: 1,
  parameters: {},
  steps: steps.map(([name, ...parents]) => ({ name: stepName(name), parents: parents.map(stepName) })),
});
const begin = (name: string, attempt = 1): RunEventBody => ({
  type: 'step.start',
  step: stepName(name),
  attempt,
});
const end = (name: string, status: 'completed' | 'cached' = 'completed'): RunEventBody => ({
  type: 'step.end',
  step: stepName(name),
  status,
  attempt: 1,
  durationMs: 0,
  artifacts: [],
  why: [],
});
const drawn = (view: RunView, now = 1e9): readonly string[] =>
  timeline(view, [...view.steps.values()], now * 1000).rows.map(
    ({ step, segments, critical }) =>
      `${step.name}${critical ? '*' : ''} ${segments.map(({ kind, from, to, failed }) => `${kind} ${from / 1000}-${to / 1000}${failed ? '!' : ''}`).join(' ')}`,
  );

test('waiting for a slot, executions and the delay between them', () => {
  const view = viewOf(
    [0, start(['a'], ['b', 'a'])],
    [0, begin('a')],
    [2, end('a')],
    [3, begin('b')],
    [
      5,
      { type: 'step.retry', step: stepName('b'), attempt: 1, error: { name: 'E', message: 'm' }, delayMs: 1 },
    ],
    [6, begin('b', 2)],
    [9, end('b')],
    [10, { type: 'run.end', status: 'completed', durationMs: 10_000 }],
  );
  expect(drawn(view)).toEqual(['a* run 0-2', 'b* wait 2-3 run 3-5! retry 5-6 run 6-9']);
});

test('the critical path goes through the parent that ended last', () => {
  const view = viewOf(
    [0, start(['fast'], ['slow'], ['end', 'fast', 'slow'])],
    [0, begin('fast')],
    [0, begin('slow')],
    [1, end('fast')],
    [4, end('slow')],
    [4, begin('end')],
    [5, end('end')],
    [5, { type: 'run.end', status: 'completed', durationMs: 5000 }],
  );
  const { critical, criticalMs, length } = timeline(view, [...view.steps.values()], 0);
  expect(critical).toEqual(['slow', 'end']);
  expect(criticalMs).toBe(5000);
  expect(length).toBe(5000);
});

test('what is cached is a moment, what goes on ends now', () => {
  const view = viewOf([0, start(['a'], ['b', 'a'])], [1, end('a', 'cached')], [1, begin('b')]);
  expect(drawn(view, 3)).toEqual(['a* instant 1-1', 'b* run 1-3']);
});

test('a mapped step reaches from its first element to its last, and is on the critical path as such', () => {
  const view = viewOf(
    [0, start(['score'], ['best', 'score'])],
    [
      0,
      {
        type: 'step.add',
        steps: [0, 1].map((index) => ({
          name: stepName(`score[${index}]`),
          parents: [],
          of: stepName('score'),
        })),
      },
    ],
    [1, begin('score[0]')],
    [2, begin('score[1]')],
    [3, end('score[0]')],
    [6, end('score[1]')],
    [6, end('score')],
    [6, begin('best')],
    [7, end('best')],
    [7, { type: 'run.end', status: 'completed', durationMs: 7000 }],
  );
  expect(drawn(view).find((row) => row.startsWith('score*'))).toBe('score* group 1-6');
  const { critical, criticalMs } = timeline(view, [...view.steps.values()], 0);
  expect(critical).toEqual(['score', 'best']);
  expect(criticalMs).toBe(6000);
});

test('ticks are round and few', () => {
  expect(ticks(0, 9000, 6)).toEqual([0, 2000, 4000, 6000, 8000]);
  expect(ticks(2100, 4100, 2)).toEqual([3000, 4000]);
  expect(ticks(0, 3, 5)).toEqual([0, 1, 2, 3]);
  expect(ticks(0, 40 * 86_400_000, 8).length).toBeLessThan(10);
});
