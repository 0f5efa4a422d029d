import { stepName, taskId } from '@run-pipeline/core/model';
import type { NewJob, Offers, Resources, Store } from '@run-pipeline/core/ports';
import { expect, test } from 'vitest';
import {
  bytes,
  LEASE_MS,
  newRun,
  newTask,
  OTHER,
  Recorder,
  useStores,
  WORKER,
  type StoreFactory,
} from './harness.js';

const MINUTE = 60_000;

/** Limits of queues, and what jobs need of agents. */
export function limitTests(factory: StoreFactory): void {
  const fresh = useStores(factory);

  async function enqueue(store: Store, id: string, more: Partial<NewJob> = {}): Promise<void> {
    const task = taskId(id);
    await store.createTask(newTask(id));
    const job = await store.enqueueTask({ task, kind: 'task', queue: 'default', priority: 0, ...more });
    expect(job).toMatchObject({ ok: true });
  }
  const claim = (store: Store, id: string, more: { attempt?: number; offers?: Offers } = {}) =>
    store.claimQueued({
      task: taskId(id),
      attempt: 1,
      executor: WORKER,
      agent: 'agent',
      leaseMs: LEASE_MS,
      ...more,
    });
  const fenceOf = async (claimed: ReturnType<typeof claim>): Promise<number> => {
    const answer = await claimed;
    if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
    return answer.fence;
  };
  const finish = (store: Store, id: string, fence: number) =>
    store.finishTask({ task: taskId(id), fence, status: 'completed', artifacts: [] });
  const next = (
    store: Store,
    offers?: Offers,
    more: Partial<Parameters<Store['nextQueued']>[0]> = {},
  ): ReturnType<Store['nextQueued']> =>
    store.nextQueued({
      queues: ['default'],
      order: 'given',
      ...(offers !== undefined && { offers }),
      ...more,
    });
  const nextId = async (...given: Parameters<typeof next>) => (await next(...given)).job?.task;
  const idle = (all: Resources): Offers => ({ all, free: all });
  const nothing = { job: undefined, retryMs: undefined };

  test('limits are set one by one, told with their queue, and taken away', async () => {
    const { under, store } = await fresh();
    const limits = async (name: string) =>
      (await (await under.open()).listQueues()).find((queue) => queue.name === name)?.limits;
    expect(await limits('default')).toEqual({});
    expect(await store.setQueueLimits('gpu', { concurrency: 2 })).toEqual({ concurrency: 2 });
    const rate = { max: 10, perMs: 1_000 };
    expect(await store.setQueueLimits('gpu', { rate })).toEqual({ concurrency: 2, rate });
    expect(await limits('gpu')).toEqual({ concurrency: 2, rate });
    expect(await limits('default')).toEqual({});
    expect(await store.setQueueLimits('gpu', {})).toEqual({ concurrency: 2, rate });
    expect(await store.setQueueLimits('gpu', { concurrency: 0 })).toEqual({ concurrency: 0, rate });
    expect(await store.setQueueLimits('gpu', { concurrency: null })).toEqual({ rate });
    expect(await store.setQueueLimits('gpu', { rate: null })).toEqual({});
    // It was made by its limits, and stays without them.
    expect(await limits('gpu')).toEqual({});
  });

  test('so many of a queue run at once, and one that ends makes room for the next', async () => {
    const { under, store } = await fresh();
    const far = await under.open();
    for (const id of ['a', 'b', 'c', 'd']) await enqueue(store, id);
    await store.setQueueLimits('default', { concurrency: 2 });
    const first = await fenceOf(claim(store, 'a'));
    expect(await nextId(far)).toBe('b');
    const second = await fenceOf(claim(far, 'b'));
    expect(await next(store)).toEqual(nothing);
    expect(await claim(far, 'c')).toEqual({ ok: false, reason: 'limit' });
    // What is refused waits as before.
    expect((await store.listQueued('default')).map(({ task }) => task)).toEqual(['c', 'd']);
    await finish(far, 'b', second);
    expect(await nextId(store)).toBe('c');
    await fenceOf(claim(store, 'c'));
    expect(await claim(store, 'd')).toMatchObject({ reason: 'limit' });
    expect(await store.releaseTask(taskId('a'), first, 'its agent stops')).toBe(true);
    expect(await nextId(store)).toBe('a');
    expect(await claim(store, 'a', { attempt: 2 })).toMatchObject({ ok: true });
  });

  test('an attempt that is lost frees its place when it is recovered, not before', async () => {
    const { under, store } = await fresh();
    for (const id of ['a', 'b']) await enqueue(store, id);
    await store.setQueueLimits('default', { concurrency: 1 });
    await fenceOf(claim(store, 'a'));
    under.advance(LEASE_MS);
    // Its process may still be at it.
    expect(await claim(store, 'b')).toMatchObject({ reason: 'limit' });
    await store.recoverTasks();
    expect(await nextId(store)).toBe('a');
    expect(await claim(store, 'b')).toMatchObject({ ok: true });
  });

  test('a limit of 0 pauses a queue; what runs goes on, and without the limit it goes on as before', async () => {
    const { store } = await fresh();
    for (const id of ['a', 'b']) await enqueue(store, id);
    const fence = await fenceOf(claim(store, 'a'));
    await store.setQueueLimits('default', { concurrency: 0 });
    expect(await next(store)).toEqual(nothing);
    expect(await claim(store, 'b')).toEqual({ ok: false, reason: 'limit' });
    expect(await finish(store, 'a', fence)).toBe(true);
    expect(await next(store)).toEqual(nothing);
    await store.setQueueLimits('default', { concurrency: null });
    expect(await claim(store, 'b')).toMatchObject({ ok: true });
  });

  test('a lower limit takes nothing away from what runs, but lets nothing new begin', async () => {
    const { store } = await fresh();
    for (const id of ['a', 'b', 'c']) await enqueue(store, id);
    const fences = [await fenceOf(claim(store, 'a')), await fenceOf(claim(store, 'b'))];
    await store.setQueueLimits('default', { concurrency: 1 });
    await finish(store, 'a', fences[0]!);
    expect(await claim(store, 'c')).toMatchObject({ reason: 'limit' });
    await finish(store, 'b', fences[1]!);
    expect(await claim(store, 'c')).toMatchObject({ ok: true });
  });

  test('a queue at its limit does not keep an agent from the others, in both orders', async () => {
    const { store } = await fresh();
    for (const queue of ['one', 'two'])
      for (const n of [1, 2]) await enqueue(store, `${queue}${n}`, { queue });
    await store.setQueueLimits('one', { concurrency: 1 });
    await fenceOf(claim(store, 'one1'));
    expect(await claim(store, 'one2')).toMatchObject({ reason: 'limit' });
    const more = { queues: ['one', 'two'] };
    expect(await nextId(store, undefined, { ...more, order: 'given' })).toBe('two1');
    expect(await nextId(store, undefined, { ...more, order: 'fair' })).toBe('two1');
  });

  test('steps and tasks of a queue share its limit, and what no queue gave does not count', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const run = { id: recorder.id, epoch: 1, step: stepName('s'), attempt: 1 };
    await store.enqueueTask({
      task: taskId('r1.s'),
      kind: 'step',
      queue: 'default',
      priority: 0,
      run,
      spec: bytes('spec'),
    });
    await enqueue(store, 'a');
    await store.setQueueLimits('default', { concurrency: 1 });
    await store.createTask(newTask('by hand'));
    await store.startTask({ task: taskId('by hand'), executor: OTHER, leaseMs: LEASE_MS });
    expect(await recorder.claim('here')).toMatchObject({ ok: true });
    await fenceOf(claim(store, 'r1.s'));
    expect(await claim(store, 'a')).toMatchObject({ reason: 'limit' });
  });

  test('so many of a queue are begun in any window of its rate, whether they have ended or not', async () => {
    const { under, store } = await fresh();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await enqueue(store, id);
    await store.setQueueLimits('default', { rate: { max: 2, perMs: MINUTE } });
    await finish(store, 'a', await fenceOf(claim(store, 'a')));
    under.advance(MINUTE / 2);
    await fenceOf(claim(store, 'b'));
    const refused = await claim(store, 'c');
    if (refused.ok) throw new Error('the window is full');
    expect(refused.reason).toBe('limit');
    // `a` leaves the window in half a minute; the clock may have gone on a little meanwhile.
    expect(refused.retryMs).toBeGreaterThan(MINUTE / 2 - 20_000);
    expect(refused.retryMs).toBeLessThanOrEqual(MINUTE / 2);
    const seen = await next(store);
    expect(seen.job).toBeUndefined();
    expect(seen.retryMs).toBeGreaterThan(MINUTE / 2 - 20_000);
    under.advance(seen.retryMs!);
    expect(await nextId(store)).toBe('c');
    await fenceOf(claim(store, 'c'));
    // `b` is still in it.
    expect(await claim(store, 'd')).toMatchObject({ reason: 'limit' });
    under.advance(MINUTE / 2 + 10_000); // a server's clock went on before `b` was begun, too
    await fenceOf(claim(store, 'd'));
    expect(await claim(store, 'e')).toMatchObject({ reason: 'limit' });
  });

  test('an attempt that was handed back counts as begun; who takes it again needs a place in the window', async () => {
    const { under, store } = await fresh();
    await enqueue(store, 'a');
    await store.setQueueLimits('default', { rate: { max: 1, perMs: MINUTE } });
    const fence = await fenceOf(claim(store, 'a'));
    await store.releaseTask(taskId('a'), fence, 'its agent stops');
    expect(await claim(store, 'a', { attempt: 2 })).toMatchObject({ ok: false, reason: 'limit' });
    under.advance(MINUTE);
    expect(await claim(store, 'a', { attempt: 2 })).toMatchObject({ ok: true });
  });

  test('a rate that is raised, lowered or taken away holds from then on', async () => {
    const { under, store } = await fresh();
    for (let n = 0; n < 8; n++) await enqueue(store, `t${n}`);
    await store.setQueueLimits('default', { rate: { max: 2, perMs: MINUTE } });
    for (const id of ['t0', 't1']) await fenceOf(claim(store, id));
    await store.setQueueLimits('default', { rate: { max: 3, perMs: MINUTE } });
    await fenceOf(claim(store, 't2'));
    expect(await claim(store, 't3')).toMatchObject({ reason: 'limit' });
    await store.setQueueLimits('default', { rate: { max: 1, perMs: MINUTE } });
    under.advance(MINUTE - 20_000);
    expect(await claim(store, 't3')).toMatchObject({ reason: 'limit' });
    await store.setQueueLimits('default', { rate: null });
    for (const id of ['t3', 't4', 't5']) await fenceOf(claim(store, id));
    await store.setQueueLimits('default', { rate: { max: 1, perMs: MINUTE } });
    await fenceOf(claim(store, 't6'));
    expect(await claim(store, 't7')).toMatchObject({ reason: 'limit' });
  });

  test('of several queues with rates the one that opens first says when to look again', async () => {
    const { store } = await fresh();
    for (const queue of ['one', 'two', 'idle']) await enqueue(store, `${queue}1`, { queue });
    for (const queue of ['one', 'two']) await enqueue(store, `${queue}2`, { queue });
    await store.setQueueLimits('one', { rate: { max: 1, perMs: 10 * MINUTE } });
    await store.setQueueLimits('two', { rate: { max: 1, perMs: 5 * MINUTE } });
    // Nothing waits there after this: its window is nobody's concern.
    await store.setQueueLimits('idle', { rate: { max: 1, perMs: MINUTE } });
    for (const id of ['one1', 'two1', 'idle1']) await fenceOf(claim(store, id));
    const { job, retryMs } = await next(store, undefined, { queues: ['one', 'two', 'idle'] });
    expect(job).toBeUndefined();
    expect(retryMs).toBeGreaterThan(2 * MINUTE);
    expect(retryMs).toBeLessThanOrEqual(5 * MINUTE);
  });

  test('what a job needs is kept with it, whoever looks and however often it is handed back', async () => {
    const { store } = await fresh();
    await enqueue(store, 'a', { resources: { ram: 0.5, gpu: 1, none: 0 } });
    await enqueue(store, 'b');
    const [a, b] = await store.listQueued('default');
    expect(a?.resources).toEqual({ gpu: 1, ram: 0.5 });
    expect(b?.resources).toEqual({});
    expect((await store.readTask(taskId('a')))?.resources).toEqual({ gpu: 1, ram: 0.5 });
    const claimed = await claim(store, 'a', { offers: idle({ gpu: 1, ram: 16 }) });
    if (!claimed.ok) throw new Error('it fits');
    expect(claimed.job.resources).toEqual({ gpu: 1, ram: 0.5 });
    await store.releaseTask(taskId('a'), claimed.fence, 'its agent stops');
    expect((await next(store)).job?.resources).toEqual({ gpu: 1, ram: 0.5 });
    await store.withdrawTask(taskId('a'), 2);
    await enqueue(store, 'a');
    expect((await store.readTask(taskId('a')))?.resources).toEqual({});
  });

  test('an agent is told, and gets, only what fits in what it has free', async () => {
    const { store } = await fresh();
    await enqueue(store, 'big', { resources: { gpu: 2 } });
    await enqueue(store, 'odd', { resources: { tpu: 1 } });
    await enqueue(store, 'small', { resources: { gpu: 1 } });
    await enqueue(store, 'plain');
    expect(await nextId(store)).toBe('big');
    expect(await nextId(store, idle({}))).toBe('plain');
    expect(await nextId(store, idle({ gpu: 1 }))).toBe('small');
    expect(await nextId(store, idle({ gpu: 2, ram: 8 }))).toBe('big');
    expect(await nextId(store, idle({ tpu: 1 }))).toBe('odd');
    const offers = idle({ gpu: 1 });
    expect(await claim(store, 'big', { offers })).toEqual({ ok: false, reason: 'resources' });
    expect(await claim(store, 'odd', { offers })).toEqual({ ok: false, reason: 'resources' });
    expect(await claim(store, 'small', { offers })).toMatchObject({ ok: true });
    // Who says nothing of what it has is not asked.
    expect(await claim(store, 'big')).toMatchObject({ ok: true });
  });

  test('names that every object has are names of resources like others', async () => {
    const { store } = await fresh();
    await enqueue(store, 'a', { resources: { constructor: 1 } as unknown as Resources });
    expect(await next(store, idle({}))).toEqual(nothing);
    expect(await claim(store, 'a', { offers: idle({}) })).toMatchObject({ reason: 'resources' });
    expect(await nextId(store, idle({ constructor: 1 } as unknown as Resources))).toBe('a');
  });

  test('who waits for what others hold is not overtaken by who needs the same; others go on', async () => {
    const { store } = await fresh();
    await enqueue(store, 'big', { resources: { gpu: 2 } });
    await enqueue(store, 'small', { resources: { gpu: 1 } });
    await enqueue(store, 'elsewhere', { queue: 'other', resources: { gpu: 1 } });
    await enqueue(store, 'plain', { queue: 'other', resources: { ram: 1 } });
    const all = { gpu: 2, ram: 8 };
    const busy = { all, free: { gpu: 1, ram: 8 } };
    const both = { queues: ['default', 'other'] };
    expect(await next(store, busy)).toEqual(nothing);
    expect(await nextId(store, busy, both)).toBe('plain');
    expect(await nextId(store, idle(all), both)).toBe('big');
    // It will never get two: nobody waits for that.
    expect(await nextId(store, idle({ gpu: 1, ram: 8 }), both)).toBe('small');
  });

  test('the order of a queue holds over all needs and kinds', async () => {
    const { store } = await fresh();
    await enqueue(store, 'a', { resources: { gpu: 1 } });
    await enqueue(store, 'b');
    await enqueue(store, 'c', { resources: { gpu: 1 }, priority: 5 });
    await enqueue(store, 'd', { priority: 5 });
    await enqueue(store, 'e', { resources: { ram: 1 }, priority: 9 });
    await enqueue(store, 'f', { resources: { gpu: 1 } });
    const offers = idle({ gpu: 1 });
    const taken: (string | undefined)[] = [];
    for (let job = await next(store, offers); job.job !== undefined; job = await next(store, offers)) {
      await finish(store, job.job.task, await fenceOf(claim(store, job.job.task, { offers })));
      taken.push(job.job.task);
    }
    expect(taken).toEqual(['c', 'd', 'a', 'b', 'f']);
  });

  test('eight claimers in two processes never exceed the limit of a queue, and take all of it', async () => {
    const { store, under } = await fresh();
    await store.setQueueLimits('default', { concurrency: 3 });
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id) => enqueue(store, id)));
    const job = { kind: 'claim-limited', queue: 'default', claimers: 4, limit: 3 } as const;
    const ends = await Promise.all([under.process(job), under.process(job)]);
    for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '' });
    const claimed = ends.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
    expect([...claimed].sort()).toEqual([...ids].sort());
  });

  test('eight claimers in two processes begin no more than the rate of a queue allows', async () => {
    const { store, under } = await fresh();
    await store.setQueueLimits('default', { rate: { max: 7, perMs: 60 * MINUTE } });
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id) => enqueue(store, id)));
    const job = { kind: 'claim-jobs', queue: 'default', claimers: 4 } as const;
    const ends = await Promise.all([under.process(job), under.process(job)]);
    for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(ends.flatMap(({ stdout }) => JSON.parse(stdout) as unknown[])).toHaveLength(7);
    expect(await store.listQueued('default')).toHaveLength(33);
  });
}
