import { runId, stepName, taskId, type TaskStatus } from '@run-pipeline/core/model';
import type { NewJob, Store, TaskOutput } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import {
  bytes,
  hashOf,
  large,
  LEASE_MS,
  newRun,
  newTask,
  OTHER,
  Recorder,
  recordOf,
  small,
  stepEnd,
  text,
  useStores,
  WORKER,
  type StoreFactory,
  SPARE_MS,
} from './harness.js';

const AGENT = 'here:300-abcd';
const log = (line: string): TaskOutput => ({ kind: 'log', stream: 'stdout', text: line });

export function attemptTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  const jobOf = (id: string, more: Partial<NewJob> = {}): NewJob => ({
    task: taskId(id),
    kind: 'task',
    queue: 'default',
    priority: 0,
    ...more,
  });
  const stepJob = (recorder: Recorder, step: string, more: Partial<NewJob> = {}, attempt = 1): NewJob =>
    jobOf(`${recorder.id}.${step}`, {
      kind: 'step',
      run: { id: recorder.id, epoch: recorder.epoch, step: stepName(step), attempt },
      spec: bytes(`spec of ${step}`),
      identity: `print of ${step}`,
      ...more,
    });
  /** A record of its own that waits in `default`. */
  async function queued(store: Store, id = 't1', more: Partial<NewJob> = {}) {
    const task = taskId(id);
    await store.createTask(newTask(id));
    expect(await store.enqueueTask(jobOf(id, more))).toEqual({ ok: true, attempt: 1 });
    return task;
  }
  const claim = (store: Store, id: string, attempt = 1, agent: string | null = AGENT) =>
    store.claimQueued({
      task: taskId(id),
      attempt,
      executor: WORKER,
      agent: agent ?? undefined,
      leaseMs: LEASE_MS,
    });
  async function fenceOf(store: Store, id: string, attempt = 1, agent: string | null = AGENT) {
    const claimed = await claim(store, id, attempt, agent);
    if (!claimed.ok) throw new Error(`${id} cannot be claimed`);
    return claimed.fence;
  }
  const stateOf = async (store: Store, id: string) =>
    (await store.readAttempts([taskId(id)])).get(taskId(id));
  const statusOf = async (store: Store, id: string): Promise<TaskStatus | undefined> =>
    (await store.readTask(taskId(id)))?.status;

  test('a record of its own waits, is claimed once, and ends with what it left', async () => {
    const { store, under } = await fresh();
    const task = await queued(store, 't1', { priority: 3, identity: 'print' });
    expect(await store.readTask(task)).toMatchObject({
      status: 'queued',
      queue: 'default',
      priority: 3,
      attempt: 0,
      startedAt: undefined,
    });
    const other = await under.open();
    const [mine, its] = await Promise.all([claim(store, 't1'), claim(other, 't1')]);
    const won = mine.ok ? mine : its;
    if (!won.ok) throw new Error('nobody got it');
    expect([mine.ok, its.ok].filter(Boolean)).toHaveLength(1);
    expect(won.job).toEqual({
      task,
      attempt: 1,
      kind: 'task',
      queue: 'default',
      priority: 3,
      resources: {},
      run: undefined,
      step: undefined,
      enqueuedAt: expect.any(String) as string,
      spec: undefined,
      lost: 0,
      survivors: [],
    });
    expect(await stateOf(other, 't1')).toEqual({
      attempt: 1,
      status: 'running',
      queue: 'default',
      identity: 'print',
      agent: AGENT,
      executor: WORKER,
      leaseExpired: false,
      lost: [],
      outputs: 0,
    });
    expect(await store.readTask(task)).toMatchObject({ status: 'running', attempt: 1, leaseExpired: false });
    expect(await store.readTaskEnding(task)).toBeUndefined();

    const ended = await other.finishTask({
      task,
      fence: won.fence,
      status: 'completed',
      artifacts: [small('x', 'small'), large('y', 'large')],
      document: bytes('the rest'),
    });
    expect(ended).toBe(true);
    const ending = await store.readTaskEnding(task);
    expect({ ...ending, document: text(ending?.document) }).toEqual({
      attempt: 1,
      fence: won.fence,
      status: 'completed',
      error: undefined,
      document: 'the rest',
    });
    const artifacts = await store.readTaskArtifacts(task);
    expect(artifacts.map(({ record, inline }) => [record, text(inline)])).toEqual([
      [recordOf('x', 'small'), 'small'],
      [recordOf('y', 'large', 1_000_000), undefined],
    ]);
    expect(await store.pinned([hashOf('small'), hashOf('large')])).toHaveProperty('size', 2);
    const record = await store.readTask(task);
    expect(record).toMatchObject({
      status: 'completed',
      attempt: 1,
      finishedAt: expect.any(String) as string,
    });
    expect(await store.enqueueTask(jobOf('t1'))).toEqual({
      ok: false,
      reason: 'status',
      status: 'completed',
    });
  });

  test('a step gets its row by being queued, with what to execute; its run finds it', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const pins = [
      { hash: hashOf('input'), size: 5, bytes: bytes('input') },
      { hash: hashOf('big input'), size: 1_000_000 },
    ];
    expect(await store.enqueueTask(stepJob(recorder, 'a', { pins }, 2))).toEqual({ ok: true, attempt: 2 });
    expect(text(await store.readValue(hashOf('input')))).toBe('input');
    expect(await store.pinned(pins.map(({ hash }) => hash))).toHaveProperty('size', 2);
    const claimed = await claim(store, 'r1.a', 2);
    if (!claimed.ok) throw new Error('nobody else claims it');
    expect({ ...claimed.job, spec: text(claimed.job.spec) }).toMatchObject({
      kind: 'step',
      run: 'r1',
      step: 'a',
      attempt: 2,
      spec: 'spec of a',
    });
    expect(await stateOf(store, 'r1.a')).toMatchObject({ identity: 'print of a', agent: AGENT });
    // No record: a step says nothing of itself unless asked to.
    expect(await store.readTask(taskId('r1.a'))).toBeUndefined();
    expect(await store.getTask(taskId('r1.a'))).toMatchObject({ executor: WORKER, agent: AGENT, step: 'a' });
    expect(await store.enqueueTask(stepJob(recorder, 'a', {}, 3))).toEqual({
      ok: false,
      reason: 'status',
      status: 'running',
    });
    await store.finishTask({
      task: taskId('r1.a'),
      fence: claimed.fence,
      status: 'failed',
      error: { name: 'Error', message: 'no' },
      artifacts: [],
    });
    expect((await store.readTaskEnding(taskId('r1.a')))?.error).toEqual({ name: 'Error', message: 'no' });
    expect(await store.enqueueTask(stepJob(recorder, 'a', {}, 3))).toEqual({ ok: true, attempt: 3 });
    expect(await store.readTaskEnding(taskId('r1.a'))).toBeUndefined();
  });

  test('an owner that was taken over queues nothing, nor does a run or a record that does not exist', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    expect(await store.enqueueTask(stepJob(recorder, 'a'))).toEqual({ ok: false, reason: 'stale-epoch' });
    expect(await stateOf(store, 'r1.a')).toBeUndefined();
    const nowhere = { id: runId('nowhere'), epoch: 1, step: stepName('a'), attempt: 1 };
    const unknown = { ok: false, reason: 'unknown' };
    expect(await store.enqueueTask(jobOf('nowhere.a', { kind: 'step', run: nowhere }))).toEqual(unknown);
    expect(await store.enqueueTask(jobOf('t1'))).toEqual(unknown);
    expect(await store.listQueued('default')).toEqual([]);
  });

  test('an old fence is refused everywhere, and nothing of it is kept', async () => {
    const { store, under } = await fresh();
    const task = await queued(store);
    const old = await fenceOf(store, 't1');
    const wrote = (fence: number, line: string) =>
      store.appendTaskOutput({
        task,
        fence,
        entries: [log(line), { kind: 'artifact', artifact: small('x', line) }],
        values: [{ hash: hashOf(`value ${line}`), bytes: bytes(`value ${line}`) }],
      });
    expect(await wrote(old, 'first')).toBe(true);
    under.advance(LEASE_MS);
    expect((await store.recoverTasks()).requeued).toEqual([{ task, attempt: 2, queue: 'default' }]);
    const refusedAll = async () => {
      expect(await wrote(old, 'late')).toBe(false);
      expect(await store.heartbeatTask(task, old, LEASE_MS)).toBe(false);
      expect(await store.releaseTask(task, old, 'late')).toBe(false);
      expect(await store.editTask(task, { progress: 50 }, { fence: old })).toMatchObject({
        ok: false,
        reason: 'stale-fence',
      });
      const artifacts = [small('x', 'late')];
      expect(await store.finishTask({ task, fence: old, status: 'completed', artifacts })).toBe(false);
    };
    await refusedAll();
    const fence = await fenceOf(store, 't1', 2);
    expect(fence).toBeGreaterThan(old);
    await refusedAll();
    expect(await store.readTaskOutput(task)).toEqual([]);
    expect(await store.readTaskArtifacts(task)).toEqual([]);
    expect(await store.readTaskOutput(task, { attempt: 1 })).toHaveLength(2);
    expect(await store.readValue(hashOf('value late'))).toBeUndefined();
    expect(await store.readValue(hashOf('late'))).toBeUndefined();
    expect(await store.describeArtifact(hashOf('late'))).toBeUndefined();
    expect((await store.readTask(task))?.progress).toBeUndefined();
    expect(await store.finishTask({ task, fence, status: 'completed', artifacts: [] })).toBe(true);
    await refusedAll();
    expect(await statusOf(store, 't1')).toBe('completed');
  });

  test('what a task uploads is described while it runs', async () => {
    const { store } = await fresh();
    const task = await queued(store);
    const fence = await fenceOf(store, 't1');
    const artifact = small('uploaded', 'content');
    await store.appendTaskOutput({ task, fence, entries: [{ kind: 'artifact', artifact }], values: [] });
    expect(await store.describeArtifact(hashOf('content'))).toEqual(artifact.record);
  });

  test('output comes back in order, numbered in its attempt, with the bytes of small artifacts', async () => {
    const { store } = await fresh();
    const task = await queued(store);
    const fence = await fenceOf(store, 't1');
    const table = recordOf('table', 'cells');
    const report = {
      kind: 'table',
      title: 't',
      series: 's',
      iteration: 1,
      artifact: table,
    } as const;
    const append = (...entries: readonly TaskOutput[]) =>
      store.appendTaskOutput({ task, fence, entries, values: [{ hash: table.hash, bytes: bytes('cells') }] });
    await append(log('one\n'), { kind: 'log', stream: 'stderr', text: '\u0000\ud800 two' });
    // Together in one tick: as many as there are, one after the other.
    await Promise.all([append({ kind: 'report', report }), append(log('three')), append()]);
    await append({ kind: 'artifact', artifact: small('x', 'old') });
    await append({ kind: 'artifact', artifact: small('x', 'new') });
    await append({ kind: 'artifact', artifact: large('y', 'big') });
    const rows = await store.readTaskOutput(task);
    expect(rows.map(({ seq, attempt, ts }) => [seq, attempt, new Date(ts).toISOString() === ts])).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((seq) => [seq, 1, true]),
    );
    expect(rows.slice(0, 4)).toMatchObject([
      log('one\n'),
      { kind: 'log', stream: 'stderr', text: '\u0000\ud800 two' },
      { kind: 'report', report },
      log('three'),
    ]);
    const uploads = rows.flatMap((row) => (row.kind === 'artifact' ? [row.artifact] : []));
    expect(uploads.map(({ record, inline }) => [record.name, text(inline)])).toEqual([
      ['x', 'old'],
      ['x', 'new'],
      ['y', undefined],
    ]);
    expect(
      (await store.readTaskArtifacts(task)).map(({ record, inline }) => [record.name, text(inline)]),
    ).toEqual([
      ['x', 'new'],
      ['y', undefined],
    ]);
    expect((await store.readTaskOutput(task, { afterSeq: 1, limit: 2 })).map(({ seq }) => seq)).toEqual([
      2, 3,
    ]);
    expect(await stateOf(store, 't1')).toMatchObject({ outputs: 7 });
    expect(text(await store.readValue(table.hash))).toBe('cells');
    expect(await store.pinned([table.hash, hashOf('old'), hashOf('big')])).toHaveProperty('size', 3);
    // What it returns replaces what it uploaded under that name; the rest stays.
    await store.finishTask({
      task,
      fence,
      status: 'completed',
      artifacts: [small('x', 'last'), small('z', 'z')],
    });
    expect(
      (await store.readTaskArtifacts(task)).map(({ record, inline }) => [record.name, text(inline)]),
    ).toEqual([
      ['x', 'last'],
      ['y', undefined],
      ['z', 'z'],
    ]);
    expect(await store.readTaskOutput(taskId('unknown'))).toEqual([]);
  });

  test('three lost attempts fail the task and say so; handed back ones do not count', async () => {
    const { store, under } = await fresh();
    const task = await queued(store);
    expect(await store.releaseTask(task, await fenceOf(store, 't1'), 'the agent stops')).toBe(true);
    for (const attempt of [2, 3]) {
      await fenceOf(store, 't1', attempt);
      under.advance(LEASE_MS - SPARE_MS);
      expect(await store.recoverTasks()).toEqual({ requeued: [], failed: [], aborted: [] });
      under.advance(SPARE_MS);
      expect((await stateOf(store, 't1'))?.leaseExpired).toBe(true);
      expect((await store.readTask(task))?.leaseExpired).toBe(true);
      expect(await store.recoverTasks()).toEqual({
        requeued: [{ task, attempt: attempt + 1, queue: 'default' }],
        failed: [],
        aborted: [],
      });
    }
    const third = await claim(store, 't1', 4);
    expect(third).toMatchObject({ ok: true, job: { lost: 2 } });
    expect((await stateOf(store, 't1'))?.lost).toEqual([
      { attempt: 1, reason: 'the agent stops', agent: AGENT },
      { attempt: 2, reason: expect.stringContaining('lease') as string, agent: AGENT, executor: WORKER },
      { attempt: 3, reason: expect.stringContaining('lease') as string, agent: AGENT, executor: WORKER },
    ]);
    under.advance(LEASE_MS);
    expect((await store.recoverTasks()).failed).toEqual([task]);
    expect(await store.readTaskEnding(task)).toMatchObject({
      attempt: 4,
      status: 'failed',
      error: { code: 'agent-lost' },
    });
    // Enqueued again it has three lives again.
    expect(await store.enqueueTask(jobOf('t1'))).toEqual({ ok: true, attempt: 5 });
    expect(await claim(store, 't1', 5)).toMatchObject({ ok: true, job: { lost: 0 } });
  });

  test('whoever gets a lost task hears of the workers that may still be at it, and of no others', async () => {
    const { store, under } = await fresh();
    const task = await queued(store);
    const survivors = async (attempt: number) => {
      const claimed = await store.claimQueued({
        task,
        attempt,
        executor: OTHER,
        agent: AGENT,
        leaseMs: LEASE_MS,
      });
      return claimed.ok ? { fence: claimed.fence, survivors: claimed.job.survivors } : undefined;
    };
    const lose = async () => {
      under.advance(LEASE_MS);
      await store.recoverTasks();
    };
    const worker = (pid: number) => ({ ...WORKER, pid, processGroup: pid });
    const first = (await survivors(1))!;
    expect(first.survivors).toEqual([]);
    expect(await store.setTaskExecutor(task, first.fence + 1, worker(7))).toBe(false);
    expect(await store.setTaskExecutor(task, first.fence, worker(7))).toBe(true);
    expect((await stateOf(store, 't1'))?.executor).toEqual(worker(7));
    await lose();
    expect(await store.setTaskExecutor(task, first.fence, worker(8))).toBe(false);
    expect((await stateOf(store, 't1'))?.executor).toBeUndefined();
    // The agent itself is not to be ended, and what was handed back has ended.
    expect((await survivors(2))?.survivors).toEqual([worker(7)]);
    await lose();
    const third = (await survivors(3))!;
    expect(third.survivors).toEqual([worker(7)]);
    await store.setTaskExecutor(task, third.fence, worker(9));
    expect(await store.releaseTask(task, third.fence, 'the agent stops')).toBe(true);
    // It is at another task by now.
    await queued(store, 't2');
    await store.setTaskExecutor(taskId('t2'), await fenceOf(store, 't2'), worker(7));
    expect((await survivors(4))?.survivors).toEqual([]);
  });

  test('two that recover at once give a lost attempt out once; a heartbeat keeps it', async () => {
    const { store, under } = await fresh();
    const task = await queued(store);
    const fence = await fenceOf(store, 't1');
    under.advance(LEASE_MS - SPARE_MS);
    expect(await store.heartbeatTask(task, fence, LEASE_MS)).toBe(true);
    under.advance(LEASE_MS - SPARE_MS);
    expect((await store.recoverTasks()).requeued).toEqual([]);
    under.advance(SPARE_MS);
    const other = await under.open();
    const both = await Promise.all([store.recoverTasks(), other.recoverTasks()]);
    expect(both.flatMap(({ requeued }) => requeued)).toEqual([{ task, attempt: 2, queue: 'default' }]);
  });

  test('whoever still holds the newest fence may end an attempt although its lease ran out', async () => {
    const { store, under } = await fresh();
    const task = await queued(store);
    const fence = await fenceOf(store, 't1');
    under.advance(2 * LEASE_MS);
    expect(await store.finishTask({ task, fence, status: 'completed', artifacts: [] })).toBe(true);
    expect((await store.recoverTasks()).requeued).toEqual([]);
  });

  test('a script run by hand is started once; lost, it is aborted and not executed again', async () => {
    const { store, under } = await fresh();
    const task = taskId('t1');
    const start = () => store.startTask({ task, executor: WORKER, leaseMs: LEASE_MS });
    expect(await start()).toEqual({ ok: false });
    await store.createTask(newTask('t1'));
    const started = await start();
    expect(started.ok).toBe(true);
    expect(await start()).toEqual({ ok: false, status: 'running' });
    expect(await store.readTask(task)).toMatchObject({ status: 'running', attempt: 1, queue: undefined });
    if (!started.ok) return;
    const entries = [log('by hand')];
    expect(await store.appendTaskOutput({ task, fence: started.fence, entries })).toBe(true);
    expect(await store.releaseTask(task, started.fence, 'nobody to take it')).toBe(false);
    under.advance(LEASE_MS);
    expect(await store.recoverTasks()).toEqual({ requeued: [], failed: [], aborted: [task] });
    expect(await store.readTask(task)).toMatchObject({ status: 'aborted', error: { code: 'process-lost' } });
    expect(await store.appendTaskOutput({ task, fence: started.fence, entries })).toBe(false);
    expect(await store.enqueueTask(jobOf('t1'))).toEqual({ ok: true, attempt: 2 });
  });

  test('a script run by hand is left as a draft, or as a job, as if it had never been started', async () => {
    const { store } = await fresh();
    const task = taskId('t1');
    await store.createTask(newTask('t1'));
    const start = async (): Promise<number> => {
      const started = await store.startTask({ task, executor: WORKER, leaseMs: LEASE_MS });
      if (!started.ok) throw new Error('it cannot be started');
      return started.fence;
    };
    const first = await start();
    const parameters = { General: { lr: { json: 0.5 } } };
    await store.editTask(task, { parameters }, { fence: first });
    await store.appendTaskOutput({
      task,
      fence: first,
      entries: [log('one'), { kind: 'artifact', artifact: small('x', 'small') }],
    });
    expect(await store.leaveTask(task, first + 1)).toBe(false);
    expect(await store.leaveTask(task, first)).toBe(true);
    expect(await store.leaveTask(task, first)).toBe(false);
    expect(await store.readTask(task)).toMatchObject({
      status: 'created',
      attempt: 0,
      startedAt: undefined,
      parameters,
    });
    expect(await store.readTaskOutput(task, { attempt: 1 })).toEqual([]);
    expect(await store.readTaskArtifacts(task)).toEqual([]);
    expect(await store.finishTask({ task, fence: first, status: 'completed', artifacts: [] })).toBe(false);

    const second = await start();
    expect(await store.leaveTask(task, second, { queue: 'default', priority: 2 })).toBe(true);
    expect(await store.listQueued('default')).toMatchObject([
      { task, attempt: 1, kind: 'task', priority: 2 },
    ]);
    // What came from a queue is handed back, not left.
    expect(await store.leaveTask(task, await fenceOf(store, 't1'))).toBe(false);
  });

  test('what has ended before anybody claimed it cannot be claimed: withdrawn, aborted', async () => {
    const { store } = await fresh();
    const task = await queued(store);
    expect(await store.withdrawTask(task, 2)).toBe(false);
    expect(await store.withdrawTask(task, 1)).toBe(true);
    expect(await store.withdrawTask(task, 1)).toBe(false);
    expect(await store.readTask(task)).toMatchObject({ status: 'created', attempt: 0 });
    expect((await claim(store, 't1')).ok).toBe(false);
    expect(await store.enqueueTask(jobOf('t1'))).toEqual({ ok: true, attempt: 1 });
    expect(await store.abortTask(task, 'not wanted')).toBe(true);
    expect(await store.abortTask(task, 'again')).toBe(false);
    expect((await claim(store, 't1')).ok).toBe(false);
    expect(await store.readTask(task)).toMatchObject({
      status: 'aborted',
      attempt: 0,
      error: { message: 'not wanted' },
    });
    expect(await store.readTaskEnding(task)).toMatchObject({ attempt: 1, status: 'aborted' });
    await queued(store, 't2');
    await fenceOf(store, 't2');
    expect(await store.withdrawTask(taskId('t2'), 1)).toBe(false);
    expect(await store.abortTask(taskId('t2'), 'too late')).toBe(false);
  });

  test('a stop reaches the attempt it is for, and what was asked to stop is not executed again', async () => {
    const { store, under } = await fresh();
    const stop = { reason: 'timeout', message: 'it took longer than 10 s' } as const;
    for (const id of ['t1', 't2', 't3']) await queued(store, id);
    expect(await store.requestTaskStop(taskId('t1'), 1, stop)).toBe(false);
    const ids = ['t1', 't2', 't3'].map(taskId);
    const fences: number[] = [];
    for (const id of ids) fences.push(await fenceOf(store, id));
    expect(await store.requestTaskStop(ids[0]!, 2, stop)).toBe(false);
    for (const id of ids) expect(await store.requestTaskStop(id, 1, stop)).toBe(true);
    expect(await store.requestTaskStop(ids[0]!, 1, { reason: 'stopped', message: 'later' })).toBe(true);
    expect(await store.readTaskStops(ids)).toEqual(new Map(ids.map((id) => [id, stop])));
    // One ends as it should, one is handed back, one is lost.
    await store.finishTask({ task: ids[0]!, fence: fences[0]!, status: 'aborted', artifacts: [] });
    expect(await store.releaseTask(ids[1]!, fences[1]!, 'the agent stops')).toBe(true);
    under.advance(LEASE_MS);
    expect(await store.recoverTasks()).toEqual({ requeued: [], failed: [], aborted: [ids[2]] });
    for (const id of ids)
      expect(await store.readTaskEnding(id)).toMatchObject({ status: 'aborted', attempt: 1 });
    expect((await store.readTaskEnding(ids[2]!))?.error).toMatchObject({
      code: 'timeout',
      message: stop.message,
    });
    expect(await store.readTaskStops(ids)).toEqual(new Map());
    // The mark is of that attempt only.
    await store.enqueueTask(jobOf('t1'));
    await fenceOf(store, 't1', 2);
    expect(await store.readTaskStops(ids)).toEqual(new Map());
  });

  test('a step that was withdrawn from its queue is executed by the run itself', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const task = taskId('r1.a');
    await store.enqueueTask(stepJob(recorder, 'a'));
    const lost = await fenceOf(store, 'r1.a');
    const worker = { ...WORKER, pid: 7, processGroup: 7 };
    await store.setTaskExecutor(task, lost, worker);
    const entries = [log('of the agent'), { kind: 'artifact', artifact: small('x', 'x') } as const];
    await store.appendTaskOutput({ task, fence: lost, entries });
    under.advance(LEASE_MS);
    await store.recoverTasks();
    expect(await store.withdrawTask(task, 2)).toBe(true);
    const claimed = await recorder.claim('a', 2);
    if (!claimed.ok) throw new Error('nobody else claims it');
    expect(claimed.fence).toBeGreaterThan(lost);
    expect(claimed.survivors).toEqual([worker]);
    expect(await store.readTaskArtifacts(task)).toEqual([]);
    expect(await store.readTaskOutput(task)).toEqual([]);
    const finish = { task, fence: claimed.fence, status: 'completed' } as const;
    expect(await recorder.commit([stepEnd('a')], { finish })).toEqual({ ok: true });
    expect(await store.getTask(task)).toMatchObject({ status: 'completed', attempt: 2 });
    expect(await store.enqueueTask(stepJob(recorder, 'a', {}, 3))).toMatchObject({ status: 'completed' });
    // It is nobody's but the run's: no lease of it is recovered.
    expect(await recorder.claim('b')).toMatchObject({ survivors: [] });
    under.advance(2 * LEASE_MS);
    expect(await store.recoverTasks()).toEqual({ requeued: [], failed: [], aborted: [] });
    // An attempt that an agent saw to its end leaves nobody behind.
    await store.enqueueTask(stepJob(recorder, 'c'));
    const ended = await fenceOf(store, 'r1.c');
    await store.setTaskExecutor(taskId('r1.c'), ended, worker);
    await store.finishTask({ task: taskId('r1.c'), fence: ended, status: 'failed', artifacts: [] });
    expect(await recorder.claim('c', 2)).toMatchObject({ ok: true, survivors: [] });
  });

  test('a queue without agents: the run claims its own job, and ends it in a commit', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const task = taskId('r1.a');
    await store.enqueueTask(stepJob(recorder, 'a'));
    const fence = await fenceOf(store, 'r1.a', 1, null);
    expect(await stateOf(store, 'r1.a')).toMatchObject({ agent: undefined, executor: WORKER });
    expect(await store.heartbeatTask(task, fence, LEASE_MS)).toBe(true);
    expect(await recorder.commit([stepEnd('a')], { finish: { task, fence, status: 'completed' } })).toEqual({
      ok: true,
    });
    expect(await store.readTaskEnding(task)).toMatchObject({ status: 'completed', fence });
  });

  test('a resumed run takes over what its predecessor executed, but not what an agent does', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await recorder.claim('local');
    await store.enqueueTask(stepJob(recorder, 'own'));
    await fenceOf(store, 'r1.own', 1, null);
    for (const step of ['agent', 'waits']) await store.enqueueTask(stepJob(recorder, step));
    const held = await fenceOf(store, 'r1.agent');
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    recorder.epoch = 2;
    expect(await store.enqueueTask(stepJob(recorder, 'local', {}, 2))).toEqual({ ok: true, attempt: 2 });
    expect(await store.enqueueTask(stepJob(recorder, 'own', {}, 2))).toEqual({ ok: true, attempt: 2 });
    expect(await store.enqueueTask(stepJob(recorder, 'agent', {}, 2))).toMatchObject({ status: 'running' });
    expect(await recorder.claim('agent', 2)).toEqual({ ok: false, holder: WORKER });
    expect(await store.enqueueTask(stepJob(recorder, 'waits', {}, 2))).toMatchObject({ status: 'queued' });
    expect((await recorder.claim('waits')).ok).toBe(true);
    expect((await claim(store, 'r1.waits')).ok).toBe(false);
    const task = taskId('r1.agent');
    expect(await store.finishTask({ task, fence: held, status: 'completed', artifacts: [] })).toBe(true);
  });

  test('who lost the run cannot take its steps out of queues, nor stop them', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const step of ['waits', 'runs']) await store.enqueueTask(stepJob(recorder, step));
    const fence = await fenceOf(store, 'r1.runs');
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    const [waits, runs] = [taskId('r1.waits'), taskId('r1.runs')];
    const stop = { reason: 'stopped', message: 'late' } as const;
    const old = { run: recorder.id, epoch: 1 };
    expect(await store.withdrawTask(waits, 1, old)).toBe(false);
    expect(await store.requestTaskStop(runs, 1, stop, old)).toBe(false);
    expect(await store.readTaskStops([runs])).toEqual(new Map());
    expect((await store.listQueued('default')).map(({ task }) => task)).toEqual([waits]);
    const now = { run: recorder.id, epoch: 2 };
    expect(await store.withdrawTask(waits, 1, now)).toBe(true);
    expect(await store.requestTaskStop(runs, 1, stop, now)).toBe(true);
    expect(await store.finishTask({ task: runs, fence, status: 'aborted', artifacts: [] })).toBe(true);
  });

  test('what an agent completed and its run did not take is executed once more when the run says so', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const step of ['a', 'b', 'own']) await store.enqueueTask(stepJob(recorder, step));
    for (const step of ['a', 'b']) {
      const fence = await fenceOf(store, `r1.${step}`);
      const task = taskId(`r1.${step}`);
      const artifacts = [small('x', 'old')];
      expect(await store.finishTask({ task, fence, status: 'completed', artifacts })).toBe(true);
    }
    expect(await store.enqueueTask(stepJob(recorder, 'a', {}, 2))).toMatchObject({ status: 'completed' });
    expect(await recorder.claim('b', 2)).toMatchObject({ ok: false });
    const { run, ...job } = stepJob(recorder, 'a', {}, 2);
    expect(await store.enqueueTask({ ...job, run: { ...run!, again: true } })).toEqual({
      ok: true,
      attempt: 2,
    });
    expect(await store.readTaskArtifacts(taskId('r1.a'))).toEqual([]);
    expect(await recorder.claim('b', 2, WORKER, { again: true })).toMatchObject({ ok: true });
    // What the run itself completed has its outcome.
    await store.withdrawTask(taskId('r1.own'), 1);
    const own = await recorder.claim('own', 1);
    if (!own.ok) throw new Error('nobody else claims it');
    const finish = { task: taskId('r1.own'), fence: own.fence, status: 'completed' } as const;
    await recorder.commit([stepEnd('own')], { finish });
    expect(await recorder.claim('own', 2, WORKER, { again: true })).toMatchObject({ ok: false });
  });

  test('a run that waits for an agent is nobody’s, is not lost, and hears a stop from before', async () => {
    const { store } = await fresh();
    const row = await store.createRun(newRun('r1', { queued: true }));
    expect(row).toMatchObject({ status: 'queued', leaseExpired: true, queued: true, epoch: 1 });
    expect(await store.findRuns({ status: ['lost'] })).toEqual([]);
    expect(await store.findRuns({ status: ['queued'] })).toHaveLength(1);
    await store.createTask(newTask('r1', { type: 'controller', run: row.id }));
    expect(await store.enqueueTask(jobOf('r1', { kind: 'controller', queue: 'services' }))).toMatchObject({
      ok: true,
    });
    expect((await store.listQueued('services'))[0]).toMatchObject({
      task: 'r1',
      run: 'r1',
      kind: 'controller',
    });
    await store.requestStop(row.id, 'changed my mind');
    const fence = await fenceOf(store, 'r1');
    // The controller's task is no step: nobody who looks for workers finds the agent.
    expect(await store.listTasks({ run: row.id })).toEqual([]);
    const taken = await store.takeRun(row.id, { expectedEpoch: 1, owner: OTHER });
    expect(taken).toEqual({ ok: true, epoch: 2, lastSeq: -1 });
    expect(await store.getRun(row.id)).toMatchObject({
      leaseExpired: false,
      stopRequested: 'changed my mind',
    });
    expect((await store.getRun(row.id))?.queued).toBeUndefined();
    const recorder = new Recorder(store, { ...row, epoch: 2 });
    const { pipeline, project, version, number } = row;
    await recorder.commit([
      { type: 'run.start', pipeline, project, version, number, parameters: {}, steps: [] },
    ]);
    expect((await store.getRun(row.id))?.status).toBe('running');
    expect(await store.finishTask({ task: taskId('r1'), fence, status: 'completed', artifacts: [] })).toBe(
      true,
    );
  });
}
