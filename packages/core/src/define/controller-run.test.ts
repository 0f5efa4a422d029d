import { afterEach, expect, test } from 'vitest';
import { type RunEvent, type RunEventBody, runId, stepName } from '../model/index.js';
import { setCallbackLookup, type CallbackScope } from './callback-scope.js';
import { PipelineController } from './controller.js';
import { type Run, type RunHost, setRunHost } from './host.js';
import type { PipelineTask } from './pipeline-task.js';
import { pipelineOf } from './subject.js';

const demo = () => new PipelineController({ name: 'demo', project: 'examples' });

let previous: RunHost | undefined;
afterEach(() => {
  setRunHost(previous);
  setCallbackLookup(() => undefined);
});

const RUN = runId('r1');
const [load, train, publish] = ['load', 'train', 'publish'].map(stepName) as [never, never, never];

/** A host whose run is told event by event. */
function observedHost(): {
  readonly host: RunHost;
  readonly tell: (event: RunEventBody) => void;
  readonly end: () => void;
} {
  let observer: ((event: RunEvent) => void) | undefined;
  let seq = 0;
  let end = (_run: Run): void => {};
  return {
    host: {
      run: (_subject, _options, given) => {
        observer = given;
        return new Promise((resolve) => (end = resolve));
      },
    },
    tell: (body) =>
      observer?.({ v: 1, seq: seq++, ts: '2026-01-01T00:00:00.000Z', run: RUN, ...body } as RunEvent),
    end: () => end({ status: 'completed' } as Run),
  };
}

test('the nodes of a run are told while it goes on, and after', async () => {
  const { host, tell, end } = observedHost();
  previous = setRunHost(host);
  const pipe = demo();
  expect([pipe.getProcessedNodes(), pipe.getRunningNodes()]).toEqual([[], []]);

  const run = pipe.start();
  tell({
    type: 'run.start',
    pipeline: 'demo',
    project: 'examples',
    version: '1',
    number: 1,
    parameters: {},
    steps: [
      { name: load, parents: [] },
      { name: train, parents: [load] },
      { name: publish, parents: [train] },
    ],
  });
  expect([pipe.getProcessedNodes(), pipe.getRunningNodes()]).toEqual([[], []]);
  tell({ type: 'step.start', step: load, attempt: 1 });
  tell({
    type: 'step.report',
    step: load,
    attempt: 1,
    report: { kind: 'single-value', name: 'rows', value: 1 },
  });
  expect(pipe.getRunningNodes()).toEqual([
    { name: 'load', status: 'running', attempt: 1, parents: [], executed: 'r1.load' },
  ]);
  const ended = { durationMs: 1, artifacts: [], why: [] };
  tell({ type: 'step.end', step: load, status: 'completed', attempt: 1, ...ended });
  tell({ type: 'step.queue', step: train, attempt: 1, queue: 'gpu' });
  expect(pipe.getProcessedNodes()).toEqual([
    { name: 'load', status: 'completed', attempt: 1, parents: [], executed: 'r1.load' },
  ]);
  expect(pipe.getRunningNodes()).toEqual([
    { name: 'train', status: 'queued', attempt: 0, parents: ['load'], executed: 'r1.train' },
  ]);
  tell({ type: 'step.end', step: train, status: 'cached', attempt: 0, ...ended, cachedFrom: runId('r0') });
  tell({ type: 'step.end', step: publish, status: 'skipped', attempt: 0, ...ended });
  end();
  await run;
  expect(pipe.getRunningNodes()).toEqual([]);
  expect(pipe.getProcessedNodes().slice(1)).toEqual([
    { name: 'train', status: 'cached', attempt: 0, parents: ['load'] },
    { name: 'publish', status: 'skipped', attempt: 0, parents: ['train'] },
  ]);

  void pipe.start();
  expect(pipe.getProcessedNodes()).toEqual([]);
});

test('steps that are sent to queues and have none are an error before anything runs', async () => {
  const started: unknown[] = [];
  previous = setRunHost({
    run: async (_subject, options) => (started.push(options), { status: 'completed' } as Run),
  });
  const pipe = demo();
  pipe.addStep({ name: 'a', baseTaskName: 'x' });
  pipe.addStep({ name: 'b', baseTaskName: 'x', executionQueue: 'gpu' });
  pipe.addFunctionStep({ name: 'c', function: () => 1 });
  const refused = pipe.startLocally({ runPipelineStepsLocally: false });
  await expect(refused).rejects.toMatchObject({
    code: 'no-queue',
    message: 'the steps a, c of demo have no queue to go to',
    at: { file: expect.stringMatching(/controller-run\.test\.ts$/) as unknown },
  });
  expect([started, pipe.isRunning()]).toEqual([[], false]);

  await pipe.startLocally({ runPipelineStepsLocally: false, queue: 'default' });
  await pipe.startLocally();
  pipe.setDefaultExecutionQueue('default');
  await pipe.startLocally({ runPipelineStepsLocally: false });
  expect(started).toHaveLength(3);
});

