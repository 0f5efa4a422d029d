import type { RunId, StepName, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type {
  JobKind,
  ProcessIdentity,
  Store,
  TaskClaim,
  TaskFinish,
  TaskRow,
} from '@run-pipeline/core/ports';
import { forgetAttempt, survivorsOf, taskState } from './task-state.js';
import type { Connection, SqlRow, SqlValue } from './connection.js';
import { requireRun } from './runs.js';
import { decodeOwner, encodeOwner, type WriteBatch } from './write-batch.js';

/**
 * The right to execute one attempt of a task.
 *
 * - At most one holder: while a lease lives nobody else gets it, except a newer epoch of the same run
 *   (its controller has made sure that the old worker is dead).
 * - A completed task is never given out again, but to its run when an agent completed it with other inputs.
 * - Whoever holds the newest fence may finish, also after its lease ran out; nobody else ever may.
 * - An attempt on an agent is not the old controller's: a newer epoch gets it only when its lease is over.
 */
export function claimTask(batch: WriteBatch, claim: TaskClaim): Awaited<ReturnType<Store['claimTask']>> {
  const run = requireRun(batch, claim.run);
  if (run.epoch !== claim.epoch) return { ok: false, holder: decodeOwner(run.owner) };
  const held = batch.connection.get(
    'SELECT run, epoch, status, lease_until, executor, kind, agent FROM tasks WHERE id = ?',
    claim.task,
  ) as [number | null, number, TaskStatus, number, string | null, JobKind | null, string | null] | undefined;
  let survivors: readonly ProcessIdentity[] = [];
  if (held !== undefined) {
    const [heldRun, epoch, status, leaseUntil, executor, kind, agent] = held;
    const newerEpoch = heldRun === run.n && claim.epoch > epoch && agent === null;
    const live = status === 'running' && leaseUntil > batch.now && !newerEpoch;
    const untaken = claim.again === true && status === 'completed' && kind !== null;
    if (live || (status === 'completed' && !untaken) || status === 'published')
      return { ok: false, holder: decodeOwner(executor ?? run.owner) };
    if (kind !== null) survivors = survivorsOf(batch.connection, taskState(batch.connection, claim.task)!);
    // Nothing of an earlier attempt may show under this one.
    forgetAttempt(batch, claim.task, claim.attempt);
  }
  const fence = batch.nextFence();
  batch.connection.run(
    `INSERT OR REPLACE INTO tasks (id, run, step, attempt, fence, epoch, status, executor, lease_until, started_at)
     VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?, ?)`,
    claim.task,
    run.n,
    claim.step,
    claim.attempt,
    fence,
    claim.epoch,
    encodeOwner(claim.executor),
    batch.now + claim.leaseMs,
    batch.now,
  );
  return { ok: true, fence, survivors };
}

export function heartbeatTask(batch: WriteBatch, task: TaskId, fence: number, leaseMs: number): boolean {
  const sql = `UPDATE tasks SET lease_until = ? WHERE id = ? AND fence = ? AND status = 'running'`;
  return batch.connection.run(sql, batch.now + leaseMs, task, fence) > 0;
}

export function mayFinish(batch: WriteBatch, finish: TaskFinish): boolean {
  const sql = `SELECT 1 FROM tasks WHERE id = ? AND fence = ? AND status = 'running'`;
  return batch.connection.get(sql, finish.task, finish.fence) !== undefined;
}

/** Only after `mayFinish` in the same change. */
export function finishTask(batch: WriteBatch, finish: TaskFinish): void {
  batch.connection.run(
    'UPDATE tasks SET status = ?, error = ?, lease_until = 0, finished_at = ? WHERE id = ?',
    finish.status,
    finish.error === undefined ? null : JSON.stringify(finish.error),
    batch.now,
    finish.task,
  );
}

/** Steps that somebody has claimed; of the others there is nobody to tell. */
const SELECT_TASK = `SELECT t.id, r.id, t.step, t.attempt, t.fence, t.status, t.executor, t.lease_until, t.agent
  FROM tasks t JOIN runs r ON r.n = t.run`;
const CLAIMED_STEPS = 't.step IS NOT NULL AND t.executor IS NOT NULL';

export function getTask(connection: Connection, task: TaskId, now: number): TaskRow | undefined {
  const row = connection.get(`${SELECT_TASK} WHERE t.id = ? AND ${CLAIMED_STEPS}`, task);
  return row && taskRow(row, now);
}

/** In the order in which they were claimed. */
export function listTasks(
  connection: Connection,
  query: { readonly run?: RunId; readonly status?: readonly TaskStatus[] },
  now: number,
): readonly TaskRow[] {
  const where: string[] = [CLAIMED_STEPS];
  const values: SqlValue[] = [];
  if (query.run !== undefined) {
    where.push('t.run = (SELECT n FROM runs WHERE id = ?)');
    values.push(query.run);
  }
  if (query.status !== undefined) {
    where.push('t.status IN (SELECT value FROM json_each(?))');
    values.push(JSON.stringify(query.status));
  }
  return connection
    .all(`${SELECT_TASK} WHERE ${where.join(' AND ')} ORDER BY t.fence`, ...values)
    .map((row) => taskRow(row, now));
}

function taskRow(row: SqlRow, now: number): TaskRow {
  const [task, run, step, attempt, fence, status, executor, leaseUntil, agent] = row as [
    TaskId,
    RunId,
    StepName,
    number,
    number,
    TaskStatus,
    string,
    number,
    string | null,
  ];
  return {
    task,
    run,
    step,
    attempt,
    fence,
    status,
    executor: decodeOwner(executor),
    leaseExpired: leaseUntil <= now,
    ...(agent === null ? {} : { agent }),
  };
}
