import { expect, test } from 'vitest';
import type { NodeSummary, RunEvent, RunEventBody } from '../model/events.js';
import { digest, fingerprint, runId, stepName } from '../model/ids.js';
import type { ArtifactRecord } from '../model/artifact.js';
import { applyEvent, foldEvents } from './apply.js';
import { rootFailures } from './failures.js';
import { showRun } from './show.js';
import { emptyRunView, type RunView } from './view.js';

const ID = runId('run-1');
const at = (second: number): string => new Date(second * 1000).toISOString();

/** Numbers the events and gives each its second. */
const events = (...bodies: readonly RunEventBody[]): readonly RunEvent[] =>
  bodies.map((body, seq) => ({ v: 1, seq, ts: at(seq), run: ID, ...body }));

const start = (...steps: readonly (readonly [string, ...string[]])[]): RunEventBody => ({
  type: 'run.start',
  pipeline: 'iris',
  project: 'examples',
  version: '1.0.0',
  number: 3,
  parameters: { lr: 0.1 },
  steps: steps.map(([name, ...parents]): NodeSummary => ({
    name: stepName(name),
    parents: parents.map(stepName),
  })),
  source: 'iris.ts#Iris',
});
const begin = (step: string, attempt = 1): RunEventBody => ({
  type: 'step.start',
  step: stepName(step),
  attempt,
  host: 'h',
  pid: 7,
});
const end = (
  step: string,
  status: 'completed' | 'cached' | 'failed' | 'aborted' | 'skipped',
  facts: object = {},
): RunEventBody => ({
  type: 'step.end',
  step: stepName(step),
  status,
  attempt: status === 'cached' || status === 'skipped' ? 0 : 1,
  durationMs: 5,
  artifacts: [],
  why: [],
  ...facts,
});
const failed = (step: string): RunEventBody =>
  end(step, 'failed', { error: { name: 'Error', message: `${step} broke` } });
const status = (view: RunView): Record<string, string> =>
  Object.fromEntries([...view.steps.values()].map((step) => [step.name, step.status]));
const artifact: ArtifactRecord = {
  name: 'x',
  type: 'superjson',
  hash: digest(`sha256:${'a'.repeat(64)}`),
  size: 3,
  url: 'artifact://sha256/aa',
  codecVersion: 1,
  createdAt: at(0),
};

test('a run is what its events say', () => {
  const view = foldEvents(
    events(
      start(['a'], ['b', 'a'], ['c', 'b']),
      end('a', 'cached', { cachedFrom: 'run-0', artifacts: [artifact], why: ['same as in run-0'] }),
      begin('b'),
      { type: 'step.log', step: stepName('b'), attempt: 1, stream: 'stdout', text: 'hi' },
      {
        type: 'step.retry',
        step: stepName('b'),
        attempt: 1,
        error: { name: 'Error', message: 'once' },
        delayMs: 10,
      },
      begin('b', 2),
      {
        type: 'step.report',
        step: stepName('b'),
        attempt: 2,
        report: { kind: 'single-value', name: 'acc', value: 1 },
      },
      end('b', 'completed', {
        attempt: 2,
        fingerprint: fingerprint('f'),
        dependencies: { lodash: '4.17.21' },
        artifacts: [artifact],
      }),
      end('c', 'skipped'),
      { type: 'run.end', status: 'completed', durationMs: 9000 },
    ),
  );
  expect(view).toMatchObject({
    pipeline: 'iris',
    number: 3,
    status: 'completed',
    startedAt: at(0),
    finishedAt: at(9),
    durationMs: 9000,
    source: 'iris.ts#Iris',
    lastSeq: 9,
  });
  expect(view.counts).toEqual({
    created: 0,
    queued: 0,
    running: 0,
    completed: 1,
    failed: 0,
    aborted: 0,
    cached: 1,
    skipped: 1,
  });
  expect(view.steps.get(stepName('b'))).toMatchObject({
    attempts: 2,
    startedAt: at(2),
    attemptStartedAt: at(5),
    finishedAt: at(7),
    host: 'h',
    pid: 7,
    reports: [{ kind: 'single-value' }],
  });
  expect(view.steps.get(stepName('b'))).not.toHaveProperty('error');
});

