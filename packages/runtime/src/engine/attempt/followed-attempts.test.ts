import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runId, stepName, taskId, type Resources, type TaskId } from '@run-pipeline/core/model';
import type { ProcessIdentity, Store } from '@run-pipeline/core/ports';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../store/index.js';
import { followAttempts, type AttemptFollower } from './followed-attempts.js';

const OWNER: ProcessIdentity = { host: 'here', bootId: 'b', pid: 1, startTime: '1' };
const LEASE_MS = 60_000;

interface Rig {
  /** The run's own. */
  readonly store: Store;
  /** Another process's. */
  readonly other: Store;
  readonly follower: AttemptFollower;
  /** How often the store was asked, and for how many. */
  readonly reads: number[];
  readonly watches: () => number;
  readonly advance: (ms: number) => void;
  readonly enqueue: (step: string) => Promise<TaskId>;
  readonly claim: (task: TaskId, attempt?: number) => Promise<number>;
  readonly serve: (resources?: Resources) => Promise<void>;
}

async function rig(): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-follow-'));
  let now = Date.now();
  const open = () => openSqliteStore({ file: join(directory, 'state.db'), now: () => now });
  const store = await open();
  const other = await open();
  const reads: number[] = [];
  let watches = 0;
  const follower = followAttempts({
    store: {
      readAttempts: (tasks) => {
        reads.push(tasks.length);
        return store.readAttempts(tasks);
      },
      listAgents: () => store.listAgents(),
      listQueues: () => store.listQueues(),
      recoverTasks: () => store.recoverTasks(),
      watch: (listener) => {
        watches += 1;
        return store.watch(listener);
      },
    },
    leaseMs: LEASE_MS,
  });
  onTestFinished(async () => {
    follower.close(new Error('the test is over'));
    await Promise.all([store.close(), other.close()]);
    rmSync(directory, { recursive: true, force: true });
  });
  const run = runId('r1');
  await store.createRun({
    id: run,
    pipeline: 'p',
    project: 'p',
    version: '1',
    owner: OWNER,
    leaseMs: LEASE_MS,
    source: 'p.ts#P',
  });
  return {
    store,
    other,
    follower,
    reads,
    watches: () => watches,
    advance: (ms) => (now += ms),
    async enqueue(step) {
      const task = taskId(`r1.${step}`);
      const where = { id: run, epoch: 1, step: stepName(step), attempt: 1 };
      const queued = await store.enqueueTask({
        task,
        kind: 'step',
        queue: 'default',
        priority: 0,
        run: where,
      });
      expect(queued.ok).toBe(true);
      return task;
    },
    async claim(task, attempt = 1) {
      const agent = 'here:2-a';
      const claimed = await other.claimQueued({ task, attempt, executor: OWNER, agent, leaseMs: LEASE_MS });
      if (!claimed.ok) throw new Error('nobody else claims it');
      return claimed.fence;
    },
    serve: (resources = {}) =>
      other.registerAgent({
        id: 'here:2-a',
        identity: OWNER,
        queues: ['default'],
        concurrency: 1,
        resources,
        leaseMs: LEASE_MS,
        version: '1',
      }),
  };
}

test('the first state comes at once, then what changes, whoever changed it', async () => {
  const { other, follower, enqueue, claim, serve } = await rig();
  await serve();
  const task = await enqueue('a');
  const following = follower.follow(task, {});
  expect(await following.next()).toMatchObject({
    state: { status: 'queued', attempt: 1 },
    queue: { served: true },
  });
  const fence = await claim(task);
  expect(await following.next()).toMatchObject({ state: { status: 'running', agent: 'here:2-a' } });
  const entries = [{ kind: 'log', stream: 'stdout', text: 'hello' }] as const;
  await other.appendTaskOutput({ task, fence, entries });
  expect(await following.next()).toMatchObject({ state: { outputs: 1 } });
  await other.finishTask({ task, fence, status: 'completed', artifacts: [] });
  expect(await following.next()).toMatchObject({ state: { status: 'completed' } });
  expect(await follower.follow(taskId('r1.unknown'), {}).next()).toEqual({
    state: undefined,
    queue: undefined,
  });
});

test('many are followed by one subscription, and one read of all of them a wake', async () => {
  const { follower, enqueue, claim, reads, watches } = await rig();
  const tasks: TaskId[] = [];
  for (let index = 0; index < 100; index++) tasks.push(await enqueue(`s${index}`));
  const followed = tasks.map((task) => follower.follow(task, {}));
  await Promise.all(followed.map((one) => one.next()));
  expect(watches()).toBe(1);
  const before = reads.length;
  await claim(tasks[42]!);
  expect(await followed[42]!.next()).toMatchObject({ state: { status: 'running' } });
  // A commit or two later; the others heard nothing.
  expect(reads.length - before).toBeLessThanOrEqual(3);
  expect(reads.at(-1)).toBe(100);
  for (const one of followed) one.end();
});

test('a queue that nobody serves any more is told to those that wait in it', async () => {
  const { other, follower, enqueue, serve } = await rig();
  await serve();
  const following = follower.follow(await enqueue('a'), {});
  expect(await following.next()).toMatchObject({ queue: { served: true } });
  await other.removeAgent('here:2-a');
  expect(await following.next()).toMatchObject({ state: { status: 'queued' }, queue: { served: false } });
  await serve();
  expect(await following.next()).toMatchObject({ queue: { served: true } });
});

test('it is served by who has what it needs; limits and a pause of its queue are told', async () => {
  const { other, follower, enqueue, serve } = await rig();
  await serve();
  const task = await enqueue('a');
  const following = follower.follow(task, { gpu: 1 });
  expect(await following.next()).toMatchObject({ queue: { served: false, limited: false } });
  await other.setQueueLimits('default', { concurrency: 2 });
  expect(await following.next()).toMatchObject({ queue: { served: false, limited: true, paused: false } });
  await other.setQueueLimits('default', { concurrency: 0 });
  expect(await following.next()).toMatchObject({ queue: { limited: true, paused: true } });
  await serve({ gpu: 2 });
  expect(await following.next()).toMatchObject({ queue: { served: true } });
  await other.setQueueLimits('default', { concurrency: null });
  expect(await following.next()).toMatchObject({ queue: { served: true, limited: false, paused: false } });
});

test('an attempt whose lease ran out is recovered by whoever follows it', async () => {
  const { follower, enqueue, claim, advance } = await rig();
  const task = await enqueue('a');
  await claim(task);
  const following = follower.follow(task, {});
  expect(await following.next()).toMatchObject({ state: { status: 'running', attempt: 1 } });
  advance(LEASE_MS);
  await following.recover();
  expect(await following.next()).toMatchObject({
    state: { status: 'queued', attempt: 2, lost: [{ attempt: 1, agent: 'here:2-a' }] },
    queue: { served: false },
  });
});

test('a wake without a change gives the same state again; a closed follower refuses', async () => {
  const { follower, enqueue } = await rig();
  const task = await enqueue('a');
  const following = follower.follow(task, {});
  const first = await following.next();
  following.wake();
  expect(await following.next()).toEqual(first);
  const next = following.next();
  follower.close(new Error('taken over'));
  await expect(next).rejects.toThrow('taken over');
  await expect(following.next()).rejects.toThrow('taken over');
  await expect(follower.follow(task, {}).next()).rejects.toThrow('taken over');
});
