import { runId } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import {
  bytes,
  hashOf,
  LEASE_MS,
  newRun,
  OTHER,
  OWNER,
  Recorder,
  stepStart,
  text,
  useStores,
  type StoreFactory,
  SPARE_MS,
} from './harness.js';

export function runTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  test('a new run is queued, has epoch 1, no events, and a live lease', async () => {
    const { store } = await fresh();
    const made = await store.createRun(newRun('r1', { parent: runId('r0') }));
    expect(made).toMatchObject({
      id: 'r1',
      pipeline: 'iris',
      project: 'examples',
      version: '1.0.0',
      number: 1,
      status: 'queued',
      epoch: 1,
      owner: OWNER,
      leaseExpired: false,
      lastSeq: -1,
      startedAt: undefined,
      finishedAt: undefined,
      source: 'iris.ts#Iris',
      parent: 'r0',
      stopRequested: undefined,
    });
    expect(await store.getRun(made.id)).toEqual(made);
    expect(await store.getRun(runId('unknown'))).toBeUndefined();
  });

  test('a run has what it takes to continue it from its first moment, and pins it', async () => {
    const { store } = await fresh();
    const value = { hash: hashOf('packages'), bytes: bytes('packages') };
    const blob = { hash: hashOf('a large parameter'), size: 100_000 };
    const { id } = await store.createRun(
      newRun('r1', {
        documents: [{ name: 'launch', bytes: bytes('how') }],
        values: [value],
        blobs: [blob],
      }),
    );
    expect(text(await store.readRunDocument(id, 'launch'))).toBe('how');
    expect(text(await store.readValue(value.hash))).toBe('packages');
    await store.collect({ dryRun: false });
    expect(await store.pinned([value.hash, blob.hash])).toEqual(new Set([value.hash, blob.hash]));
  });

  test('a run with an id that exists is an error and takes no number', async () => {
    const { store } = await fresh();
    await store.createRun(newRun('r1'));
    await expect(store.createRun(newRun('r1'))).rejects.toThrow('r1');
    expect((await store.createRun(newRun('r2'))).number).toBe(2);
  });

  test('numbers count the runs of a pipeline within its project', async () => {
    const { store } = await fresh();
    const numbers = await Promise.all([
      store.createRun(newRun('a')),
      store.createRun(newRun('b')),
      store.createRun(newRun('c', { project: 'elsewhere' })),
      store.createRun(newRun('d', { pipeline: 'other' })),
      store.createRun(newRun('e')),
    ]);
    expect(numbers.map(({ number }) => number)).toEqual([1, 2, 1, 1, 3]);
  });

  test('a version that is not given is the highest integer version plus one', async () => {
    const { store } = await fresh();
    const versionOf = async (id: string, version: string | undefined): Promise<string> =>
      (await store.createRun(newRun(id, { version }))).version;
    expect(await versionOf('a', undefined)).toBe('1');
    expect(await versionOf('b', undefined)).toBe('2');
    expect(await versionOf('c', '7.0.0')).toBe('7.0.0');
    expect(await versionOf('d', undefined)).toBe('3');
    expect(await versionOf('e', '10')).toBe('10');
    expect(await versionOf('f', '4')).toBe('4');
    expect(await versionOf('g', undefined)).toBe('11');
  });

  test('runs are found newest first, by prefix, name and number, status, and page by page', async () => {
    const { store } = await fresh();
    const first = await Recorder.start(store, newRun('2026-a'));
    await first.end('failed');
    await Recorder.start(store, newRun('2026-b'));
    await store.createRun(newRun('2027-a', { pipeline: 'other' }));
    const ids = async (query: Parameters<typeof store.findRuns>[0]): Promise<readonly string[]> =>
      (await store.findRuns(query)).map(({ id }) => id);
    expect(await ids({})).toEqual(['2027-a', '2026-b', '2026-a']);
    expect(await ids({ limit: 1 })).toEqual(['2027-a']);
    expect(await ids({ before: runId('2026-b') })).toEqual(['2026-a']);
    expect(await ids({ idPrefix: '2026' })).toEqual(['2026-b', '2026-a']);
    expect(await ids({ idPrefix: '2026-B' })).toEqual([]);
    expect(await ids({ pipeline: 'iris', number: 2 })).toEqual(['2026-b']);
    expect(await ids({ project: 'nowhere' })).toEqual([]);
    expect(await ids({ status: ['failed', 'queued'] })).toEqual(['2027-a', '2026-a']);
  });

  test('a run that has not ended and whose lease ran out is found as lost', async () => {
    const { store, under } = await fresh();
    await Recorder.start(store, newRun('dead'));
    const ended = await Recorder.start(store, newRun('ended'));
    await ended.end();
    under.advance(LEASE_MS + 1);
    await Recorder.start(store, newRun('alive'));
    expect((await store.findRuns({ status: ['lost'] })).map(({ id }) => id)).toEqual(['dead']);
  });

  test('run.start, run.end and run.resume move the row of the run', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    expect(await store.getRun(recorder.id)).toMatchObject({
      status: 'running',
      startedAt: '2026-01-02T03:04:05.678Z',
      lastSeq: 0,
    });
    await recorder.end('failed');
    expect(await store.getRun(recorder.id)).toMatchObject({
      status: 'failed',
      finishedAt: '2026-01-02T03:04:05.678Z',
      leaseExpired: true,
      lastSeq: 1,
    });
    const taken = await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    expect(taken).toEqual({ ok: true, epoch: 2, lastSeq: 1 });
    recorder.epoch = 2;
    await recorder.commit([{ type: 'run.resume', epoch: 2 }]);
    expect(await store.getRun(recorder.id)).toMatchObject({
      status: 'running',
      finishedAt: undefined,
      leaseExpired: false,
      owner: OTHER,
    });
  });

  test('of two that take a run over at once one wins and the other learns who', async () => {
    const { store, under } = await fresh();
    const second = await under.open();
    const { id } = await store.createRun(newRun('r1'));
    const one = { ...OTHER, pid: 301 };
    const two = { ...OTHER, pid: 302 };
    const results = await Promise.all([
      store.takeRun(id, { expectedEpoch: 1, owner: one }),
      second.takeRun(id, { expectedEpoch: 1, owner: two }),
      store.takeRun(id, { expectedEpoch: 1, owner: { ...OTHER, pid: 303 } }),
    ]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    const row = await store.getRun(id);
    expect(row?.epoch).toBe(2);
    for (const result of results) {
      if (!result.ok) expect(result.current).toMatchObject({ epoch: 2, owner: row?.owner });
    }
  });

  test("the owner's lease runs out by the store's clock, and a heartbeat or a commit renews it", async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const expired = async (): Promise<boolean | undefined> => (await store.getRun(recorder.id))?.leaseExpired;
    under.advance(LEASE_MS - SPARE_MS);
    expect(await expired()).toBe(false);
    under.advance(SPARE_MS);
    expect(await expired()).toBe(true);
    expect(await store.heartbeatRun(recorder.id, 1)).toBe(true);
    expect(await expired()).toBe(false);
    under.advance(LEASE_MS);
    await recorder.commit([stepStart('a')]);
    expect(await expired()).toBe(false);
  });

  test('a heartbeat with an older epoch is refused and renews nothing', async () => {
    const { store, under } = await fresh();
    const { id } = await store.createRun(newRun('r1'));
    await store.takeRun(id, { expectedEpoch: 1, owner: OTHER });
    under.advance(LEASE_MS);
    expect(await store.heartbeatRun(id, 1)).toBe(false);
    expect((await store.getRun(id))?.leaseExpired).toBe(true);
    expect(await store.heartbeatRun(runId('unknown'), 1)).toBe(false);
  });

  test('a stop is asked of a run that goes on, is seen by others, and ends with its owner', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const second = await under.open();
    expect(await second.requestStop(recorder.id, 'enough')).toBe(true);
    expect((await store.getRun(recorder.id))?.stopRequested).toBe('enough');
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    expect((await store.getRun(recorder.id))?.stopRequested).toBeUndefined();
    recorder.epoch = 2;
    await recorder.end();
    expect(await second.requestStop(recorder.id, 'too late')).toBe(false);
    expect(await second.requestStop(runId('unknown'), 'x')).toBe(false);
  });

  test('documents of a run are kept by name, byte for byte', async () => {
    const { store, under } = await fresh();
    const { id } = await store.createRun(newRun('r1'));
    const all = Uint8Array.from({ length: 100_000 }, (_, index) => index % 256);
    await store.putRunDocument(id, 'packages.json', new Uint8Array([1]));
    await store.putRunDocument(id, 'packages.json', all);
    await store.putRunDocument(id, 'empty', new Uint8Array(0));
    const second = await under.open();
    expect(Buffer.from((await second.readRunDocument(id, 'packages.json'))!).equals(all)).toBe(true);
    expect((await second.readRunDocument(id, 'empty'))?.byteLength).toBe(0);
    expect(await second.readRunDocument(id, 'other')).toBeUndefined();
    await expect(store.putRunDocument(runId('unknown'), 'x', all)).rejects.toMatchObject({
      code: 'unknown-run',
    });
  });

  test('one document of many runs is read at once; runs without it are left out', async () => {
    const { store } = await fresh();
    const ids = ['r1', 'r2', 'r3'].map(runId);
    for (const id of ids) await store.createRun(newRun(id));
    await store.putRunDocument(ids[0]!, 'note', bytes('first'));
    await store.putRunDocument(ids[2]!, 'note', bytes('third'));
    await store.putRunDocument(ids[1]!, 'other', bytes('second'));
    const found = await store.readRunDocuments([...ids, runId('unknown')], 'note');
    expect([...found].map(([id, content]) => [id, text(content)]).sort()).toEqual([
      ['r1', 'first'],
      ['r3', 'third'],
    ]);
    expect((await store.readRunDocuments([], 'note')).size).toBe(0);
  });

  test('runs are counted by pipeline; one that has none left is not listed', async () => {
    const { store } = await fresh();
    expect(await store.countRuns()).toEqual([]);
    await store.createRun(newRun('r1'));
    await store.createRun(newRun('r2', { project: 'another' }));
    await store.createRun(newRun('r3', { pipeline: 'wine' }));
    await store.createRun(newRun('r4', { pipeline: 'wine' }));
    expect(await store.countRuns()).toEqual([
      { project: 'another', pipeline: 'iris', runs: 1 },
      { project: 'examples', pipeline: 'iris', runs: 1 },
      { project: 'examples', pipeline: 'wine', runs: 2 },
    ]);
  });

  test('runs that go on are found among those that ended', async () => {
    const { store } = await fresh();
    await (await Recorder.start(store, newRun('r1'))).end();
    const running = await Recorder.start(store, newRun('r2'));
    await store.createRun(newRun('r3'));
    const open = async (): Promise<readonly string[]> =>
      (await store.findRuns({ status: ['running', 'queued'] })).map(({ id }) => id);
    expect(await open()).toEqual(['r3', 'r2']);
    await running.end();
    expect(await open()).toEqual(['r3']);
  });
}
