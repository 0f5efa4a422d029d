import { stepName, taskId, type StoredArtifact } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import {
  bytes,
  hashOf,
  large,
  LEASE_MS,
  newRun,
  newTask,
  printOf,
  Recorder,
  small,
  stepEnd,
  text,
  useStores,
  WORKER,
  type StoreFactory,
  SPARE_MS,
} from './harness.js';

export function collectTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  /** A run that has ended, with one uncached step. */
  async function endedRun(
    store: Store,
    id: string,
    artifacts: readonly StoredArtifact[],
    pipeline = 'iris',
  ): Promise<Recorder> {
    const recorder = await Recorder.start(store, newRun(id, { pipeline }));
    await recorder.commit(
      [
        stepEnd(
          'a',
          artifacts.map(({ record }) => record),
        ),
      ],
      {
        artifacts: artifacts.map((artifact) => ({ step: stepName('a'), artifact })),
      },
    );
    await recorder.end();
    return recorder;
  }
  const left = async (store: Store): Promise<readonly string[]> =>
    (await store.findRuns({})).map(({ id }) => id);

  test('without a policy only what nothing references goes', async () => {
    const { store } = await fresh();
    const recorder = await endedRun(store, 'r1', [small('x', 'old'), large('y', 'big old')]);
    await recorder.commit([], {
      artifacts: [
        { step: stepName('a'), artifact: small('x', 'new') },
        { step: stepName('a'), artifact: large('y', 'big new') },
      ],
    });
    expect(await store.pinned([hashOf('big old'), hashOf('big new')])).toEqual(new Set([hashOf('big new')]));
    const collected = await store.collect({ dryRun: false });
    expect(collected).toEqual({
      runs: [],
      tasks: 0,
      cacheEntries: 0,
      values: 1,
      unreferenced: [{ hash: hashOf('big old'), size: 1_000_000 }],
    });
    expect(await store.readValue(hashOf('old'))).toBeUndefined();
    expect(text(await store.readValue(hashOf('new')))).toBe('new');
    expect(await left(store)).toEqual(['r1']);
  });

  test('of each pipeline the newest runs are kept; what went takes everything of it along', async () => {
    const { store } = await fresh();
    for (const id of ['r1', 'r2', 'r3'])
      await endedRun(store, id, [small('x', id), large('y', `big ${id}`), small('s', 'shared')]);
    const other = await endedRun(store, 'o1', [], 'other');
    await store.putRunDocument(other.id, 'doc', bytes('kept'));
    const r1 = (await store.getRun((await store.findRuns({ idPrefix: 'r1' }))[0]!.id))!;
    await store.putRunDocument(r1.id, 'doc', bytes('gone'));

    const collected = await store.collect({ keepRuns: 1, dryRun: false });
    expect(collected.runs).toEqual(['r1', 'r2']);
    expect(collected.values).toBe(2);
    expect(collected.unreferenced.map(({ hash }) => hash).sort()).toEqual(
      [hashOf('big r1'), hashOf('big r2')].sort(),
    );
    expect(await left(store)).toEqual(['o1', 'r3']);
    expect(await store.readEvents(r1.id)).toEqual([]);
    expect(await store.readArtifacts(r1.id, stepName('a'))).toEqual([]);
    expect(await store.readRunDocument(r1.id, 'doc')).toBeUndefined();
    expect(text(await store.readRunDocument(other.id, 'doc'))).toBe('kept');
    expect(text(await store.readValue(hashOf('shared')))).toBe('shared');
    const hashes = [hashOf('r1'), hashOf('big r2'), hashOf('r3'), hashOf('shared')];
    expect(await store.pinned(hashes)).toEqual(new Set([hashOf('r3'), hashOf('shared')]));
  });

  test('a number is never given twice, although its run is gone', async () => {
    const { store } = await fresh();
    await endedRun(store, 'r1', []);
    await endedRun(store, 'r2', []);
    await store.collect({ keepRuns: 0, dryRun: false });
    expect(await left(store)).toEqual([]);
    expect((await store.createRun(newRun('r3'))).number).toBe(3);
  });

  test('with an age, only older ones go, and the newest keepRuns stay whatever their age', async () => {
    const { store, under } = await fresh();
    await endedRun(store, 'r1', []);
    await endedRun(store, 'r2', []);
    under.advance(10_000);
    await endedRun(store, 'r3', []);
    expect((await store.collect({ keepRuns: 2, maxAgeMs: 5000, dryRun: true })).runs).toEqual(['r1']);
    expect((await store.collect({ maxAgeMs: 5000, dryRun: true })).runs).toEqual(['r1', 'r2']);
    expect((await store.collect({ maxAgeMs: 20_000, dryRun: true })).runs).toEqual([]);
  });

  test('a dry run tells the same and changes nothing', async () => {
    const { store } = await fresh();
    for (const id of ['r1', 'r2']) await endedRun(store, id, [small('x', id), large('y', `big ${id}`)]);
    const dry = await store.collect({ keepRuns: 1, dryRun: true });
    expect(await left(store)).toEqual(['r2', 'r1']);
    expect(text(await store.readValue(hashOf('r1')))).toBe('r1');
    expect(await store.collect({ keepRuns: 1, dryRun: false })).toEqual(dry);
    expect(await left(store)).toEqual(['r2']);
  });

  test('a run that goes on is never collected, nor one whose worker still holds a lease', async () => {
    const { store, under } = await fresh();
    const lost = await Recorder.start(store, newRun('lost'));
    under.advance(LEASE_MS - SPARE_MS);
    await lost.claim('a');
    under.advance(SPARE_MS + 1);
    await Recorder.start(store, newRun('running'));
    const policy = { keepRuns: 0, maxAgeMs: 0, maxSize: 0, dryRun: true };
    expect((await store.collect(policy)).runs).toEqual([]);
    under.advance(LEASE_MS - SPARE_MS);
    expect((await store.collect(policy)).runs).toEqual(['lost']);
  });

  test('cache entries outlive their runs and keep their blobs, until they were not used for long', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const step of ['used', 'unused'])
      await recorder.complete(step, [small('x', step), large('y', `big ${step}`)]);
    await recorder.end();
    expect(await store.collect({ keepRuns: 0, dryRun: false })).toMatchObject({
      runs: ['r1'],
      tasks: 0,
      cacheEntries: 0,
      values: 0,
      unreferenced: [],
    });
    under.advance(100_000);
    const second = await Recorder.start(store, newRun('r2'));
    const entry = await store.findCacheEntry(printOf('used'));
    expect(await second.hit('used', entry!.artifacts)).toEqual({ ok: true });
    const collected = await store.collect({ maxAgeMs: 50_000, dryRun: false });
    expect(collected).toMatchObject({
      tasks: 0,
      cacheEntries: 1,
      values: 1,
      unreferenced: [{ hash: hashOf('big unused') }],
    });
    expect(await store.findCacheEntry(printOf('unused'))).toBeUndefined();
    expect(text((await store.findCacheEntry(printOf('used')))?.artifacts[0]?.inline)).toBe('used');
  });

  test('down to a size, the oldest runs and least recently used entries go first', async () => {
    const { store, under } = await fresh();
    for (const id of ['r1', 'r2', 'r3', 'r4']) {
      await endedRun(store, id, [large('y', `big ${id}`)]);
      under.advance(1000);
    }
    const live = await Recorder.start(store, newRun('live'));
    await live.complete('e', [large('z', 'big r2')]);
    // 4 MB; r1 frees one, r2 none (its blob is pinned by a run that goes on), r3 the next.
    const collected = await store.collect({ maxSize: 2_500_000, dryRun: true });
    expect(collected.runs).toEqual(['r1', 'r3']);
    expect(collected.cacheEntries).toBe(0);
    expect((await store.collect({ maxSize: 4_000_000, dryRun: true })).runs).toEqual([]);
    const all = await store.collect({ maxSize: 0, keepRuns: 1, dryRun: true });
    expect(all.runs).toEqual(['r1', 'r2', 'r3', 'r4']);
    expect(all.unreferenced).toHaveLength(3);
  });

  test('a hit that comes after gc is refused, so that it becomes a miss', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await recorder.complete('a', [large('y', 'big')]);
    await recorder.end();
    const entry = (await store.findCacheEntry(printOf('a')))!;
    const second = await Recorder.start(store, newRun('r2'));
    const collector = await under.open();
    under.advance(1);
    const collected = await collector.collect({ keepRuns: 1, maxAgeMs: 0, dryRun: false });
    expect(collected.unreferenced.map(({ hash }) => hash)).toEqual([hashOf('big')]);
    expect(await second.hit('a', entry.artifacts)).toMatchObject({
      ok: false,
      reason: 'missing-blob',
      hash: hashOf('big'),
    });
    expect(await store.findCacheEntry(printOf('a'))).toBeUndefined();
  });

  test('a hit that comes before gc pins what it took', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await recorder.complete('a', [large('y', 'big')]);
    await recorder.end();
    const second = await Recorder.start(store, newRun('r2'));
    await second.hit('a', (await store.findCacheEntry(printOf('a')))!.artifacts);
    under.advance(1);
    const collected = await store.collect({ keepRuns: 0, maxAgeMs: 0, maxSize: 0, dryRun: false });
    expect(collected).toMatchObject({ runs: ['r1'], unreferenced: [] });
    expect(await store.pinned([hashOf('big')])).toEqual(new Set([hashOf('big')]));
  });

  /** A task of its own that has ended, with output, an upload and a large artifact. */
  async function endedTask(store: Store, id: string, status: 'completed' | 'failed' = 'completed') {
    const task = taskId(id);
    await store.createTask(newTask(id));
    const started = await store.startTask({ task, executor: WORKER, leaseMs: LEASE_MS });
    if (!started.ok) throw new Error('nobody else starts it');
    const upload = { kind: 'artifact', artifact: small('up', `upload of ${id}`) } as const;
    const log = { kind: 'log', stream: 'stdout', text: 'line' } as const;
    await store.appendTaskOutput({ task, fence: started.fence, entries: [log, upload] });
    const artifacts = [large('big', `big of ${id}`)];
    await store.finishTask({ task, fence: started.fence, status, artifacts, document: bytes('end') });
    return task;
  }

  test('tasks of their own go some time after they ended, with all they left; others stay', async () => {
    const { store, under } = await fresh();
    const old = await endedTask(store, 'old');
    await endedTask(store, 'old failed', 'failed');
    await endedTask(store, 'published');
    await store.publishTask(taskId('published'));
    for (const id of ['draft', 'waits', 'aborted']) await store.createTask(newTask(id));
    await store.enqueueTask({ task: taskId('waits'), kind: 'task', queue: 'default', priority: 0 });
    await store.abortTask(taskId('aborted'), 'not wanted');
    await store.createTask(newTask('runs'));
    await store.startTask({ task: taskId('runs'), executor: WORKER, leaseMs: 1 });
    under.advance(10_000);
    await endedTask(store, 'young');
    const policy = { maxAgeMs: 5000, keepRuns: 0 };
    expect(await store.collect({ keepRuns: 0, maxSize: 0, dryRun: false })).toMatchObject({
      tasks: 0,
      values: 0,
      unreferenced: [],
    });
    const dry = await store.collect({ ...policy, dryRun: true });
    expect(await store.readTask(old)).toBeDefined();
    const collected = await store.collect({ ...policy, dryRun: false });
    expect(collected).toEqual(dry);
    expect(collected).toMatchObject({ tasks: 3, values: 2 });
    expect(collected.unreferenced.map(({ hash }) => hash).sort()).toEqual(
      [hashOf('big of old'), hashOf('big of old failed')].sort(),
    );
    const left = (await store.findTasks({})).map(({ id }) => id);
    expect(left).toEqual(['young', 'runs', 'waits', 'draft', 'published']);
    expect(await store.readTaskOutput(old, { attempt: 1 })).toEqual([]);
    expect(await store.readTaskArtifacts(old)).toEqual([]);
    expect(await store.readTaskEnding(old)).toBeUndefined();
    expect(await store.readTaskArtifacts(taskId('published'))).toHaveLength(2);
  });

  test('tasks of a run go with it, but for a published one', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const step of ['a', 'b']) {
      const task = taskId(`r1.${step}`);
      const run = { id: recorder.id, epoch: 1, step: stepName(step), attempt: 1 };
      const pins = [{ hash: hashOf(`input of ${step}`), size: 5, bytes: bytes('input') }];
      await store.createTask(newTask(task, { run: recorder.id, step: stepName(step) }));
      await store.enqueueTask({ task, kind: 'step', queue: 'default', priority: 0, run, pins });
      const claim = { task, attempt: 1, executor: WORKER, agent: 'agent', leaseMs: LEASE_MS };
      const claimed = await store.claimQueued(claim);
      if (!claimed.ok) throw new Error('nobody else claims it');
      const artifacts = [large('big', `big of ${step}`)];
      await store.finishTask({ task, fence: claimed.fence, status: 'completed', artifacts });
    }
    await store.publishTask(taskId('r1.b'));
    await recorder.end();
    const collected = await store.collect({ keepRuns: 0, dryRun: false });
    expect(collected).toMatchObject({
      runs: ['r1'],
      tasks: 0,
      values: 1,
      unreferenced: [{ hash: hashOf('big of a') }],
    });
    expect((await store.findTasks({ steps: true })).map(({ id, run }) => [id, run])).toEqual([
      ['r1.b', undefined],
    ]);
    expect(await store.readAttempts([taskId('r1.a')])).toEqual(new Map());
    expect(await store.readTaskArtifacts(taskId('r1.b'))).toHaveLength(1);
  });

  test('the record of a step outlives its run as long as a cache entry names it', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const step of ['cached', 'uncached']) {
      await store.createTask(newTask(`r1.${step}`, { run: recorder.id, step: stepName(step) }));
      const claimed = await recorder.claim(step);
      if (!claimed.ok) throw new Error('nobody else claims it');
      const { fence } = claimed;
      const task = taskId(`r1.${step}`);
      const artifact = large('y', `big of ${step}`);
      await store.appendTaskOutput({ task, fence, entries: [{ kind: 'artifact', artifact }] });
      const finish = { task, fence, status: 'completed' } as const;
      if (step === 'cached') await recorder.complete(step, [artifact], { finish });
      else await recorder.commit([stepEnd(step, [artifact.record])], { finish });
    }
    await recorder.end();
    under.advance(1000);
    expect(await store.collect({ keepRuns: 0, dryRun: false })).toMatchObject({
      runs: ['r1'],
      unreferenced: [{ hash: hashOf('big of uncached') }],
    });
    const cached = taskId('r1.cached');
    const records = await store.findTasks({ steps: true });
    expect(records.map(({ id, run }) => [id, run])).toEqual([['r1.cached', undefined]]);
    expect(await store.readTaskArtifacts(cached)).toHaveLength(1);
    expect(await store.findTasks({ name: 'stage data' })).toEqual([]);
    const second = await Recorder.start(store, newRun('r2'));
    await second.hit('cached', [large('y', 'big of cached')]);
    await second.end();
    expect(await store.collect({ keepRuns: 0, dryRun: true })).toMatchObject({
      runs: ['r2'],
      unreferenced: [],
    });
    expect(await store.collect({ keepRuns: 1, maxSize: 0, dryRun: false })).toMatchObject({
      cacheEntries: 0,
      unreferenced: [],
    });
    expect(await store.readTask(cached)).toBeDefined();
    expect(await store.collect({ keepRuns: 0, maxSize: 0, dryRun: false })).toMatchObject({
      runs: ['r2'],
      cacheEntries: 1,
      unreferenced: [{ hash: hashOf('big of cached') }],
    });
    expect(await store.readTask(cached)).toBeUndefined();
    expect(await store.readTaskArtifacts(cached)).toEqual([]);
  });

  test('to come down to a size, artifacts of tasks count once and hold what they share with a run', async () => {
    const { store } = await fresh();
    await endedTask(store, 't1');
    await endedRun(store, 'shares', [large('x', 'big of t1')]);
    await endedRun(store, 'own', [large('x', 'own')]);
    const collected = await store.collect({ maxSize: 1_500_000, dryRun: false });
    expect(collected).toMatchObject({ runs: ['own'], unreferenced: [{ hash: hashOf('own') }] });
    expect((await store.collect({ maxSize: 0, dryRun: false })).runs).toEqual([]);
  });

  test('a run that waits for an agent, or whose controller an agent may continue, stays', async () => {
    const { store, under } = await fresh();
    const task = taskId('r1');
    const row = await store.createRun(newRun('r1', { queued: true }));
    await store.createTask(newTask('r1', { type: 'controller', run: row.id }));
    const job = { task, kind: 'controller', queue: 'services', priority: 0 } as const;
    const all = { keepRuns: 0, maxAgeMs: 1, dryRun: false };
    const stays = async () => {
      under.advance(100 * LEASE_MS);
      expect((await store.collect(all)).runs).toEqual([]);
    };
    await stays();
    await store.enqueueTask(job);
    await stays();
    await store.claimQueued({ task, attempt: 1, executor: WORKER, agent: 'agent', leaseMs: LEASE_MS });
    await stays();
    await store.recoverTasks();
    await stays();
    await store.abortTask(task, 'not wanted');
    under.advance(100 * LEASE_MS);
    expect((await store.collect(all)).runs).toEqual(['r1']);
    expect(await store.readTask(task)).toBeUndefined();
  });
}
