import { stepName, type StoredArtifact } from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import {
  bytes,
  hashOf,
  large,
  LEASE_MS,
  newRun,
  printOf,
  Recorder,
  small,
  stepEnd,
  text,
  useStores,
  type StoreFactory,
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
    under.advance(LEASE_MS - 1);
    await lost.claim('a');
    under.advance(2);
    await Recorder.start(store, newRun('running'));
    const policy = { keepRuns: 0, maxAgeMs: 0, maxSize: 0, dryRun: true };
    expect((await store.collect(policy)).runs).toEqual([]);
    under.advance(LEASE_MS - 2);
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
}
