import { runId, stepName, taskId } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import {
  LEASE_MS,
  newRun,
  OTHER,
  OWNER,
  printOf,
  Recorder,
  stepEnd,
  useStores,
  WORKER,
  type StoreFactory,
  SPARE_MS,
} from './harness.js';

export function taskTests(factory: StoreFactory): void {
  const fresh = useStores(factory);
  const fenceOf = (claim: Awaited<ReturnType<Recorder['claim']>>): number => {
    if (!claim.ok) throw new Error(`held by ${claim.holder.pid}`);
    return claim.fence;
  };

  test('a claimed task tells its executor, process group included', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const fence = fenceOf(await recorder.claim('a', 2));
    const row = {
      task: taskId('r1.a'),
      run: 'r1',
      step: 'a',
      attempt: 2,
      fence,
      status: 'running',
      executor: WORKER,
      leaseExpired: false,
    };
    expect(await store.getTask(taskId('r1.a'))).toEqual(row);
    expect(await store.listTasks({ run: recorder.id, status: ['running'] })).toEqual([row]);
    expect(await store.listTasks({ status: ['completed', 'failed'] })).toEqual([]);
    expect(await store.listTasks({ run: runId('other') })).toEqual([]);
    expect(await store.getTask(taskId('unknown'))).toBeUndefined();
  });

  test('while a lease lives nobody else gets the task; two that claim at once: one', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const second = new Recorder(await under.open(), { id: recorder.id, epoch: 1, lastSeq: 0 });
    const claims = await Promise.all([recorder.claim('a'), second.claim('a', 1, OTHER), recorder.claim('a')]);
    expect(claims.filter(({ ok }) => ok)).toHaveLength(1);
    const holder = (await store.getTask(taskId('r1.a')))!.executor;
    for (const claim of claims) if (!claim.ok) expect(claim.holder).toEqual(holder);
  });

  test('an expired lease is given out again with a higher fence, and the old holder is done', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const old = fenceOf(await recorder.claim('a'));
    under.advance(LEASE_MS - SPARE_MS);
    expect(await store.heartbeatTask(taskId('r1.a'), old, LEASE_MS)).toBe(true);
    under.advance(LEASE_MS - SPARE_MS);
    expect((await recorder.claim('a', 2)).ok).toBe(false);
    under.advance(SPARE_MS);
    expect((await store.getTask(taskId('r1.a')))?.leaseExpired).toBe(true);
    const current = fenceOf(await recorder.claim('a', 2, OTHER));
    expect(current).toBeGreaterThan(old);
    expect(await store.heartbeatTask(taskId('r1.a'), old, LEASE_MS)).toBe(false);
    const late = await recorder.commit([stepEnd('a')], {
      finish: { task: taskId('r1.a'), fence: old, status: 'completed' },
    });
    expect(late).toMatchObject({ ok: false, reason: 'stale-fence' });
  });

  test('whoever still holds the newest fence may finish although its lease ran out', async () => {
    const { store, under } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const fence = fenceOf(await recorder.claim('a'));
    under.advance(LEASE_MS * 2);
    const result = await recorder.commit([stepEnd('a')], {
      finish: { task: taskId('r1.a'), fence, status: 'completed' },
    });
    expect(result).toEqual({ ok: true });
    expect(await store.heartbeatTask(taskId('r1.a'), fence, LEASE_MS)).toBe(false);
  });

  test('a failed attempt is claimed again at once, a completed task never', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const task = taskId('r1.a');
    const error = { name: 'Error', message: 'boom' };
    await recorder.commit([], {
      finish: { task, fence: fenceOf(await recorder.claim('a')), status: 'failed', error },
    });
    expect((await store.getTask(task))?.status).toBe('failed');
    await recorder.commit([], {
      finish: { task, fence: fenceOf(await recorder.claim('a', 2)), status: 'completed' },
    });
    expect((await recorder.claim('a', 3)).ok).toBe(false);
    expect((await store.getTask(task))?.status).toBe('completed');
  });

  test('a new epoch of the run takes over what its predecessor held; the predecessor gets nothing', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const old = fenceOf(await recorder.claim('a'));
    await store.takeRun(recorder.id, { expectedEpoch: 1, owner: OTHER });
    expect(await recorder.claim('b')).toEqual({ ok: false, holder: OTHER });
    recorder.epoch = 2;
    expect(fenceOf(await recorder.claim('a', 2))).toBeGreaterThan(old);
    expect((await recorder.claim('a', 3)).ok).toBe(false);
  });

  test('fences rise over the whole store, also when many are given in one tick', async () => {
    const { store, under } = await fresh();
    const a = await Recorder.start(store, newRun('a'));
    const b = new Recorder(await under.open(), await store.createRun(newRun('b')));
    const claims = await Promise.all(['1', '2', '3'].flatMap((step) => [a.claim(step), b.claim(step)]));
    const fences = claims.map(fenceOf);
    expect(new Set(fences).size).toBe(6);
    expect(fenceOf(await a.claim('last'))).toBeGreaterThan(Math.max(...fences));
  });

  test('of two that want the same fingerprint one executes; the other learns who', async () => {
    const { store, under } = await fresh();
    const second = await under.open();
    const print = printOf('train');
    const holder = (run: string) => ({
      run: runId(run),
      step: stepName('train'),
      owner: OWNER,
      leaseMs: LEASE_MS,
    });
    expect(await store.claimFingerprint(print, holder('r1'))).toEqual({ ok: true });
    expect(await second.claimFingerprint(print, holder('r2'))).toEqual({
      ok: false,
      run: 'r1',
      step: 'train',
      owner: OWNER,
    });
    expect(await store.claimFingerprint(print, { ...holder('r1'), step: stepName('other') })).toMatchObject({
      ok: false,
    });
    await second.releaseFingerprint(print, runId('r2'), OWNER);
    expect((await second.claimFingerprint(print, holder('r2'))).ok).toBe(false);
    under.advance(LEASE_MS - SPARE_MS);
    await store.heartbeatFingerprints(runId('r1'), LEASE_MS);
    under.advance(LEASE_MS - SPARE_MS);
    expect((await second.claimFingerprint(print, holder('r2'))).ok).toBe(false);
    under.advance(SPARE_MS);
    expect(await second.claimFingerprint(print, holder('r2'))).toEqual({ ok: true });
    await second.releaseFingerprint(print, runId('r2'), OWNER);
    expect(await store.claimFingerprint(print, holder('r1'))).toEqual({ ok: true });
  });

  test('whoever takes a run over finds none of its fingerprints claimed by the process before', async () => {
    const { store } = await fresh();
    const { id } = await store.createRun(newRun('r1'));
    const claim = (step: string) =>
      store.claimFingerprint(printOf('train'), {
        run: id,
        step: stepName(step),
        owner: OWNER,
        leaseMs: LEASE_MS,
      });
    expect((await claim('train')).ok).toBe(true);
    expect((await claim('train_1')).ok).toBe(false);
    expect((await store.takeRun(id, { expectedEpoch: 1, owner: OTHER })).ok).toBe(true);
    expect((await claim('train_1')).ok).toBe(true);
    // The process before may still be there, and end its step.
    await store.releaseFingerprint(printOf('train'), id, OTHER);
    expect((await claim('train')).ok).toBe(false);
    await store.releaseFingerprint(printOf('train'), id, OWNER);
    expect((await claim('train')).ok).toBe(true);
  });
}