test('a retry predicate is asked with the pipeline, the node and the number of retries', async () => {
  const asked: unknown[] = [];
  const pipe = demo();
  pipe.addStep({
    name: 'a',
    baseTaskName: 'x',
    retryOnFailure: (running, node, retries) => (asked.push([running, node, retries]), retries < 2),
  });
  const { retry } = pipelineOf(pipe)!.definition().steps[0]!.options;
  expect(retry).toMatchObject({ retries: 1_000, backoff: 1_000, maxBackoff: 60_000 });
  const running = { id: 'r1' } as never;
  const node = { name: 'a' } as never;
  const answers = [1, 2, 3].map((attempt) => retry!.when!(new Error('x'), attempt, running, node));
  expect(answers).toEqual([true, true, false]);
  expect(asked).toEqual([0, 1, 2].map((retries) => [running, node, retries]));
});

test('drafts, clones and queues of pipelines are the matter of the host', async () => {
  const asked: unknown[] = [];
  const task = { id: 't1' } as PipelineTask;
  const answer = (...args: unknown[]) => (asked.push(args), Promise.resolve(task));
  previous = setRunHost({
    run: () => Promise.reject(new Error('not asked')),
    pipelines: {
      draft: (subject, options) => answer('draft', subject, options),
      find: (query) => answer('find', query),
      clone: (source, options) => answer('clone', source, options),
      enqueue: (id, options) => answer('enqueue', id, options),
    },
  });
  const pipe = demo();
  expect(await pipe.createDraft({ parameters: { a: 1 } })).toBe(task);
  await PipelineController.get({ project: 'examples', name: 'demo', version: '1.0.0' });
  await PipelineController.clone({ source: task, name: 'other' });
  await PipelineController.enqueue(task);
  await PipelineController.enqueue('t2', { queue: 'gpu' });
  expect(asked).toEqual([
    ['draft', pipe, { parameters: { a: 1 } }],
    ['find', { project: 'examples', name: 'demo', version: '1.0.0' }],
    ['clone', 't1', { name: 'other' }],
    ['enqueue', 't1', { queue: 'services' }],
    ['enqueue', 't2', { queue: 'gpu' }],
  ]);
});

test('where the host has no tasks of pipelines, and for what cannot be meant, there is an error', async () => {
  previous = setRunHost({ run: () => Promise.reject(new Error('not asked')) });
  await expect(demo().createDraft()).rejects.toMatchObject({
    code: 'no-pipeline-tasks',
    message: expect.stringMatching(/^createDraft\(\) cannot be used in a step/) as unknown,
    at: { file: expect.stringMatching(/controller-run\.test\.ts$/) as unknown },
  });
  await expect(PipelineController.get({ name: 'demo' } as never)).rejects.toThrow(
    /PipelineController\.get\(\) needs the option "project"/,
  );
  await expect(PipelineController.get({ id: 'a', name: 'b' } as never)).rejects.toThrow(/takes either "id"/);
  await expect(PipelineController.clone({ source: 7 } as never)).rejects.toThrow(
    /takes a pipeline's task, or its id, as "source", not 7/,
  );
  await expect(PipelineController.enqueue(undefined as never)).rejects.toThrow(
    /takes a pipeline's task, or its id/,
  );
  await expect(demo().createDraft({ parameter: {} } as never)).rejects.toThrow(/has no option "parameter"/);
});

test('in a callback a controller is that of the run that calls it, and waits for nothing', async () => {
  const pipe = demo();
  const stops: string[] = [];
  const node = { name: 'load', status: 'running', attempt: 1, parents: [], executed: 'r1.load' } as const;
  const scope: CallbackScope = {
    subject: pipe,
    stop: (reason) => stops.push(reason),
    processedNodes: () => [],
    runningNodes: () => [node],
    elapsed: () => 7,
  };
  setCallbackLookup(() => scope);
  expect([pipe.isRunning(), pipe.elapsed(), pipe.getRunningNodes(), pipe.getProcessedNodes()]).toEqual([
    true,
    7,
    [node],
    [],
  ]);
  await pipe.stop();
  expect(stops).toEqual(['stopped by a callback']);
  expect(await pipe.wait(1)).toBe(false);
  await expect(pipe.wait()).rejects.toMatchObject({
    code: 'wait-in-callback',
    at: { file: expect.stringMatching(/controller-run\.test\.ts$/) as unknown },
  });
  // Another pipeline is not concerned.
  const other = demo();
  expect([other.isRunning(), await other.wait()]).toEqual([false, true]);
  await other.stop();
  expect(stops).toHaveLength(1);
});