test('show has exactly the documented keys', () => {
  const view = foldEvents(
    events(
      start(['a'], ['b', 'a'], ['c']),
      end('a', 'cached', { cachedFrom: 'run-0', fingerprint: 'f', artifacts: [artifact] }),
      begin('b'),
      failed('b'),
    ),
  );
  expect(showRun(view)).toEqual({
    id: 'run-1',
    pipeline: 'iris',
    project: 'examples',
    version: '1.0.0',
    number: 3,
    status: 'running',
    parameters: { lr: 0.1 },
    startedAt: at(0),
    finishedAt: null,
    steps: [
      {
        name: 'a',
        status: 'cached',
        parents: [],
        attempts: 0,
        fingerprint: 'f',
        startedAt: null,
        finishedAt: at(1),
        cachedFrom: 'run-0',
        dependencies: {},
        artifacts: [artifact],
      },
      {
        name: 'b',
        status: 'failed',
        parents: ['a'],
        attempts: 1,
        fingerprint: null,
        startedAt: at(2),
        finishedAt: at(3),
        dependencies: {},
        artifacts: [],
        error: { name: 'Error', message: 'b broke' },
      },
      {
        name: 'c',
        status: 'created',
        parents: [],
        attempts: 0,
        fingerprint: null,
        startedAt: null,
        finishedAt: null,
        dependencies: {},
        artifacts: [],
      },
    ],
  });
});

test('a resumed run queues what was running and keeps what ended', () => {
  const list = events(
    start(['a'], ['b'], ['c']),
    begin('a'),
    end('a', 'completed'),
    begin('b'),
    { type: 'run.resume', epoch: 2 },
    begin('b', 2),
    end('b', 'completed', { attempt: 2 }),
  );
  expect(status(foldEvents(list.slice(0, 5)))).toEqual({ a: 'completed', b: 'queued', c: 'created' });
  const view = foldEvents(list);
  expect(status(view)).toEqual({ a: 'completed', b: 'completed', c: 'created' });
  expect(view.steps.get(stepName('b'))?.attempts).toBe(2);
});

test('a failed run that is resumed is running again, and what ended may start again', () => {
  const view = foldEvents(
    events(
      start(['a'], ['b', 'a']),
      begin('a'),
      failed('a'),
      end('b', 'skipped'),
      { type: 'run.end', status: 'failed', durationMs: 1, error: { name: 'Error', message: 'x' } },
      { type: 'run.resume', epoch: 2 },
      begin('a', 2),
    ),
  );
  expect(view).toMatchObject({ status: 'running', finishedAt: undefined, error: undefined });
  expect(view.steps.get(stepName('a'))).toMatchObject({ status: 'running', attempts: 2, startedAt: at(1) });
  expect(view.steps.get(stepName('a'))).not.toHaveProperty('finishedAt');
  expect(view.counts).toMatchObject({ running: 1, failed: 0, skipped: 0, created: 1 });
});

test('a step waits in its queue, runs on an agent, is lost with it and runs here', () => {
  const [a, queue] = [stepName('a'), 'gpu'];
  const error = { name: 'AgentLost', code: 'agent-lost', message: 'gone' };
  const list = events(
    start(['a']),
    { type: 'step.queue', step: a, attempt: 1, queue },
    { type: 'step.start', step: a, attempt: 1, agent: 'box:1', host: 'box', pid: 1 },
    { type: 'step.retry', step: a, attempt: 1, error, delayMs: 0 },
    { type: 'step.queue', step: a, attempt: 2, queue },
    begin('a', 2),
    end('a', 'completed', { attempt: 2 }),
  );
  const after = (count: number) => foldEvents(list.slice(0, count)).steps.get(a);
  expect(after(2)).toMatchObject({ status: 'queued', queue: 'gpu', attempts: 0 });
  expect(after(3)).toMatchObject({ status: 'running', agent: 'box:1', host: 'box', pid: 1, attempts: 1 });
  expect(after(5)).toMatchObject({ status: 'queued', error, agent: 'box:1' });
  expect(after(6)).toMatchObject({ status: 'running', host: 'h', pid: 7, attempts: 2 });
  expect(after(6)).not.toHaveProperty('agent');
  expect(after(7)).toMatchObject({ status: 'completed', attempts: 2 });
});

