import { taskId } from '@run-pipeline/core/model';
import type { JobKind, NewJob, Offers, Settlement, Store, TaskQueue } from '@run-pipeline/core/ports';
import { afterEach, describe, expect, test } from 'vitest';
import { LEASE_MS, newTask, WORKER } from './store/fixtures.js';

/** One empty queue over an empty store. */
export interface QueueUnderTest {
  /** A store and a queue as a process of its own would have them. Closed by `dispose`. */
  open(): Promise<{ readonly store: Store; readonly queue: TaskQueue }>;
  /** Moves the clock of all stores opened here. */
  advance(ms: number): void;
  dispose(): Promise<void>;
}

/**
 * What every implementation of the `TaskQueue` port has to keep. The store says what is queued; a
 * queue may tell a job more than once or too late, since the claim decides.
 */
export function taskQueueConformance(name: string, factory: () => Promise<QueueUnderTest>): void {
  describe(`${name}: tasks that wait`, () => queueTests(factory));
}

type Taken = Awaited<ReturnType<TaskQueue['take']>>;
type Side = Awaited<ReturnType<QueueUnderTest['open']>>;

const settlementOf = (claimed: Awaited<ReturnType<Store['claimQueued']>>): Settlement =>
  claimed.ok ? 'claimed' : claimed.reason === 'gone' ? 'gone' : 'later';

