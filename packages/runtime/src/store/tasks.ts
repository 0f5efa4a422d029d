import type { RunId, StepName, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { ProcessIdentity, TaskClaim, TaskFinish, TaskRow } from '@run-pipeline/core/ports';
import type { Connection, SqlRow, SqlValue } from './connection.js';
import { requireRun } from './runs.js';
import { decodeOwner, encodeOwner, type WriteBatch } from './write-batch.js';

/**
 * The right to execute one attempt of a task.
 *
 * - At most one holder: while a lease lives nobody else gets it, except a newer epoch of the same run
 *   (its controller has made sure that the old worker is dead).
 * - A completed task is never given out again.
 * - Whoever holds the newest fence may finish, also after its lease ran out; nobody else ever may.
 */
export function claimTask(
  batch: WriteBatch,
  claim: TaskClaim,
): { readonly ok: true; readonly fence: number } | { readonly ok: false; readonly holder: ProcessIdentity } {
  const run = requireRun(batch, claim.run);
  if (run.epoch !== claim.epoch) return { ok: false, holder: decodeOwner(run.owner) };
  const held = batch.connection.get(
    'SELECT run, epoch, status, lease_until, executor FROM tasks WHERE id = ?',
    claim.task,
  ) as [number, number, TaskStatus, number, string] | undefined;
  if (held !== undefined) {
    const [heldRun, epoch, status, leaseUntil, executor] = held;
    const newerEpoch = heldRun === run.n && claim.epoch > epoch;
    const live = status === 'running' && leaseUntil > batch.now && !newerEpoch;
    if (live || status === 'completed') return { ok: false, holder: decodeOwner(executor) };
  }
  const fence = batch.nextFence();
  batch.connection.run(
    `INSERT OR REPLACE INTO tasks (id, run, step, attempt, fence, epoch, status, executor, lease_until)
     VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?)`,
    claim.task,
    run.n,
    claim.step,
    claim.attempt,
    fence,
    claim.epoch,
    encodeOwner(claim.executor),
    batch.now + claim.leaseMs,
  );
  return { ok: true, fence };
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
    'UPDATE tasks SET status = ?, error = ?, lease_until = 0 WHERE id = ?',
    finish.status,
    finish.error === undefined ? null : JSON.stringify(finish.error),
    finish.task,
  );
}

const SELECT_TASK = `SELECT t.id, r.id, t.step, t.attempt, t.fence, t.status, t.executor, t.lease_until
  FROM tasks t JOIN runs r ON r.n = t.run`;

export function getTask(connection: Connection, task: TaskId, now: number): TaskRow | undefined {
  const row = connection.get(`${SELECT_TASK} WHERE t.id = ?`, task);
  return row && taskRow(row, now);
}

/** In the order in which they were claimed. */
export function listTasks(
  connection: Connection,
  query: { readonly run?: RunId; readonly status?: readonly TaskStatus[] },
  now: number,
): readonly TaskRow[] {
  const where: string[] = [];
  const values: SqlValue[] = [];
  if (query.run !== undefined) {
    where.push('t.run = (SELECT n FROM runs WHERE id = ?)');
    values.push(query.run);
  }
  if (query.status !== undefined) {
    where.push('t.status IN (SELECT value FROM json_each(?))');
    values.push(JSON.stringify(query.status));
  }
  const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  return connection
    .all(`${SELECT_TASK} ${condition} ORDER BY t.fence`, ...values)
    .map((row) => taskRow(row, now));
}

function taskRow(row: SqlRow, now: number): TaskRow {
  const [task, run, step, attempt, fence, status, executor, leaseUntil] = row as [
    TaskId,
    RunId,
    StepName,
    number,
    number,
    TaskStatus,
    string,
    number,
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
  };
}
