import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { taskId, type Resources } from '@run-pipeline/core/model';
import type { Job, JobKind, NewAgent } from '@run-pipeline/core/ports';
import { expect, onTestFinished, test } from 'vitest';
import { processIdentity } from '../project/process-identity.js';
import { embeddedQueue } from '../queue/index.js';
import { openSqliteStore } from '../store/index.js';
import { Pulse } from './pulse.js';
import { ServedState } from './served-state.js';
import { Slots } from './slots.js';
import { takeJobs } from './take-jobs.js';

async function taking(options: {
  readonly size: number;
  readonly once?: boolean;
  readonly resources?: Resources;
}) {
  const { size, resources = {} } = options;
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-take-'));
  const store = await openSqliteStore({ file: join(directory, 'state.db') });
  const agent: NewAgent = {
    id: 'here:1-a',
    identity: processIdentity(),
    queues: ['default', 'services'],
    concurrency: size,
    resources,
    leaseMs: 60_000,
    version: '0',
  };
  await store.registerAgent(agent);
  const state = new ServedState(directory);
  const pulse = new Pulse({ store, agent, held: new Set(), tell: () => {}, state, onFault: () => {} });
  const slots = new Slots({ size, resources });
  const stop = new AbortController();
  const leave = new Map<string, () => void>();
  const started: string[] = [];
  let wake = (): void => {};
  onTestFinished(async () => {
    stop.abort();
    pulse.stop();
    await store.close();
    rmSync(directory, { recursive: true });
  });
  return {
    stop,
    started,
    async enqueue(id: string, kind: JobKind = 'task', needs: Resources = {}) {
      const task = taskId(id);
      await store.createTask({ id: task, project: 'p', name: id, type: 'custom', edit: {} });
      await store.enqueueTask({
        task,
        kind,
        queue: kind === 'controller' ? 'services' : 'default',
        priority: 0,
        resources: needs,
      });
    },
    run: () =>
      takeJobs({
        store,
        queue: embeddedQueue(store),
        agent,
        order: 'given',
        slots,
        pulse,
        once: options.once ?? false,
        signal: stop.signal,
        start(job: Job) {
          leave.set(job.task, slots.occupy(job));
          started.push(job.task);
          wake();
        },
      }),
    end: (id: string) => leave.get(id)!(),
    store,
    async reached(count: number) {
      while (started.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

test('takes as much as there are places for; controllers have their own', async () => {
  const it = await taking({ size: 1 });
  for (const id of ['a', 'b', 'c']) await it.enqueue(id);
  for (const id of ['x', 'y']) await it.enqueue(id, 'controller');
  const done = it.run();
  await it.reached(2);
  expect(it.started).toEqual(['a', 'x']);
  it.end('x');
  await it.reached(3);
  it.end('a');
  await it.reached(4);
  expect(it.started).toEqual(['a', 'x', 'y', 'b']);
  it.stop.abort();
  await done;
  it.end('b');
  expect(it.started).toHaveLength(4);
});

test('a place that becomes free, and a job that comes, end the waiting', async () => {
  const it = await taking({ size: 1 });
  const done = it.run();
  await it.enqueue('a');
  await it.reached(1);
  await it.enqueue('b');
  // It waits for controllers, the only kind that it has a place for.
  it.end('a');
  await it.reached(2);
  expect(it.started).toEqual(['a', 'b']);
  it.stop.abort();
  await done;
});

test('once: ends when nothing waits and nothing runs, not before', async () => {
  const it = await taking({ size: 2, once: true });
  await it.enqueue('a');
  const done = it.run();
  await it.reached(1);
  // What runs may have queued it.
  await it.enqueue('b', 'controller');
  it.end('a');
  await it.reached(2);
  it.end('b');
  await done;
  expect(it.started).toEqual(['a', 'b']);
});

test('what runs holds what it needs: others that fit go on, and what is given back is offered again', async () => {
  const it = await taking({ size: 8, resources: { gpu: 2, ram: 0.3 } });
  await it.enqueue('a', 'task', { gpu: 1, ram: 0.1 });
  await it.enqueue('b', 'task', { ram: 0.1 });
  const done = it.run();
  await it.reached(2);
  // All of the memory would be left for it, had floating point its way.
  await it.enqueue('c', 'task', { ram: 0.1 });
  await it.reached(3);
  await it.enqueue('big', 'task', { gpu: 2 });
  await it.enqueue('small', 'task', { gpu: 1 });
  await it.enqueue('never', 'task', { gpu: 3 });
  await it.enqueue('plain');
  await it.reached(4);
  expect(it.started).toEqual(['a', 'b', 'c', 'plain']);
  it.end('a');
  await it.reached(5);
  it.end('big');
  await it.reached(6);
  expect(it.started.slice(4)).toEqual(['big', 'small']);
  it.stop.abort();
  await done;
});

test('once: what does not fit, or waits in a paused queue, is nothing to wait for; what a rate holds is', async () => {
  const it = await taking({ size: 2, once: true, resources: { gpu: 1 } });
  await it.enqueue('never', 'task', { gpu: 2 });
  await it.enqueue('x', 'controller');
  await it.store.setQueueLimits('services', { concurrency: 0 });
  await it.store.setQueueLimits('default', { rate: { max: 1, perMs: 300 } });
  for (const id of ['a', 'b']) await it.enqueue(id);
  const done = it.run();
  await it.reached(1);
  it.end('a');
  await it.reached(2);
  it.end('b');
  await done;
  expect(it.started).toEqual(['a', 'b']);
});
