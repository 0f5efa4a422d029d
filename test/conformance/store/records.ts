import {
  digest,
  runId,
  stepName,
  taskId,
  type TaskParameters,
  type TaskScript,
} from '@run-pipeline/core/model';
import type { NewTask, Store } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import {
  bytes,
  hashOf,
  LEASE_MS,
  newRun,
  newTask,
  OWNER,
  Recorder,
  small,
  text,
  useStores,
  WORKER,
  type StoreFactory,
} from './harness.js';

export function recordTests(factory: StoreFactory): void {
  const fresh = useStores(factory);
  const t1 = taskId('t1');
  const script: TaskScript = {
    file: 'examples/step1.ts',
    package: hashOf('package'),
    dependencies: { lodash: '4.17.21' },
    node: '20.20.0',
  };
  const make = (store: Store, id: string, more: Partial<NewTask> = {}) => store.createTask(newTask(id, more));
  const idsOf = async (found: ReturnType<Store['findTasks']>): Promise<readonly string[]> =>
    (await found).map(({ id }) => id);

  test('a task begins as created, with all it was given', async () => {
    const { store, under } = await fresh();
    const edit = {
      comment: 'why',
      tags: ['a', 'b', 'a'],
      addTags: ['c'],
      script,
      parameters: { General: { test_size: { json: 0.2 }, when: { json: 'x', meta: { values: ['Date'] } } } },
      configurations: { model: { json: { layers: [1, 2] } } },
    };
    const made = await make(store, 't1', { parent: taskId('t0'), edit });
    expect(made).toEqual({
      id: 't1',
      project: 'examples',
      name: 'stage data',
      type: 'data_processing',
      status: 'created',
      tags: ['a', 'b', 'c'],
      comment: 'why',
      parent: 't0',
      run: undefined,
      step: undefined,
      script,
      parameters: edit.parameters,
      configurations: edit.configurations,
      progress: undefined,
      queue: undefined,
      priority: 0,
      resources: {},
      attempt: 0,
      createdAt: expect.any(String) as string,
      startedAt: undefined,
      finishedAt: undefined,
      error: undefined,
      leaseExpired: false,
    });
    expect(await (await under.open()).readTask(t1)).toEqual(made);
    expect(await store.readTask(taskId('unknown'))).toBeUndefined();
    expect(await store.readTaskEnding(t1)).toBeUndefined();
  });

  test('an id that exists is left as it is, also when two make it at once', async () => {
    const { store, under } = await fresh();
    const other = await under.open();
    const [a, b] = await Promise.all([make(store, 't1', { name: 'a' }), make(other, 't1', { name: 'b' })]);
    expect(a).toEqual(b);
    expect(await make(store, 't1', { name: 'c', edit: { tags: ['late'] } })).toEqual(a);
    expect(await store.findTasks({})).toEqual([a]);
  });

  test('edits are merged by section, name and configuration; what is absent stays', async () => {
    const { store } = await fresh();
    const edit = {
      script,
      parameters: { General: { a: { json: 1 }, b: { json: 2 } }, Other: { x: { json: 'x' } } },
      configurations: { one: { json: 1 }, two: { json: 2 } },
    };
    await make(store, 't1', { edit });
    await store.editTask(t1, {
      parameters: { General: { b: { json: '3', text: true } }, New: { y: { json: null } } },
      configurations: { two: { json: { deep: true } } },
      addTags: ['late'],
      progress: 40,
    });
    const edited = await store.editTask(t1, {
      name: 'renamed',
      project: 'other',
      type: 'training',
      comment: 'c',
    });
    expect(edited).toMatchObject({
      ok: true,
      task: {
        name: 'renamed',
        project: 'other',
        type: 'training',
        comment: 'c',
        script,
        parameters: {
          General: { a: { json: 1 }, b: { json: '3', text: true } },
          Other: { x: { json: 'x' } },
          New: { y: { json: null } },
        },
        configurations: { one: { json: 1 }, two: { json: { deep: true } } },
        tags: ['late'],
        progress: 40,
      },
    });
    if (edited.ok) expect(await store.readTask(t1)).toEqual(edited.task);
    expect(await store.editTask(t1, { tags: [] })).toMatchObject({ task: { tags: [] } });
  });

  test('edits of one moment are all there', async () => {
    const { store, under } = await fresh();
    await make(store, 't1');
    const stores = [store, await under.open()];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        stores[index % 2]!.editTask(t1, {
          addTags: [`tag ${index}`],
          parameters: { General: { [`p${index}`]: { json: index } } },
        }),
      ),
    );
    const record = await store.readTask(t1);
    expect(record?.tags).toHaveLength(20);
    expect(Object.keys(record?.parameters['General'] ?? {})).toHaveLength(20);
  });

  test('sections and names such as __proto__ are data', async () => {
    const { store } = await fresh();
    const odd = JSON.parse(
      '{"__proto__":{"__proto__":{"json":1},"then":{"json":2}},"constructor":{"x":{"json":3}}}',
    ) as TaskParameters;
    await make(store, 't1', {
      edit: { parameters: odd, configurations: JSON.parse('{"__proto__":{"json":1}}') as never },
    });
    await store.editTask(t1, {
      parameters: JSON.parse('{"__proto__":{"more":{"json":4}}}') as TaskParameters,
    });
    const record = (await store.readTask(t1))!;
    expect(JSON.stringify(record.parameters)).toBe(
      '{"__proto__":{"__proto__":{"json":1},"then":{"json":2},"more":{"json":4}},"constructor":{"x":{"json":3}}}',
    );
    expect(JSON.stringify(record.configurations)).toBe('{"__proto__":{"json":1}}');
    expect(({} as Record<string, unknown>)['more']).toBeUndefined();
  });

  test('a text that no database likes is kept as well as it can, and its record is found', async () => {
    const { store } = await fresh();
    const odd = 'a\u0000b \ud800 c';
    await make(store, 't1', {
      name: odd,
      edit: { comment: odd, tags: [odd, 'x'], parameters: { General: { [odd]: { json: odd } } } },
    });
    const record = (await store.readTask(t1))!;
    // A NUL may become the sign of what cannot be shown.
    for (const kept of [record.name, record.comment]) expect(kept).toMatch(/^a[\0\u{FFFD}]b .+ c$/u);
    expect(record.parameters).toEqual({ General: { [odd]: { json: odd } } });
    for (const query of [{ name: odd }, { tags: ['x'] }])
      expect(await idsOf(store.findTasks(query))).toEqual(['t1']);
    expect(await idsOf(store.findTasks({ tags: ['a'] }))).toEqual([]);
    expect(await store.readTask(taskId(odd))).toBeUndefined();
  });

  test('an edit is refused for an unknown task, another status, another fence', async () => {
    const { store } = await fresh();
    expect(await store.editTask(t1, {})).toEqual({ ok: false, reason: 'unknown' });
    await make(store, 't1');
    const before = await store.readTask(t1);
    expect(await store.editTask(t1, { name: 'x' }, { status: ['failed', 'aborted'] })).toEqual({
      ok: false,
      reason: 'status',
      task: before,
    });
    expect(await store.editTask(t1, { name: 'x' }, { fence: 1 })).toMatchObject({ reason: 'stale-fence' });
    const started = await store.startTask({ task: t1, executor: WORKER, leaseMs: LEASE_MS });
    if (!started.ok) throw new Error('nobody else starts it');
    const { fence } = started;
    expect(await store.editTask(t1, { name: 'x' }, { fence: fence - 1 })).toMatchObject({
      reason: 'stale-fence',
    });
    expect(await store.editTask(t1, { progress: 10 }, { fence, status: ['running'] })).toMatchObject({
      ok: true,
    });
    await store.finishTask({ task: t1, fence, status: 'completed', artifacts: [] });
    expect(await store.editTask(t1, { progress: 99 }, { fence })).toMatchObject({ reason: 'stale-fence' });
    expect(await store.readTask(t1)).toMatchObject({ name: 'stage data', progress: 10 });
  });

  test('what was never started or has completed can be published; then only tags and comment change', async () => {
    const { store } = await fresh();
    expect(await store.publishTask(t1)).toBe(false);
    for (const id of ['t1', 't2', 't3']) await make(store, id);
    expect(await store.publishTask(t1)).toBe(true);
    expect(await store.publishTask(t1)).toBe(false);
    const refused = { ok: false, reason: 'status' };
    expect(await store.editTask(t1, { name: 'x' })).toMatchObject(refused);
    expect(await store.editTask(t1, { tags: ['x'], parameters: {} })).toMatchObject(refused);
    expect(await store.editTask(t1, { tags: ['x'], addTags: ['y'], comment: 'z' })).toMatchObject({
      ok: true,
      task: { status: 'published', tags: ['x', 'y'], comment: 'z', name: 'stage data' },
    });
    const job = { task: t1, kind: 'task', queue: 'default', priority: 0 } as const;
    expect(await store.enqueueTask(job)).toEqual({ ok: false, reason: 'status', status: 'published' });
    expect(await store.startTask({ task: t1, executor: WORKER, leaseMs: 1 })).toEqual({
      ok: false,
      status: 'published',
    });
    expect(await store.abortTask(t1, 'no')).toBe(false);
    await store.enqueueTask({ ...job, task: taskId('t2') });
    expect(await store.publishTask(taskId('t2'))).toBe(false);
    const started = await store.startTask({ task: taskId('t3'), executor: WORKER, leaseMs: LEASE_MS });
    if (!started.ok) throw new Error('nobody else starts it');
    await store.finishTask({ task: taskId('t3'), fence: started.fence, status: 'completed', artifacts: [] });
    expect(await store.publishTask(taskId('t3'))).toBe(true);
    expect(await store.readTaskEnding(taskId('t3'))).toMatchObject({ attempt: 1, status: 'completed' });
    expect(await store.readTaskEnding(t1)).toBeUndefined();
  });

  test('tasks are found by what people know of them, newest first; steps only when asked for', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await make(store, 'a1', { edit: { tags: ['x', 'y'] } });
    await make(store, 'a2', { name: 'other', type: 'training', edit: { tags: ['y'] } });
    await make(store, 'b1', { project: 'elsewhere', parent: taskId('a1') });
    await make(store, 'r1', { type: 'controller', run: recorder.id });
    await make(store, 'r1.a', { run: recorder.id, step: stepName('a'), parent: taskId('a1') });
    await store.publishTask(taskId('a2'));
    const find = (query: Parameters<Store['findTasks']>[0]) => idsOf(store.findTasks(query));
    expect(await find({})).toEqual(['r1', 'b1', 'a2', 'a1']);
    expect(await find({ steps: true })).toEqual(['r1.a', 'r1', 'b1', 'a2', 'a1']);
    expect(await find({ project: 'examples', name: 'stage data' })).toEqual(['r1', 'a1']);
    expect(await find({ idPrefix: 'a' })).toEqual(['a2', 'a1']);
    expect(await find({ tags: ['y'] })).toEqual(['a2', 'a1']);
    expect(await find({ tags: ['y', 'x'] })).toEqual(['a1']);
    expect(await find({ status: ['published', 'failed'] })).toEqual(['a2']);
    expect(await find({ status: [] })).toEqual([]);
    expect(await find({ type: ['training', 'controller'] })).toEqual(['r1', 'a2']);
    expect(await find({ parent: taskId('a1') })).toEqual(['b1']);
    expect(await find({ parent: taskId('a1'), steps: true })).toEqual(['r1.a', 'b1']);
    expect(await find({ run: recorder.id })).toEqual(['r1']);
    expect(await find({ run: recorder.id, steps: true })).toEqual(['r1.a', 'r1']);
    expect(await find({ run: runId('other'), steps: true })).toEqual([]);
    expect(await find({ limit: 2 })).toEqual(['r1', 'b1']);
    expect(await find({ before: taskId('b1'), limit: 1 })).toEqual(['a2']);
  });

  test('the record of a step has the status of its execution, and survives its claims', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const task = taskId('r1.a');
    const record = (id: string, step: string) =>
      make(store, id, { run: recorder.id, step: stepName(step), edit: { comment: 'of a step' } });
    expect(await record('r1.a', 'a')).toMatchObject({ status: 'created', run: 'r1', step: 'a' });
    // Nobody has claimed it: there is nobody to look for.
    expect(await store.listTasks({ run: recorder.id })).toEqual([]);
    const claimed = await recorder.claim('a');
    if (!claimed.ok) throw new Error('nobody else claims it');
    expect(await store.readTask(task)).toMatchObject({ status: 'running', attempt: 1, comment: 'of a step' });
    const fence = claimed.fence;
    expect(await store.editTask(task, { progress: 5 }, { fence })).toMatchObject({ ok: true });
    const error = { name: 'Error', message: 'no' };
    await recorder.commit([], { finish: { task, fence, status: 'failed', error } });
    expect(await store.readTask(task)).toMatchObject({ status: 'failed', error, progress: 5, step: 'a' });
    expect((await store.readTask(task))?.finishedAt).toBeDefined();
    await recorder.claim('b');
    expect(await store.editTask(taskId('r1.b'), {})).toEqual({ ok: false, reason: 'unknown' });
    expect(await record('r1.b', 'b')).toMatchObject({ status: 'running', attempt: 1 });
    await expect(make(store, 'x', { run: runId('nowhere') })).rejects.toMatchObject({ code: 'unknown-run' });
  });

  test('what a failed attempt of a step uploaded is not seen under the next one', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const task = taskId('r1.a');
    await make(store, task, { run: recorder.id, step: stepName('a') });
    const upload = async (attempt: number, name: string) => {
      const claimed = await recorder.claim('a', attempt);
      if (!claimed.ok) throw new Error('nobody else claims it');
      const { fence } = claimed;
      const entries = [{ kind: 'artifact', artifact: small(name, 'content') }] as const;
      expect(await store.appendTaskOutput({ task, fence, entries })).toBe(true);
      return fence;
    };
    const fence = await upload(1, 'first');
    await recorder.commit([], { finish: { task, fence, status: 'failed' } });
    const names = async () => (await store.readTaskArtifacts(task)).map(({ record }) => record.name);
    expect(await names()).toEqual(['first']);
    await upload(2, 'second');
    expect(await names()).toEqual(['second']);
    expect(await store.readTaskOutput(task, { attempt: 1 })).toHaveLength(1);
  });

  test('values of a record stay as long as it, also those that only a clone refers to', async () => {
    const { store, under } = await fresh();
    const launch = hashOf('launch');
    const diff = hashOf('diff');
    const values = [
      { hash: launch, bytes: bytes('launch') },
      { hash: diff, bytes: bytes('diff') },
    ];
    const withValues = { ...script, launch, git: { commit: 'c', dirty: true, diff } };
    await make(store, 't1', { edit: { script: withValues }, values });
    const started = await store.startTask({ task: t1, executor: OWNER, leaseMs: 1 });
    if (!started.ok) throw new Error('nobody else starts it');
    await store.finishTask({ task: t1, fence: started.fence, status: 'completed', artifacts: [] });
    under.advance(1000);
    await make(store, 'clone', { edit: { script: withValues } });
    expect(await store.collect({ maxAgeMs: 500, dryRun: false })).toMatchObject({ tasks: 1, values: 0 });
    expect(await store.readTask(t1)).toBeUndefined();
    expect(text(await store.readValue(launch))).toBe('launch');
    expect(text(await store.readValue(diff))).toBe('diff');
    expect(await store.pinned([launch, diff, digest(`sha256:${'0'.repeat(64)}`)])).toEqual(
      new Set([launch, diff]),
    );
  });
}
