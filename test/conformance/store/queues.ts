import { stepName, taskId } from '@run-pipeline/core/model';
import type { NewAgent, NewJob, Store } from '@run-pipeline/core/ports';
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
  SPARE_MS,
} from './harness.js';

const NOTHING = { job: undefined, retryMs: undefined };

export function queueTests(factory: StoreFactory): void {
  const fresh = useStores(factory);
  const jobOf = (id: string, more: Partial<NewJob> = {}): NewJob => ({
    task: taskId(id),
    kind: 'task',
    queue: 'default',
    priority: 0,
    ...more,
  });
  async function enqueue(store: Store, id: string, more: Partial<NewJob> = {}) {
    await store.createTask(newTask(id));
    expect(await store.enqueueTask(jobOf(id, more))).toMatchObject({ ok: true });
  }
  const claim = (store: Store, id: string, attempt = 1) =>
    store.claimQueued({ task: taskId(id), attempt, executor: WORKER, agent: 'agent', leaseMs: LEASE_MS });
  /** Claims until nothing is left; what came when. */
  async function drain(store: Store, query: Parameters<Store['nextQueued']>[0]): Promise<readonly string[]> {
    const taken: string[] = [];
    for (;;) {
      const { job } = await store.nextQueued(query);
      if (job === undefined) return taken;
      expect((await claim(store, job.task, job.attempt)).ok).toBe(true);
      taken.push(job.task);
    }
  }
  const agentOf = (id: string, more: Partial<NewAgent> = {}): NewAgent => ({
    id,
    identity: OTHER,
    queues: ['default'],
    concurrency: 2,
    resources: {},
    leaseMs: LEASE_MS,
    version: '0.1.0',
    ...more,
  });

  test('in a queue jobs are taken by priority, then in the order in which they came', async () => {
    const { store } = await fresh();
    for (const [id, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', -1],
      ['e', 5],
    ] as const)
      await enqueue(store, id, { priority });
    const order = ['b', 'e', 'a', 'c', 'd'];
    expect((await store.listQueued('default')).map(({ task }) => task)).toEqual(order);
    expect(await store.nextQueued({ queues: ['default'], order: 'given' })).toEqual({
      job: (await store.listQueued('default'))[0],
      retryMs: undefined,
    });
    expect(await drain(store, { queues: ['default'], order: 'given' })).toEqual(order);
  });

  test('many that come in one moment are taken in their order, and a lost one keeps its place', async () => {
    const { store, under } = await fresh();
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id) => store.createTask(newTask(id))));
    await Promise.all(ids.map((id) => store.enqueueTask(jobOf(id))));
    await claim(store, 't0');
    const second = await claim(store, 't1');
    under.advance(LEASE_MS);
    await store.recoverTasks();
    if (second.ok) expect(await store.heartbeatTask(taskId('t1'), second.fence, LEASE_MS)).toBe(false);
    expect(await drain(store, { queues: ['default'], order: 'given' })).toEqual(ids);
  });

  test('of several queues the first that has a job, or in turn', async () => {
    const { store } = await fresh();
    const fill = async (generation: number) => {
      for (const queue of ['one', 'two', 'three'])
        for (const place of [1, 2]) await enqueue(store, `${queue}${place}-${generation}`, { queue });
    };
    await fill(1);
    expect(await store.nextQueued({ queues: [], order: 'given' })).toEqual(NOTHING);
    expect(await store.nextQueued({ queues: ['empty'], order: 'fair' })).toEqual(NOTHING);
    const names = async (order: 'given' | 'fair') =>
      (await drain(store, { queues: ['two', 'three', 'one'], order })).map((id) => id.replace(/-\d$/, ''));
    expect(await names('given')).toEqual(['two1', 'two2', 'three1', 'three2', 'one1', 'one2']);
    await fill(2);
    expect(await names('fair')).toEqual(['two1', 'three1', 'one1', 'two2', 'three2', 'one2']);
    await enqueue(store, 'late', { queue: 'one' });
    await enqueue(store, 'later', { queue: 'three' });
    expect((await store.nextQueued({ queues: ['one', 'three'], order: 'fair' })).job?.task).toBe('later');
  });

  test('kinds that are to be left alone are passed by', async () => {
    const { store } = await fresh();
    const recorder = await Recorder.start(store, newRun('r1'));
    const run = { id: recorder.id, epoch: 1, step: stepName('a'), attempt: 1 };
    await store.enqueueTask(jobOf('r1.a', { kind: 'step', run, spec: bytes('spec') }));
    await enqueue(store, 't1');
    await store.createTask(newTask('r1', { type: 'controller', run: recorder.id }));
    await store.enqueueTask(jobOf('r1', { kind: 'controller' }));
    const next = async (...kinds: NewJob['kind'][]) =>
      (await store.nextQueued({ queues: ['default'], order: 'given', kinds })).job?.task;
    expect(await next()).toBe('r1.a');
    expect(await next('step')).toBe('t1');
    expect(await next('step', 'task')).toBe('r1');
    expect(await next('step', 'task', 'controller')).toBeUndefined();
  });

  test('a queue that is cleared gives its jobs back; what runs goes on', async () => {
    const { store } = await fresh();
    for (const id of ['a', 'b', 'c']) await enqueue(store, id);
    await enqueue(store, 'd', { queue: 'other' });
    await claim(store, 'b');
    expect(await store.clearQueue('default')).toEqual(['a', 'c']);
    expect(await store.clearQueue('default')).toEqual([]);
    const statuses = await Promise.all(['a', 'b', 'c', 'd'].map((id) => store.readTask(taskId(id))));
    expect(statuses.map((task) => task?.status)).toEqual(['created', 'running', 'created', 'queued']);
    expect(await store.nextQueued({ queues: ['default'], order: 'given' })).toEqual(NOTHING);
  });

  test('what was withdrawn and queued elsewhere is not claimed out of the queue that it was in', async () => {
    const { store } = await fresh();
    await enqueue(store, 'a', { queue: 'gpu' });
    expect(await store.withdrawTask(taskId('a'), 1)).toBe(true);
    expect(await store.enqueueTask(jobOf('a'))).toEqual({ ok: true, attempt: 1 });
    const claimFrom = (queue: string) =>
      store.claimQueued({
        task: taskId('a'),
        attempt: 1,
        queue,
        executor: WORKER,
        agent: 'agent',
        leaseMs: LEASE_MS,
      });
    expect(await claimFrom('gpu')).toEqual({ ok: false, reason: 'gone' });
    expect(await claimFrom('default')).toMatchObject({ ok: true, job: { queue: 'default' } });
  });

  test('queues tell what waits, what runs and who serves them', async () => {
    const { store, under } = await fresh();
    const none = { waiting: 0, running: 0, agents: 0, oldest: undefined, limits: {} };
    expect(await store.listQueues()).toEqual([
      { name: 'default', ...none },
      { name: 'services', ...none },
    ]);
    await store.createQueue('made');
    await store.createQueue('made');
    await store.registerAgent(agentOf('x', { queues: ['default', 'served'] }));
    await store.registerAgent(agentOf('y', { queues: ['served'] }));
    await store.heartbeatAgent('y', { running: [], leaseMs: LEASE_MS, draining: true });
    for (const id of ['a', 'b', 'c']) {
      await enqueue(store, id, { queue: 'named' });
      under.advance(1);
    }
    await claim(store, 'a');
    const oldest = (await store.listQueued('named'))[0]?.enqueuedAt;
    expect(await store.listQueues()).toEqual([
      { name: 'default', ...none, agents: 1 },
      { name: 'made', ...none },
      { name: 'named', ...none, waiting: 2, running: 1, oldest },
      { name: 'served', ...none, agents: 1 },
      { name: 'services', ...none },
    ]);
  });

  test('an agent is there while its lease lives, and serves its queues until it drains', async () => {
    const { store, under } = await fresh();
    const agent = agentOf('x', { queues: ['default', 'gpu'] });
    await store.registerAgent(agent);
    const [row] = await store.listAgents();
    expect(row).toEqual({
      ...agent,
      running: [],
      draining: false,
      startedAt: expect.any(String) as string,
      seenAt: row?.startedAt,
    });
    under.advance(LEASE_MS - SPARE_MS);
    const beat = (draining: boolean, running = [taskId('t1')]) =>
      store.heartbeatAgent('x', { running, leaseMs: LEASE_MS, draining });
    expect(await beat(false)).toBe(true);
    under.advance(LEASE_MS - SPARE_MS);
    const [later] = await store.listAgents({ queue: 'gpu' });
    expect(later).toMatchObject({ running: ['t1'], startedAt: row?.startedAt });
    expect(later!.seenAt > row!.seenAt).toBe(true);
    expect(await store.listAgents({ queue: 'other' })).toEqual([]);
    under.advance(SPARE_MS);
    expect(await store.listAgents()).toEqual([]);
    expect(await beat(true)).toBe(true);
    expect(await store.listAgents({ queue: 'gpu' })).toEqual([]);
    expect(await store.listAgents()).toHaveLength(1);
    await store.registerAgent({ ...agent, queues: ['default'] });
    expect(await store.listAgents()).toMatchObject([{ queues: ['default'], draining: false, running: [] }]);
    await store.removeAgent('x');
    expect(await beat(false)).toBe(false);
    expect(await store.listAgents()).toEqual([]);
  });

  test('eight claimers in two processes take fifty jobs, each once', async () => {
    const { store, under } = await fresh();
    const ids = Array.from({ length: 50 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id) => store.createTask(newTask(id))));
    await Promise.all(ids.map((id) => store.enqueueTask(jobOf(id))));
    const ends = await Promise.all([
      under.process({ kind: 'claim-jobs', queue: 'default', claimers: 4 }),
      under.process({ kind: 'claim-jobs', queue: 'default', claimers: 4 }),
    ]);
    for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: '' });
    const claimed = ends.flatMap(({ stdout }) => JSON.parse(stdout) as { task: string; fence: number }[]);
    expect(claimed.map(({ task }) => task).sort()).toEqual([...ids].sort());
    expect(new Set(claimed.map(({ fence }) => fence)).size).toBe(50);
    const ended = await store.findTasks({ status: ['completed'] });
    expect(ended.map(({ attempt }) => attempt)).toEqual(ids.map(() => 1));
  });
}