test('events that were seen change nothing', () => {
  const list = events(
    start(['a']),
    begin('a'),
    { type: 'step.report', step: stepName('a'), attempt: 1, report: { kind: 'text', text: 'x' } },
    end('a', 'completed'),
  );
  const view = foldEvents(list);
  const before = structuredClone(showRun(view));
  for (const event of [...list, ...list]) applyEvent(view, event);
  expect(showRun(view)).toEqual(before);
  expect(view.steps.get(stepName('a'))?.reports).toHaveLength(1);
  expect(view.counts.completed).toBe(1);
});

test('any split of the events folds to the same view', () => {
  const list = events(
    start(['a'], ['b', 'a']),
    begin('a'),
    end('a', 'completed'),
    { type: 'step.add', steps: [{ name: stepName('b[0]'), parents: [stepName('a')], of: stepName('b') }] },
    begin('b[0]'),
    failed('b[0]'),
    failed('b'),
  );
  const whole = foldEvents(list);
  for (let cut = 0; cut <= list.length; cut++) {
    const view = foldEvents(list.slice(0, cut), ID);
    for (const event of list.slice(Math.max(0, cut - 2))) applyEvent(view, event);
    expect(view).toEqual(whole);
  }
});

test('only the step that changed has a new view', () => {
  const [first, ...rest] = events(start(['a'], ['b']), begin('a'));
  const view = applyEvent(emptyRunView(ID), first as RunEvent);
  const { a, b } = { a: view.steps.get(stepName('a')), b: view.steps.get(stepName('b')) };
  for (const event of rest) applyEvent(view, event);
  expect(view.steps.get(stepName('a'))).not.toBe(a);
  expect(view.steps.get(stepName('b'))).toBe(b);
});

test('an event of another run is refused', () => {
  expect(() => applyEvent(emptyRunView(runId('other')), events(start())[0] as RunEvent)).toThrow(
    'cannot change run other',
  );
  expect(() => foldEvents([])).toThrow('no events');
});

test('root failures have no failed ancestor and say what they cost', () => {
  const view = foldEvents(
    events(
      start(['a'], ['b'], ['c', 'a'], ['d', 'c', 'b'], ['e', 'd'], ['f']),
      begin('b'),
      failed('b'),
      begin('a'),
      failed('a'),
      end('c', 'skipped'),
      end('d', 'skipped'),
      end('e', 'skipped'),
      end('f', 'aborted'),
    ),
  );
  expect(rootFailures(view).map(({ step, skipped }) => [step.name, skipped])).toEqual([
    ['b', 2],
    ['a', 3],
  ]);
});

test('a mapped step that fails through an element is not the root', () => {
  const view = foldEvents(
    events(
      start(['list'], ['score', 'list'], ['all', 'score']),
      end('list', 'cached'),
      {
        type: 'step.add',
        steps: [0, 1].map((index) => ({
          name: stepName(`score[${index}]`),
          parents: [stepName('list')],
          of: stepName('score'),
        })),
      },
      begin('score[0]'),
      end('score[0]', 'completed'),
      begin('score[1]'),
      end('score[1]', 'aborted', { error: { name: 'Error', message: 'too slow', code: 'timeout' } }),
      failed('score'),
      end('all', 'skipped'),
    ),
  );
  expect(rootFailures(view).map(({ step, skipped }) => [step.name, skipped])).toEqual([['score[1]', 1]]);
});

