import { runId, stepName } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import {
  large,
  newRun,
  printOf,
  Recorder,
  recordOf,
  small,
  text,
  useStores,
  type StoreFactory,
} from './harness.js';

export function cacheTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  test('an entry comes back as it was kept, with its age by the clock of the store', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const report = { kind: 'scalar', title: 'loss', series: 'train', value: 0.5, iteration: 3 } as const;
    const artifacts = [small('rows', 'few'), large('model', 'many')];
    await recorder.complete('train', artifacts, {
      cacheEntry: {
        fingerprint: printOf('train'),
        project: 'examples',
        pipeline: 'iris',
        step: stepName('train'),
        task: 't1' as never,
        artifacts,
        reports: [report],
        durationMs: 12.5,
      },
    });
    under.advance(5000);
    const entry = await store.findCacheEntry(printOf('train'));
    expect(entry).toMatchObject({
      fingerprint: printOf('train'),
      project: 'examples',
      pipeline: 'iris',
      step: 'train',
      run: 'r1',
      task: 't1',
      reports: [report],
      durationMs: 12.5,
      // A server's clock goes on meanwhile.
      ageMs: expect.toSatisfy((age: number) => age >= 5000 && age < 60_000) as number,
    });
    expect(entry?.artifacts.map(({ record }) => record)).toEqual(artifacts.map(({ record }) => record));
    expect(entry?.artifacts.map(({ inline }) => text(inline))).toEqual(['few', undefined]);
  });

  test('entries are found many at once; unknown ones are absent', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await Promise.all([recorder.complete('a', [small('result', 'a')]), recorder.complete('b', [])]);
    const found = await store.findCacheEntries(['a', 'b', 'c'].map(printOf));
    expect([...found.keys()].sort()).toEqual([printOf('a'), printOf('b')].sort());
    expect(await store.findCacheEntries([])).toEqual(new Map());
  });

  test('a newer execution replaces the entry, and dropping it makes a miss', async () => {
    const { store } = await fresh();
    const first = await Recorder.start(store, newRun('r1'));
    await first.complete('a', [small('result', 'old')]);
    const second = await Recorder.start(store, newRun('r2'));
    await second.complete('a', [small('result', 'new')]);
    const entry = await store.findCacheEntry(printOf('a'));
    expect(entry?.run).toBe('r2');
    expect(entry?.artifacts.map(({ inline }) => text(inline))).toEqual(['new']);
    await store.dropCacheEntry(printOf('a'));
    expect(await store.findCacheEntry(printOf('a'))).toBeUndefined();
    await store.dropCacheEntry(printOf('a'));
  });

  test("artifacts of an entry's reports are pinned with it", async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const plot = recordOf('plot', 'pixels', 50_000);
    await recorder.complete('a', [], {
      cacheEntry: {
        fingerprint: printOf('a'),
        project: 'examples',
        pipeline: 'iris',
        step: stepName('a'),
        task: 't1' as never,
        artifacts: [],
        reports: [{ kind: 'image', title: 't', series: 's', iteration: 0, artifact: plot }],
        durationMs: 1,
      },
    });
    expect(await store.pinned([plot.hash])).toEqual(new Set([plot.hash]));
  });

  const dependencies = Array.from({ length: 20 }, (_, index): PreimagePart => ({
    kind: 'dependency',
    name: `dep${index}`,
    hash: `h${index}`,
    shown: `1.0.${index}`,
  }));
  const partsOf = (step: string): readonly PreimagePart[] => [
    { kind: 'format', name: 'format', hash: '1' },
    { kind: 'symbol', name: step, hash: `code of ${step}`, where: 'pipe.ts:5' },
    ...dependencies,
    { kind: 'input', name: 'rows', hash: 'sha256:…', shown: '[1, 2]', where: 'load' },
  ];
  const preimage = (step: string, version = '1') => ({
    step: stepName(step),
    fingerprint: printOf(step + version),
    parts: partsOf(step + version),
  });

  test('what a fingerprint was made of is read back in its order', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await recorder.commit([], { preimages: [preimage('a'), preimage('b')] });
    const row = await store.readPreimage(recorder.id, stepName('b'));
    expect(row).toEqual({ run: 'r1', step: 'b', fingerprint: printOf('b1'), parts: partsOf('b1') });
    expect(await store.readPreimage(recorder.id, stepName('c'))).toBeUndefined();
    expect(await store.readPreimage(runId('unknown'), stepName('a'))).toBeUndefined();
  });

  test('the latest preimage of each step is that of the newest run that has one', async () => {
    const { store } = await fresh();
    const pipeline = { project: 'examples', pipeline: 'iris' };
    const r1 = await Recorder.start(store, newRun('r1'));
    await r1.commit([], { preimages: [preimage('a'), preimage('b'), preimage('old')] });
    const r2 = await Recorder.start(store, newRun('r2'));
    await r2.commit([], { preimages: [preimage('a', '2'), preimage('b')] });
    const foreign = await Recorder.start(store, newRun('r3', { project: 'elsewhere' }));
    await foreign.commit([], { preimages: [preimage('a', '3')] });
    const r4 = await Recorder.start(store, newRun('r4'));
    await r4.commit([], { preimages: [preimage('a', '4')] });

    const shown = async (beforeRun?: string): Promise<Record<string, string>> => {
      const rows = await store.latestPreimages({
        ...pipeline,
        ...(beforeRun !== undefined && { beforeRun: runId(beforeRun) }),
      });
      return Object.fromEntries(
        [...rows].map(([step, { run, parts }]) => [step, `${run}: ${parts[1]?.hash}`]),
      );
    };
    expect(await shown()).toEqual({ a: 'r4: code of a4', b: 'r2: code of b1', old: 'r1: code of old1' });
    expect(await shown('r4')).toEqual({ a: 'r2: code of a2', b: 'r2: code of b1', old: 'r1: code of old1' });
    expect(await shown('r2')).toEqual({ a: 'r1: code of a1', b: 'r1: code of b1', old: 'r1: code of old1' });
    expect(await shown('r1')).toEqual({});
    const one = await store.latestPreimage({ ...pipeline, step: 'a', beforeRun: runId('r4') });
    expect(one).toMatchObject({ run: 'r2', step: 'a', fingerprint: printOf('a2') });
    expect(one?.parts).toEqual(partsOf('a2'));
    expect(await store.latestPreimage({ ...pipeline, step: 'none' })).toBeUndefined();
    expect(await store.latestPreimages({ project: 'nowhere', pipeline: 'iris' })).toEqual(new Map());
  });

  test('the preimage of a cache entry outlives the run that made both', async () => {
    const { store } = await fresh();
    const r1 = await Recorder.start(store, newRun('r1'));
    const kept = { ...preimage('a'), fingerprint: printOf('a') };
    await r1.complete('a', [small('result', 'x')], { preimages: [kept, preimage('uncached')] });
    await r1.end();
    const collected = await store.collect({ keepRuns: 0, dryRun: false });
    expect(collected.runs).toEqual(['r1']);
    const rows = await store.latestPreimages({ project: 'examples', pipeline: 'iris' });
    expect([...rows.keys()]).toEqual(['a']);
    expect(rows.get('a')?.parts).toEqual(partsOf('a1'));
  });
}
