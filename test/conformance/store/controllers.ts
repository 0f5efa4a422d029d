import { taskId, type RunId, type TaskId } from '@run-pipeline/core/model';
import type { NewRun, Store } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import { bytes, hashOf, LEASE_MS, newRun, newTask, OTHER, Recorder, useStores, WORKER } from './harness.js';
import type { StoreFactory } from './harness.js';

export function controllerTests(factory: StoreFactory): void {
  const fresh = useStores(factory);
  const task = taskId('r1');
  const launch = hashOf('launch');

  const waiting = (more: Partial<NewRun> = {}): NewRun =>
    newRun('r1', {
      queued: true,
      controller: {
        task: {
          project: 'examples',
          name: 'iris',
          type: 'controller',
          edit: {},
          values: [{ hash: launch, bytes: bytes('launch') }],
        },
        queue: 'services',
        priority: 3,
      },
      ...more,
    });
  const again = (store: Store, id: TaskId = task) =>
    store.enqueueTask({ task: id, kind: 'controller', queue: 'services', priority: 0 });

  async function claim(store: Store, attempt = 1): Promise<number> {
    const claimed = await store.claimQueued({
      task,
      attempt,
      executor: WORKER,
      agent: 'agent',
      leaseMs: LEASE_MS,
    });
    if (!claimed.ok) throw new Error('nobody else claims it');
    return claimed.fence;
  }

  /** An agent's process takes the run over and starts it. */
  async function begin(store: Store, id: RunId = waiting().id): Promise<Recorder> {
    const row = (await store.getRun(id))!;
    const taken = await store.takeRun(id, { expectedEpoch: row.epoch, owner: OTHER });
    if (!taken.ok) throw new Error('nobody else takes it');
    const recorder = new Recorder(store, { ...row, epoch: taken.epoch });
    const { pipeline, project, version, number } = row;
    await recorder.commit([
      row.lastSeq === -1
        ? { type: 'run.start', pipeline, project, version, number, parameters: {}, steps: [] }
        : { type: 'run.resume', epoch: taken.epoch },
    ]);
    return recorder;
  }
  const runStatus = async (store: Store) => (await store.getRun(waiting().id))?.status;

  test('a run comes with its controller, which waits in a queue and keeps its values', async () => {
    const { store } = await fresh();
    await store.createRun(waiting());
    expect(await store.readTask(task)).toMatchObject({
      id: 'r1',
      run: 'r1',
      step: undefined,
      status: 'queued',
      type: 'controller',
      queue: 'services',
      priority: 3,
    });
    expect(await store.listQueued('services')).toMatchObject([{ task: 'r1', run: 'r1', kind: 'controller' }]);
    await store.collect({ dryRun: false });
    expect(await store.readValue(launch)).toBeDefined();
    await expect(store.createRun(waiting())).rejects.toThrow('exists already');
  });

  test('a draft has the run that was made with its id', async () => {
    const { store } = await fresh();
    await store.createTask(newTask('r1', { type: 'controller' }));
    await again(store);
    expect((await store.readTask(task))?.run).toBeUndefined();
    await store.createRun(newRun('r1'));
    expect(await store.readTask(task)).toMatchObject({ run: 'r1', status: 'queued' });
  });

  test('a run whose agent was lost waits for the next one', async () => {
    const { store, under } = await fresh();
    await store.createRun(waiting());
    await claim(store);
    await begin(store);
    expect(await store.getRun(waiting().id)).toMatchObject({ status: 'running', leaseExpired: false });
    under.advance(LEASE_MS);
    expect(await store.findRuns({ status: ['lost'] })).toHaveLength(1);
    expect((await store.recoverTasks()).requeued).toMatchObject([{ task, attempt: 2 }]);
    expect(await store.getRun(waiting().id)).toMatchObject({ status: 'queued', queued: true });
    expect(await store.findRuns({ status: ['lost'] })).toEqual([]);
    await claim(store, 2);
    await begin(store);
    expect(await store.getRun(waiting().id)).toMatchObject({ status: 'running', epoch: 3 });
  });

  test('a run that is handed back waits as well', async () => {
    const { store } = await fresh();
    await store.createRun(waiting());
    const fence = await claim(store);
    await begin(store);
    expect(await store.releaseTask(task, fence, 'the agent stops')).toBe(true);
    expect(await store.getRun(waiting().id)).toMatchObject({ status: 'queued', queued: true });
  });

  test('a run that ended just before its agent was lost has ended', async () => {
    const { store, under } = await fresh();
    await store.createRun(waiting());
    await claim(store);
    await (await begin(store)).end('failed');
    under.advance(LEASE_MS);
    expect((await store.recoverTasks()).requeued).toHaveLength(1);
    expect(await store.getRun(waiting().id)).toMatchObject({ status: 'failed' });
    expect((await store.getRun(waiting().id))?.finishedAt).toBeDefined();
  });

  test('enqueued again, a failed run waits again; a completed one has ended', async () => {
    const { store } = await fresh();
    await store.createRun(waiting());
    let fence = await claim(store);
    await (await begin(store)).end('failed');
    await store.finishTask({ task, fence, status: 'failed', artifacts: [] });
    expect(await again(store)).toEqual({ ok: true, attempt: 2 });
    expect(await store.getRun(waiting().id)).toMatchObject({ status: 'queued', queued: true });
    expect((await store.getRun(waiting().id))?.finishedAt).toBeUndefined();
    fence = await claim(store, 2);
    const recorder = await begin(store);
    await recorder.end('completed');
    await store.finishTask({ task, fence, status: 'failed', artifacts: [] });
    expect((await again(store)).ok).toBe(true);
    expect(await runStatus(store)).toBe('completed');
  });

  test('a stop outlives the agent that was to hear of it: the next one ends the run', async () => {
    const { store, under } = await fresh();
    await store.createRun(waiting());
    await claim(store);
    await begin(store);
    await store.requestTaskStop(task, 1, { reason: 'stopped', message: 'not wanted' });
    under.advance(LEASE_MS);
    expect(await store.recoverTasks()).toMatchObject({ requeued: [{ task, attempt: 2 }], aborted: [] });
    const fence = await claim(store, 2);
    await begin(store);
    expect(await store.getRun(waiting().id)).toMatchObject({ stopRequested: 'not wanted' });
    // Handed back it is the same.
    await store.requestTaskStop(task, 2, { reason: 'stopped', message: 'not wanted' });
    expect(await store.releaseTask(task, fence, 'the agent stops')).toBe(true);
    expect(await store.readTask(task)).toMatchObject({ status: 'queued' });
    expect(await store.getRun(waiting().id)).toMatchObject({ stopRequested: 'not wanted', queued: true });
  });

  test('a draft that was stopped before it had a run has ended', async () => {
    const { store, under } = await fresh();
    await store.createTask(newTask('r1', { type: 'controller' }));
    await again(store);
    await claim(store);
    await store.requestTaskStop(task, 1, { reason: 'stopped', message: 'not wanted' });
    under.advance(LEASE_MS);
    expect(await store.recoverTasks()).toMatchObject({ requeued: [], aborted: [task] });
  });

  test('a controller that waits can be started by hand in one step, and is in no queue then', async () => {
    const { store, under } = await fresh();
    await store.createRun(waiting());
    const start = (from: Store) =>
      from.startTask({ task, executor: WORKER, leaseMs: LEASE_MS, again: true, waiting: true });
    const answers = await Promise.all([start(store), start(await under.open())]);
    expect(answers.map(({ ok }) => ok).toSorted()).toEqual([false, true]);
    expect(await store.readTask(task)).toMatchObject({ status: 'running', attempt: 1, queue: undefined });
    expect(await store.listQueued('services')).toEqual([]);
    const claim = { task, attempt: 1, executor: OTHER, agent: 'agent', leaseMs: LEASE_MS };
    expect(await store.claimQueued(claim)).toEqual({ ok: false, reason: 'gone' });
    expect(await runStatus(store)).toBe('queued');
  });

  test('a controller that failed can be started by hand; others only when they were never started', async () => {
    const { store, under } = await fresh();
    const start = (more: { again?: true; waiting?: true } = {}) =>
      store.startTask({ task, executor: WORKER, leaseMs: LEASE_MS, ...more });
    await store.createRun(waiting());
    expect(await start({ again: true })).toEqual({ ok: false, status: 'queued' });
    const fence = await claim(store);
    await store.finishTask({ task, fence, status: 'failed', artifacts: [] });
    expect(await start()).toEqual({ ok: false, status: 'failed' });
    const started = await start({ again: true });
    expect(started.ok).toBe(true);
    expect(await store.readTask(task)).toMatchObject({ status: 'running', attempt: 2, error: undefined });
    under.advance(LEASE_MS);
    expect(await store.recoverTasks()).toMatchObject({ requeued: [], aborted: [task] });
    expect((await start({ again: true })).ok).toBe(true);
  });
}