test('a failure below a failure is not a root', () => {
  const view = foldEvents(events(start(['a'], ['b', 'a']), begin('a'), failed('a'), begin('b'), failed('b')));
  expect(rootFailures(view).map(({ step }) => step.name)).toEqual(['a']);
  expect(rootFailures(foldEvents(events(start(['a']), end('a', 'cached'))))).toEqual([]);
});

test('the stretches of a step: queue, executions, the wait for the next attempt', () => {
  const error = { name: 'Error', message: 'no' };
  const bodies: readonly RunEventBody[] = [
    start(['a']),
    { type: 'step.queue', step: stepName('a'), attempt: 1, queue: 'gpu' },
    begin('a'),
    { type: 'step.retry', step: stepName('a'), attempt: 1, error, delayMs: 1000 },
    { type: 'step.start', step: stepName('a'), attempt: 2 },
    { type: 'run.resume', epoch: 2 },
    { type: 'step.start', step: stepName('a'), attempt: 3 },
    end('a', 'completed'),
  ];
  const view = foldEvents(
    bodies.map((body, seq): RunEvent => ({ v: 1, seq, ts: at(seq), run: ID, ...body })),
  );
  expect(view.steps.get(stepName('a'))?.spans).toEqual([
    { kind: 'queue', attempt: 1, from: at(1), to: at(2) },
    { kind: 'run', attempt: 1, from: at(2), to: at(3), failed: true },
    { kind: 'retry', attempt: 2, from: at(3), to: at(4) },
    { kind: 'run', attempt: 2, from: at(4), to: at(5), failed: true },
    { kind: 'run', attempt: 3, from: at(6), to: at(7) },
  ]);
});

test('a long run costs linear time', () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `s${index}`);
  const report = { kind: 'scalar', title: 't', series: 's', value: 1, iteration: 1 } as const;
  const bodies = [
    start(...names.map((name) => [name] as const)),
    ...names.flatMap((name) => [begin(name), end(name, 'completed')]),
    ...Array.from({ length: 100_000 }, (): RunEventBody => ({
      type: 'step.report',
      step: stepName('s0'),
      attempt: 1,
      report,
    })),
  ];
  const view = foldEvents(
    bodies.map((body, seq): RunEvent => ({ v: 1, seq, ts: at(seq), run: ID, ...body })),
  );
  expect(view.counts.completed).toBe(20_000);
  expect(view.steps.get(stepName('s0'))?.reports).toHaveLength(100_000);
});

test('the task behind a step is told where it is not its own, and forgotten with the attempt', () => {
  const task = 'other-1' as never;
  const list = events(
    start(['a'], ['b']),
    { ...begin('a'), task } as RunEventBody,
    end('a', 'failed', { attempt: 1 }),
    end('b', 'cached', { cachedFrom: 'run-0', task: 'run-0.x' }),
    { type: 'run.resume', epoch: 2 },
    begin('a', 2),
  );
  const taskOf = (count: number, step: string) =>
    foldEvents(list.slice(0, count)).steps.get(stepName(step))?.task;
  expect([2, 3, 6].map((count) => taskOf(count, 'a'))).toEqual(['other-1', undefined, undefined]);
  expect(taskOf(4, 'b')).toBe('run-0.x');
});

test('a mapped step runs from the first start of an element on', () => {
  const add: RunEventBody = {
    type: 'step.add',
    steps: [0, 1].map((index) => ({
      name: stepName(`score[${index}]`),
      parents: [stepName('load')],
      of: stepName('score'),
    })),
  };
  const known = events(start(['load'], ['score', 'load']), end('load', 'completed'), add, begin('score[0]'));
  const view = foldEvents(known);
  expect(view.steps.get(stepName('score'))).toMatchObject({
    status: 'running',
    startedAt: at(3),
    attempts: 0,
  });
  expect(view.counts).toMatchObject({ running: 2, created: 1, completed: 1 });
  const after = foldEvents(
    events(...known, begin('score[1]'), end('score[0]', 'completed'), end('score', 'failed')),
  );
  expect(after.steps.get(stepName('score'))).toMatchObject({ status: 'failed', startedAt: at(3) });
});
