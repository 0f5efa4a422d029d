import { runId, stepName, taskId } from '@run-pipeline/core/model';
import { setImmediate as nextTick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  bytes,
  hashOf,
  large,
  newRun,
  OTHER,
  Recorder,
  recordOf,
  small,
  stepEnd,
  stepLog,
  stepStart,
  text,
  useStores,
  type StoreFactory,
} from './harness.js';

export function commitTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  test('events come back as they were committed, to every connection', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const odd = 'nul \u0000, lone \ud800, 🌍, "quotes", \n, __proto__';
    const events = [
      recorder.event(stepStart('score[0]')),
      recorder.event(stepLog('score[0]', odd)),
      recorder.event({
        ...(stepEnd('score[0]') as object),
        error: JSON.parse('{"name":"E","message":"m","__proto__":1}'),
      } as never),
    ];
    expect(await store.commit({ run: recorder.id, epoch: 1, events })).toEqual({ ok: true });
    const second = await under.open();
    expect((await second.readEvents(recorder.id)).slice(1)).toEqual(events);
    expect(await second.readEvents(runId('unknown'))).toEqual([]);
  });

  test('events are read by step, type, position and number', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const step of ['a', 'b']) {
      await recorder.commit([stepStart(step), stepLog(step, '1'), stepLog(step, '2'), stepEnd(step)]);
    }
    const seqs = async (query: Parameters<typeof store.readEvents>[1]): Promise<readonly number[]> =>
      (await store.readEvents(recorder.id, query)).map(({ seq }) => seq);
    expect(await seqs({ step: stepName('b') })).toEqual([5, 6, 7, 8]);
    expect(await seqs({ types: ['step.end', 'run.start'] })).toEqual([0, 4, 8]);
    expect(await seqs({ step: stepName('a'), types: ['step.log'] })).toEqual([2, 3]);
    expect(await seqs({ step: stepName('a'), types: ['step.log'], afterSeq: 2 })).toEqual([3]);
    expect(await seqs({ types: ['step.log', 'step.end'], afterSeq: 3, limit: 2 })).toEqual([4, 6]);
    expect(await seqs({ afterSeq: 6, limit: 1 })).toEqual([7]);
    expect(await seqs({ types: [] })).toEqual([]);
  });

  test('a commit with an older epoch changes nothing', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    const result = await recorder.complete('a', [small('result', 'x')]);
    expect(result).toMatchObject({ ok: false, reason: 'stale-epoch' });
    expect(await store.readEvents(recorder.id)).toHaveLength(1);
    expect(await store.readValue(hashOf('x'))).toBeUndefined();
    expect((await store.getRun(recorder.id))?.lastSeq).toBe(0);
  });

  test('an outcome with an older fence changes nothing', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const old = await recorder.claim('a');
    recorder.epoch = 2;
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    const current = await recorder.claim('a', 2);
    if (!old.ok || !current.ok) throw new Error('both claims succeed');
    const finish = { task: taskId(`${recorder.id}.a`), status: 'completed' as const };
    const refused = await recorder.complete('a', [small('result', 'old')], {
      finish: { ...finish, fence: old.fence },
    });
    expect(refused).toMatchObject({ ok: false, reason: 'stale-fence' });
    expect(await store.readArtifacts(recorder.id, stepName('a'))).toEqual([]);
    expect(await store.readValue(hashOf('old'))).toBeUndefined();
    recorder.seq--;
    const taken = await recorder.complete('a', [small('result', 'new')], {
      finish: { ...finish, fence: current.fence },
    });
    expect(taken).toEqual({ ok: true });
    expect(await store.getTask(finish.task)).toMatchObject({ status: 'completed', attempt: 2 });
    recorder.seq = (await store.getRun(recorder.id))!.lastSeq + 1;
    const again = await recorder.commit([stepEnd('a')], { finish: { ...finish, fence: current.fence } });
    expect(again).toMatchObject({ ok: false, reason: 'stale-fence' });
  });

  test('a sequence number that does not follow is a bug: it throws and changes nothing', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    for (const wrong of [0, 2, -1]) {
      recorder.seq = wrong;
      await expect(
        recorder.commit([stepStart('a')], { values: [{ hash: hashOf('v'), bytes: bytes('v') }] }),
      ).rejects.toThrow('seq');
    }
    expect(await store.readEvents(recorder.id)).toHaveLength(1);
    expect(await store.readValue(hashOf('v'))).toBeUndefined();
    const foreign = { ...recorder.event(stepStart('a')), seq: 1, run: runId('r2') };
    await expect(store.commit({ run: recorder.id, epoch: 1, events: [foreign] })).rejects.toThrow('r2');
  });

  test('a commit to a run that does not exist is an error', async () => {
    const { store } = await fresh();
    await expect(store.commit({ run: runId('no'), epoch: 1, events: [] })).rejects.toMatchObject({
      kind: 'store',
      code: 'unknown-run',
    });
  });

  test('of many commits of one tick only the refused ones change nothing', async () => {
    const { store } = await fresh();
    const a = await Recorder.start(store, newRun('a'));
    const b = await Recorder.start(store, newRun('b'));
    await store.takeRun(b.id, { expectedEpoch: 1, owner: OTHER });
    const gap = { ...b.event(stepStart('gap')), seq: 9 };
    const c = await Recorder.start(store, newRun('c'));
    // Fails when it is made to text, after other parts of it were fine.
    const unwritable = c.commit([stepStart('s1'), stepStart('s2', 1n as never)], {
      values: [{ hash: hashOf('half'), bytes: bytes('half') }],
    });
    const results = await Promise.allSettled([
      a.commit([stepStart('s1')]),
      b.commit([stepStart('s1')], { values: [{ hash: hashOf('stale'), bytes: bytes('stale') }] }),
      store.commit({ run: b.id, epoch: 2, events: [gap] }),
      store.commit({ run: runId('none'), epoch: 1, events: [] }),
      store.createRun(newRun('a')),
      unwritable,
      a.commit([stepStart('s2')]),
      a.complete('s1', [small('result', 'fine')]),
    ]);
    const shown = results.map((result) =>
      result.status === 'fulfilled' && 'ok' in result.value ? result.value.ok : result.status,
    );
    expect(shown).toEqual([true, false, 'rejected', 'rejected', 'rejected', 'rejected', true, true]);
    expect((await store.readEvents(a.id)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
    expect(await store.readEvents(b.id)).toHaveLength(1);
    expect(await store.readEvents(c.id)).toHaveLength(1);
    expect(await store.readValue(hashOf('half'))).toBeUndefined();
    expect(await store.readValue(hashOf('stale'))).toBeUndefined();
    expect(text(await store.readValue(hashOf('fine')))).toBe('fine');
  });

  test('everything of a commit becomes visible to another connection together', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const second = await under.open();
    let writing = true;
    const written = (async () => {
      for (let index = 0; index < 40; index++)
        await recorder.complete(`s${index}`, [small('result', `value ${index}`)]);
      writing = false;
    })();
    let looked = 0;
    while (writing || looked === 0) {
      const before = await second.readEvents(recorder.id, { types: ['step.end'] });
      const last = before.at(-1);
      if (last?.type === 'step.end') {
        const [artifact] = await second.readArtifacts(recorder.id, last.step);
        expect(artifact?.record).toEqual(last.artifacts[0]);
        expect(text(artifact?.inline)).toBe(`value ${before.length - 1}`);
        expect((await second.getRun(recorder.id))!.lastSeq).toBeGreaterThanOrEqual(last.seq);
      }
      looked++;
      await nextTick();
    }
    await written;
  });

  test('artifacts are read back in their order, small ones with their bytes', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const artifacts = [
      small('z_first', 'same'),
      small('empty', ''),
      large('model', 'many bytes'),
      small('copy', 'same'),
    ];
    await recorder.complete('a', artifacts);
    const read = await store.readArtifacts(recorder.id, stepName('a'));
    expect(read.map(({ record }) => record)).toEqual(artifacts.map(({ record }) => record));
    expect(read.map(({ inline }) => text(inline))).toEqual(['same', '', undefined, 'same']);
    expect(await store.readArtifacts(recorder.id, stepName('b'))).toEqual([]);
  });

  test('artifacts committed apart from their step.end are kept with their whole record', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const artifact = small('plot', 'x');
    await recorder.commit([stepStart('a')], { artifacts: [{ step: stepName('a'), artifact }] });
    expect((await store.readArtifacts(recorder.id, stepName('a')))[0]?.record).toEqual(artifact.record);
  });

  test('content is described as it was produced last, wherever that was', async () => {
    const { store } = await fresh();
    const first = await Recorder.start(store, newRun('r1'));
    await first.complete('a', [small('first', 'same'), small('other', 'else')]);
    const second = await Recorder.start(store, newRun('r2'));
    await second.complete('b', [small('second', 'same')]);
    expect(await store.describeArtifact(hashOf('same'))).toEqual(small('second', 'same').record);
    expect(await store.describeArtifact(hashOf('else'))).toEqual(small('other', 'else').record);
    expect(await store.describeArtifact(hashOf('none'))).toBeUndefined();
    const apart = small('plot', 'apart');
    await second.commit([stepStart('c')], { artifacts: [{ step: stepName('c'), artifact: apart }] });
    expect(await store.describeArtifact(hashOf('apart'))).toEqual(apart.record);
  });

  test('an artifact of a later attempt replaces the one of that name', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    await recorder.complete('a', [small('result', 'first')]);
    await recorder.complete('a', [small('result', 'second')]);
    expect((await store.readArtifacts(recorder.id, stepName('a'))).map(({ inline }) => text(inline))).toEqual(
      ['second'],
    );
  });

  test('small values are kept once and read by hash, many at once', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const values = ['one', 'two', ''].map((value) => ({ hash: hashOf(value), bytes: bytes(value) }));
    await recorder.commit([], { values });
    await recorder.commit([], { values });
    const read = await store.readValues([hashOf('two'), hashOf('absent'), hashOf('')]);
    expect([...read].map(([hash, value]) => [hash, text(value)]).sort()).toEqual(
      [
        [hashOf('two'), 'two'],
        [hashOf(''), ''],
      ].sort(),
    );
    expect(await store.readValue(hashOf('absent'))).toBeUndefined();
  });

  test('a hit whose large artifact was collected is refused as a whole and names what is missing', async () => {
    const { store } = await fresh();
    const first = await Recorder.start(store, newRun('r1'));
    await first.complete('a', [large('model', 'bytes')]);
    await first.end();
    const found = await store.findCacheEntry((await store.readEvents(first.id), first).id as never);
    expect(found).toBeUndefined();
    const second = await Recorder.start(store, newRun('r2'));
    expect(await second.hit('a', [large('model', 'bytes')])).toEqual({ ok: true });
    const result = await second.commit([stepEnd('b', [], 'cached')], {
      artifacts: [
        { step: stepName('b'), artifact: large('gone', 'never stored') },
        { step: stepName('b'), artifact: small('fine', 'inline') },
      ],
      hits: [{ step: stepName('b'), fingerprint: hashOf('b') as never }],
      values: [{ hash: hashOf('with it'), bytes: bytes('with it') }],
    });
    expect(result).toMatchObject({
      ok: false,
      reason: 'missing-blob',
      hash: hashOf('never stored'),
      missing: [{ step: 'b', hash: hashOf('never stored') }],
    });
    expect(await store.readValue(hashOf('with it'))).toBeUndefined();
    expect(await store.readArtifacts(second.id, stepName('b'))).toEqual([]);
    expect(await store.readEvents(second.id)).toHaveLength(2);
  });

  test('a report of a hit needs its artifact to be there, too', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const report = {
      kind: 'image',
      title: 't',
      series: 's',
      iteration: 0,
      artifact: recordOf('plot', 'pixels', 50_000),
    } as const;
    const event = { type: 'step.report', step: stepName('a'), attempt: 0, report } as const;
    const hits = [{ step: stepName('a'), fingerprint: hashOf('a') as never }];
    const refused = await recorder.commit([event], { hits });
    expect(refused).toMatchObject({ ok: false, reason: 'missing-blob', hash: hashOf('pixels') });
    recorder.seq--;
    expect(await recorder.commit([event])).toEqual({ ok: true });
    expect(await recorder.commit([event], { hits })).toEqual({ ok: true });
    expect(await store.pinned([hashOf('pixels')])).toEqual(new Set([hashOf('pixels')]));
  });

  test('the change counter moves with every commit, own or foreign, and not otherwise', async () => {
    const { store, under } = await fresh();
    const second = await under.open();
    const before = await second.changeCounter();
    expect(await second.changeCounter()).toBe(before);
    const recorder = await Recorder.start(store, newRun('r1'));
    const foreign = await second.changeCounter();
    expect(foreign).not.toBe(before);
    const own = await store.changeCounter();
    await recorder.commit([stepStart('a')]);
    expect(await store.changeCounter()).not.toBe(own);
    expect(await second.changeCounter()).not.toBe(foreign);
  });

  test('closing waits for what was submitted; later calls say that the store is closed', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const pending = recorder.commit([stepStart('a')]);
    await store.close();
    expect(await pending).toEqual({ ok: true });
    await expect(store.getRun(recorder.id)).rejects.toMatchObject({ code: 'store-closed' });
    await expect(recorder.commit([stepStart('b')])).rejects.toMatchObject({ code: 'store-closed' });
    await store.close();
    const second = await under.open();
    expect(await second.readEvents(recorder.id)).toHaveLength(2);
  });

  test('the secret key is 32 bytes, made once, the same for every connection', async () => {
    const { store, under } = await fresh();
    const second = await under.open();
    const keys = await Promise.all([store.secretKey(), second.secretKey(), store.secretKey()]);
    expect(keys[0]?.byteLength).toBe(32);
    for (const key of keys) expect(Buffer.compare(key, keys[0]!)).toBe(0);
    expect(keys[0]!.some((byte) => byte !== 0)).toBe(true);
  });
}
