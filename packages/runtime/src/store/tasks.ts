import type { RunId, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { ProcessIdentity, Store, TaskClaim, TaskFinish, TaskRow } from '@run-pipeline/core/ports';
import type { Connection, SqlValue } from './connection.js';
import { decodeOwner, encodeOwner } from './rows/owner.js';
import { CLAIMED_COLUMNS, FROM_CLAIMED, taskRowOf } from './rows/task-row.js';
import { mayClaim } from './rules/claim.js';
import { requireRun } from './runs.js';
import { forgetAttempt, survivorsOf, taskState } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

/** The right of a run to execute one attempt of a task itself: see `rules/claim.ts`. */
export function claimTask(batch: WriteBatch, claim: TaskClaim): Awaited<ReturnType<Store['claimTask']>> {
  const run = requireRun(batch, claim.run);
  if (run.epoch !== claim.epoch) return { ok: false, holder: decodeOwner(run.owner) };
  const held = taskState(batch.connection, claim.task);
  let survivors: readonly ProcessIdentity[] = [];
  if (held !== undefined) {
    if (!mayClaim(held, claim, { run: run.n, now: batch.now }))
      return { ok: false, holder: held.executor ?? decodeOwner(run.owner) };
    if (held.kind !== null) survivors = survivorsOf(batch.connection, held);
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

const SELECT = `SELECT ${CLAIMED_COLUMNS} ${FROM_CLAIMED}`;

export function getTask(connection: Connection, task: TaskId, now: number): TaskRow | undefined {
  const row = connection.get(`${SELECT} AND t.id = ?`, task);
  return row && taskRowOf(row, now);
}

/** In the order in which they were claimed. */
export function listTasks(
  connection: Connection,
  query: { readonly run?: RunId; readonly status?: readonly TaskStatus[] },
  now: number,
): readonly TaskRow[] {
  const where: string[] = [SELECT];
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
    .all(`${where.join(' AND ')} ORDER BY t.fence`, ...values)
    .map((row) => taskRowOf(row, now));
}
