import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { taskId, type TaskId } from '@run-pipeline/core/model';
import type { ProcessIdentity, Store } from '@run-pipeline/core/ports';
import { expect, onTestFinished, test } from 'vitest';
import { decodeEnding } from '../engine/attempt/task-spec.js';
import { processIdentity } from '../project/process-identity.js';
import { openSqliteStore } from '../store/index.js';
import type { TaskOutcome } from '../workers/protocol.js';
import type { AgentContext } from './agent-context.js';
import type { AgentEvent } from './events.js';
import { HeldAttempt } from './held-attempt.js';
import { openOutput } from './open-output.js';
import { settleAttempt } from './settle-attempt.js';

const WORKER: ProcessIdentity = { ...processIdentity(), pid: 7, startTime: '70', processGroup: 7 };
const COMPLETED: TaskOutcome = { status: 'completed', artifacts: [], reports: [], values: [] };
const FAILED: TaskOutcome = {
  status: 'failed',
  error: { name: 'Error', message: 'no', code: 'worker-lost' },
};
const ABORTED: TaskOutcome = { status: 'aborted', reason: 'shutdown' };

interface Settled {
  readonly store: Store;
  readonly task: TaskId;
  readonly held: HeldAttempt;
  readonly context: Pick<AgentContext, 'lostWorkers'>;
  readonly events: AgentEvent[];
  settle(outcome: TaskOutcome): Promise<void>;
  status(): Promise<string | undefined>;
}

/** An attempt that is held, of a record in a store of its own. */
async function heldAttempt(now: () => number = Date.now): Promise<Settled> {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-settle-'));
  const store = await openSqliteStore({ file: join(directory, 'state.db'), now });
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });
  const task = taskId('t1');
  await store.createTask({ id: task, project: 'p', name: 'n', type: 'custom', edit: {} });
  await store.enqueueTask({ task, kind: 'task', queue: 'default', priority: 0 });
  const claim = { task, attempt: 1, executor: processIdentity(), agent: 'here:1', leaseMs: 1000 };
  const claimed = await store.claimQueued(claim);
  if (!claimed.ok) throw new Error('it cannot be claimed');
  const held = new HeldAttempt(claimed.job, claimed.fence);
  const events: AgentEvent[] = [];
  const context = {
    project: { store, cwd: directory },
    lostWorkers: new Set<string>(),
    tell: (event: AgentEvent) => void events.push(event),
  } as unknown as AgentContext;
  return {
    store,
    task,
    held,
    context,
    events,
    settle: (outcome) => settleAttempt(context, held, openOutput(context, held), { outcome, durationMs: 5 }),
    status: async () => (await store.readAttempts([task])).get(task)?.status,
  };
}

const types = ({ events }: Settled): readonly string[] => events.map(({ type }) => type);

test('an end is stored with all that a follower has to know, and then told', async () => {
  const it = await heldAttempt();
  await it.settle({ ...COMPLETED, uncacheable: 'a reason' });
  expect(it.events).toMatchObject([{ type: 'task.end', task: 't1', status: 'completed', durationMs: 5 }]);
  const ending = await it.store.readTaskEnding(it.task);
  expect(decodeEnding(ending!.document!)).toMatchObject({
    outcome: { status: 'completed', uncacheable: 'a reason' },
    durationMs: 5,
  });
});

test('what was stopped ends with the reason of whoever stopped it', async () => {
  const it = await heldAttempt();
  it.held.stopWith({ reason: 'timeout', message: 'it took longer than 10s' });
  expect(it.held.signal.reason).toEqual({ reason: 'timeout' });
  it.held.stopWith({ reason: 'stopped', message: 'too late' });
  await it.settle({ status: 'aborted', reason: 'timeout', error: { name: 'Error', message: 'aborted' } });
  const error = { name: 'TimeoutError', code: 'timeout', message: 'it took longer than 10s' };
  expect(it.events).toMatchObject([{ type: 'task.end', status: 'aborted', error }]);
  expect(await it.store.readTaskEnding(it.task)).toMatchObject({ status: 'aborted', error });
});

test('handed back, an attempt waits in its queue again; one that completed first has ended', async () => {
  const back = await heldAttempt();
  back.held.handBack('the agent goes', { atOnce: false });
  await back.settle(ABORTED);
  expect(back.events).toMatchObject([{ type: 'task.release', reason: 'the agent goes' }]);
  expect(await back.status()).toBe('queued');

  const ended = await heldAttempt();
  ended.held.handBack('the agent goes', { atOnce: false });
  await ended.settle(COMPLETED);
  expect(types(ended)).toEqual(['task.end']);
  expect(await ended.status()).toBe('completed');
});

test('what is somebody else’s by now is refused, and told as lost', async () => {
  let now = 1_000_000;
  for (const outcome of [COMPLETED, FAILED, ABORTED]) {
    const it = await heldAttempt(() => now);
    if (outcome === ABORTED) it.held.handBack('the agent goes', { atOnce: true });
    it.held.executedBy(WORKER, () => {});
    now += 2000;
    await it.store.recoverTasks();
    await it.settle(outcome);
    expect(types(it)).toEqual(['task.lost']);
    expect(await it.status()).toBe('queued');
    expect(it.context.lostWorkers.has('7 70')).toBe(true);
  }
});

test('a lost attempt is killed at once, also when it had been told to stop', async () => {
  const it = await heldAttempt();
  let killed = 0;
  it.held.executedBy(WORKER, () => (killed += 1));
  it.held.stopWith({ reason: 'stopped', message: 'not wanted' });
  expect(killed).toBe(0);
  it.held.lose('its lease ran out');
  expect(killed).toBe(1);
  it.held.executed();
  it.held.handBack('late', { atOnce: true });
  expect(killed).toBe(1);
  await it.settle(COMPLETED);
  expect(it.events).toMatchObject([{ type: 'task.lost', reason: 'its lease ran out' }]);
  expect(await it.status()).toBe('running');
});

test('a worker that was ended for the attempt before is no failure of this one', async () => {
  const it = await heldAttempt();
  it.held.executedBy(WORKER, () => {});
  it.context.lostWorkers.add('7 70');
  await it.settle(FAILED);
  expect(types(it)).toEqual(['task.release']);
  expect(await it.status()).toBe('queued');

  const other = await heldAttempt();
  other.held.executedBy(WORKER, () => {});
  await other.settle(FAILED);
  expect(types(other)).toEqual(['task.end']);
  expect(await other.status()).toBe('failed');
});

test('an outcome that cannot be stored as it is, is a failure that says why', async () => {
  const thrown = await heldAttempt();
  await thrown.settle({ ...FAILED, thrown: () => 'a function cannot be cloned' } as TaskOutcome);
  const ending = await thrown.store.readTaskEnding(thrown.task);
  expect(decodeEnding(ending!.document!).outcome).toEqual(FAILED);

  const broken = await heldAttempt();
  await broken.settle({ ...COMPLETED, uncacheable: (() => '') as never });
  expect(broken.events).toMatchObject([{ type: 'task.end', status: 'failed' }]);
  expect(await broken.status()).toBe('failed');
});