function queueTests(factory: () => Promise<QueueUnderTest>): void {
  const made: QueueUnderTest[] = [];
  const controllers: AbortController[] = [];
  afterEach(async () => {
    for (const controller of controllers.splice(0)) controller.abort();
    await Promise.all(made.splice(0).map((under) => under.dispose()));
  });
  async function fresh(): Promise<{
    readonly under: QueueUnderTest;
    readonly near: Side;
    readonly far: Side;
  }> {
    const under = await factory();
    made.push(under);
    return { under, near: await under.open(), far: await under.open() };
  }

  const pushed = (id: string, more: Partial<NewJob>, attempt: number) => ({
    task: taskId(id),
    attempt,
    kind: more.kind ?? 'task',
    queue: more.queue ?? 'default',
    priority: more.priority ?? 0,
    resources: more.resources ?? {},
  });
  /** As the store and the queue are used together: first the one, then the other. */
  async function enqueue({ store, queue }: Side, id: string, more: Partial<NewJob> = {}): Promise<void> {
    const task = taskId(id);
    await store.createTask(newTask(id));
    const job = await store.enqueueTask({ task, kind: 'task', queue: 'default', priority: 0, ...more });
    if (!job.ok) throw new Error(`${id} cannot be queued: ${job.reason}`);
    await queue.push(pushed(id, more, job.attempt));
  }
  const never = (): AbortSignal => {
    const controller = new AbortController();
    controllers.push(controller);
    return controller.signal;
  };
  const take = ({ queue }: Side, options: Partial<Parameters<TaskQueue['take']>[0]> = {}): Promise<Taken> =>
    queue.take({ queues: ['default'], order: 'given', signal: never(), ...options });
  const claim = ({ store }: Side, job: NonNullable<Taken>, offers?: Offers) =>
    store.claimQueued({
      task: job.task,
      attempt: job.attempt,
      queue: job.queue,
      ...(offers !== undefined && { offers }),
      executor: WORKER,
      agent: 'agent',
      leaseMs: LEASE_MS,
    });
  /** Until one can be claimed, as an agent does. */
  async function next(side: Side, options: Partial<Parameters<TaskQueue['take']>[0]> = {}) {
    for (;;) {
      const job = await take(side, options);
      if (job === undefined) return undefined;
      const claimed = await claim(side, job, options.offers);
      await job.settle(settlementOf(claimed), claimed.ok ? undefined : claimed.retryMs);
      if (claimed.ok) return { ...job, fence: claimed.fence };
    }
  }

  test('a job that is there is told, to whoever asks first', async () => {
    const { near, far } = await fresh();
    await enqueue(near, 't1', { priority: 3 });
    expect(await take(far)).toMatchObject({ task: 't1', attempt: 1, kind: 'task', queue: 'default' });
  });

  test('who waits is told of a job that comes, from here and from elsewhere', async () => {
    const { near, far } = await fresh();
    for (const [id, from] of [
      ['t1', near],
      ['t2', far],
    ] as const) {
      const waiting = next(near);
      await enqueue(from, id);
      expect(await waiting).toMatchObject({ task: id });
    }
  });

  test('a signal ends the waiting with nothing, also one that was aborted before; jobs stay', async () => {
    const { near, far } = await fresh();
    const controller = new AbortController();
    const waiting = take(near, { signal: controller.signal });
    const other = next(near);
    controller.abort();
    expect(await waiting).toBeUndefined();
    expect(await take(near, { signal: controller.signal })).toBeUndefined();
    await enqueue(far, 't1');
    expect(await take(near, { signal: AbortSignal.abort() })).toBeUndefined();
    expect(await other).toMatchObject({ task: 't1' });
  });

  test('a queue that is closed tells nothing any more, and ends who waits', async () => {
    const { near, far } = await fresh();
    const waiting = take(near);
    await near.queue.close();
    expect(await waiting).toBeUndefined();
    await enqueue(far, 't1');
    expect(await take(near)).toBeUndefined();
    expect(await next(far)).toMatchObject({ task: 't1' });
    await near.queue.close();
  });

  test('in a queue by priority, then in the order in which they came', async () => {
    const { near, far } = await fresh();
    for (const [id, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', 5],
    ] as const)
      await enqueue(near, id, { priority });
    const taken: (string | undefined)[] = [];
    for (let count = 0; count < 4; count++) taken.push((await next(far))?.task);
    expect(taken).toEqual(['b', 'd', 'a', 'c']);
  });

  test('of several queues in the given order, or in turn; never of another one', async () => {
    const { near, far } = await fresh();
    const fill = async (generation: number) => {
      for (const queue of ['one', 'two', 'other'])
        for (const place of [1, 2]) await enqueue(near, `${queue}${place}-${generation}`, { queue });
    };
    const drain = async (order: 'given' | 'fair') => {
      const taken: string[] = [];
      for (let count = 0; count < 4; count++)
        taken.push((await next(far, { queues: ['two', 'one'], order }))!.task);
      return taken;
    };
    await fill(1);
    expect(await drain('given')).toEqual(['two1-1', 'two2-1', 'one1-1', 'one2-1']);
    await fill(2);
    expect(await drain('fair')).toEqual(['two1-2', 'one1-2', 'two2-2', 'one2-2']);
    const controller = new AbortController();
    const waiting = next(far, { queues: ['two', 'one'], signal: controller.signal });
    expect(await next(near, { queues: ['other'] })).toMatchObject({ task: 'other1-1' });
    controller.abort();
    expect(await waiting).toBeUndefined();
  });

  test('kinds that are to be left alone wait for somebody else', async () => {
    const { near, far } = await fresh();
    const busy: readonly JobKind[] = ['step', 'task'];
    const waiting = next(far, { kinds: busy });
    await enqueue(near, 't1');
    await enqueue(near, 'r1', { kind: 'controller' });
    expect(await waiting).toMatchObject({ task: 'r1', kind: 'controller' });
    expect(await next(near)).toMatchObject({ task: 't1' });
  });

  test('the same job pushed again is executed once', async () => {
    const { near, far } = await fresh();
    await enqueue(near, 't1');
    for (const { queue } of [near, far]) await queue.push(pushed('t1', {}, 1));
    expect(await next(far)).toMatchObject({ task: 't1' });
    const controller = new AbortController();
    const again = next(far, { signal: controller.signal });
    await near.queue.push(pushed('t1', {}, 1));
    await enqueue(near, 't2');
    expect(await again).toMatchObject({ task: 't2' });
  });

  test('what was withdrawn is not executed, queued anew it is', async () => {
    const { near, far } = await fresh();
    await enqueue(near, 't1');
    await near.store.withdrawTask(taskId('t1'), 1);
    await enqueue(near, 't2');
    expect(await next(far)).toMatchObject({ task: 't2' });
    const waiting = next(far, { queues: ['default', 'other'] });
    await enqueue(near, 't1', { queue: 'other' });
    expect(await waiting).toMatchObject({ task: 't1', queue: 'other' });
  });

  test('what was withdrawn and queued elsewhere is nothing for who serves the queue that it was in', async () => {
    const { near, far } = await fresh();
    await enqueue(near, 't1', { queue: 'gpu' });
    await near.store.withdrawTask(taskId('t1'), 1);
    await enqueue(near, 't1');
    const waiting = next(near, { queues: ['gpu'] });
    await enqueue(far, 't2', { queue: 'gpu' });
    expect(await waiting).toMatchObject({ task: 't2' });
    expect(await next(far)).toMatchObject({ task: 't1', queue: 'default' });
  });

  test('an attempt that was handed back or lost is told again, under its new number', async () => {
    const { under, near, far } = await fresh();
    await enqueue(near, 't1');
    const first = (await next(far))!;
    const waiting = next(near);
    expect(await far.store.releaseTask(first.task, first.fence, 'the agent stops')).toBe(true);
    await far.queue.push(pushed('t1', {}, 2));
    expect(await waiting).toMatchObject({ task: 't1', attempt: 2 });
    const again = next(far);
    under.advance(LEASE_MS);
    for (const { task, attempt, queue } of (await near.store.recoverTasks()).requeued)
      await near.queue.push({ ...pushed(task, {}, attempt), queue });
    expect(await again).toMatchObject({ task: 't1', attempt: 3 });
  });

  test('who waits at the limit of a queue is told when a place is free, and of other queues at once', async () => {
    const { near, far } = await fresh();
    await near.store.setQueueLimits('default', { concurrency: 1 });
    for (const id of ['t1', 't2']) await enqueue(near, id);
    const first = (await next(near))!;
    const waiting = next(far, { queues: ['default', 'other'] });
    await enqueue(near, 'o1', { queue: 'other' });
    expect(await waiting).toMatchObject({ task: 'o1' });
    const second = next(far);
    await near.store.finishTask({
      task: first.task,
      fence: first.fence,
      status: 'completed',
      artifacts: [],
    });
    expect(await second).toMatchObject({ task: 't2' });
  });

  test('a queue that was paused tells what waits in it once it goes on', async () => {
    const { near, far } = await fresh();
    await near.store.setQueueLimits('default', { concurrency: 0 });
    await enqueue(near, 't1');
    const waiting = next(far);
    await near.store.setQueueLimits('default', { concurrency: null });
    expect(await waiting).toMatchObject({ task: 't1' });
  });

  test('who waits for the rate of a queue is told when its window has passed, without any commit', async () => {
    const { under, near, far } = await fresh();
    await near.store.setQueueLimits('default', { rate: { max: 1, perMs: 200 } });
    for (const id of ['t1', 't2']) await enqueue(near, id);
    expect(await next(near)).toMatchObject({ task: 't1' });
    const waiting = next(far);
    under.advance(200);
    expect(await waiting).toMatchObject({ task: 't2' });
  });

  test('a job that does not fit waits for somebody whom it fits, and for what becomes free', async () => {
    const { near, far } = await fresh();
    const all = { gpu: 1 };
    await enqueue(near, 't1', { resources: { gpu: 1 } });
    const none = next(near, { offers: { all: {}, free: {} } });
    const busy = new AbortController();
    const held = next(far, { offers: { all, free: {} }, signal: busy.signal });
    await enqueue(near, 't2');
    // Both of them could take it.
    const taken = await Promise.race([none, held]);
    expect(taken).toMatchObject({ task: 't2' });
    busy.abort();
    expect(await next(far, { offers: { all, free: all } })).toMatchObject({ task: 't1' });
  });

  test('eight who wait share fifty jobs, each once, and none of them stays behind', async () => {
    const { under, near } = await fresh();
    const sides = [near, await under.open(), await under.open(), await under.open()];
    const controller = new AbortController();
    const taken: string[] = [];
    const agents = [...sides, ...sides].map(async (side) => {
      for (;;) {
        const job = await next(side, { signal: controller.signal });
        if (job === undefined) return;
        taken.push(job.task);
        await side.store.finishTask({ task: job.task, fence: job.fence, status: 'completed', artifacts: [] });
        if (taken.length === 50) controller.abort();
      }
    });
    const ids = Array.from({ length: 50 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id, index) => enqueue(sides[index % 4]!, id)));
    await Promise.all(agents);
    expect([...taken].sort()).toEqual([...ids].sort());
    expect(await near.store.findTasks({ status: ['completed'] })).toHaveLength(50);
  });
}
