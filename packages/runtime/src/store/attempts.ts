import type { TaskId } from '@run-pipeline/core/model';
import type { AttemptState, ProcessIdentity, Store, TaskStop } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { leaveToNext } from './waiting-runs.js';
import { enqueueTask, jobOf } from './jobs.js';
import { requeue } from './lost-attempts.js';
import { countBegun, heldNow } from './queue-limits.js';
import { ATTEMPT_COLUMNS, attemptOf } from './rows/attempt.js';
import { encodeOwner } from './rows/owner.js';
import { lostAgents, type OwnAttempt } from './rows/task-state.js';
import { mayStart, startedAttempt } from './rules/claim.js';
import { lacking } from './rules/fitting.js';
import {
  endAttempt,
  endStopped,
  forgetAttempt,
  heldAttempt,
  mayAct,
  survivorsOf,
  taskState,
} from './task-state.js';
import type { WriteBatch } from './write-batch.js';
import { storedJson } from './rows/stored-json.js';

/**
 * The attempts of tasks from queues and of scripts run by hand.
 *
 * - One holder: an attempt is claimed once, under a fence of its own. Who holds an older one is
 *   refused everywhere, before anything is written.
 * - An attempt begins empty: artifacts, ending and stop of the one before are removed when the next
 *   gets its number, in the same transaction. Its output stays, under its own number.
 * - What a stop was asked for is never executed again: lost or handed back, it ends.
 */
export function claimQueued(
  batch: WriteBatch,
  claim: Parameters<Store['claimQueued']>[0],
): Awaited<ReturnType<Store['claimQueued']>> {
  const { connection, now } = batch;
  const state = taskState(connection, claim.task);
  if (state?.status !== 'queued' || state.attempt !== claim.attempt) return { ok: false, reason: 'gone' };
  const queued = jobOf(connection, claim.task)!;
  if (claim.queue !== undefined && claim.queue !== queued.queue) return { ok: false, reason: 'gone' };
  const held = heldNow(connection, queued.queue, now);
  if (held !== undefined) {
    const { retryMs } = held;
    return { ok: false, reason: 'limit', ...(retryMs !== undefined && { retryMs }) };
  }
  if (claim.offers !== undefined && lacking(queued.resources, claim.offers.free).length > 0)
    return { ok: false, reason: 'resources' };
  const spec = connection.get(
    `SELECT bytes FROM task_documents WHERE task = ? AND name = 'spec'`,
    claim.task,
  )?.[0] as Uint8Array | undefined;
  const fence = batch.nextFence();
  connection.run(
    `UPDATE tasks SET status = 'running', fence = ?, executor = ?, agent = ?, lease_until = ?, started_at = ? WHERE id = ?`,
    fence,
    encodeOwner(claim.executor),
    claim.agent ?? null,
    now + claim.leaseMs,
    now,
    claim.task,
  );
  countBegun(batch, queued.queue, fence);
  const survivors = survivorsOf(connection, state, [state.executor]);
  return { ok: true, fence, job: { ...queued, spec, lost: lostAgents(state), survivors } };
}

export function setTaskExecutor(
  batch: WriteBatch,
  task: TaskId,
  fence: number,
  executor: ProcessIdentity,
): boolean {
  const sql = `UPDATE tasks SET executor = ? WHERE id = ? AND fence = ? AND status = 'running'`;
  return batch.connection.run(sql, encodeOwner(executor), task, fence) > 0;
}

export function startTask(
  batch: WriteBatch,
  claim: Parameters<Store['startTask']>[0],
): Awaited<ReturnType<Store['startTask']>> {
  const { connection, now } = batch;
  const state = taskState(connection, claim.task);
  if (state === undefined) return { ok: false };
  const record = connection.get('SELECT 1 FROM task_records WHERE id = ?', claim.task);
  if (!mayStart(state.status, claim) || record === undefined) return { ok: false, status: state.status };
  const fence = batch.nextFence();
  const attempt = startedAttempt(state);
  forgetAttempt(batch, claim.task, attempt);
  connection.run(
    `UPDATE tasks SET status = 'running', attempt = ?, fence = ?, executor = ?, lease_until = ?, started_at = ?,
       finished_at = NULL, error = NULL, kind = 'task', queue = NULL, queued_at = NULL, agent = NULL, stop = NULL, outputs = 0,
       first_attempt = ? WHERE id = ?`,
    attempt,
    fence,
    encodeOwner(claim.executor),
    now + claim.leaseMs,
    now,
    attempt,
    claim.task,
  );
  return { ok: true, fence };
}

export function leaveTask(
  batch: WriteBatch,
  task: TaskId,
  fence: number,
  options?: Parameters<Store['leaveTask']>[2],
): boolean {
  const state = heldAttempt(batch.connection, task, fence);
  if (state === undefined || state.queue !== null) return false;
  forgetAttempt(batch, task, state.attempt);
  batch.connection.run(
    `UPDATE tasks SET status = 'created', attempt = ?, executor = NULL, lease_until = 0, started_at = NULL, stop = NULL,
       outputs = 0 WHERE id = ?`,
    state.attempt - 1,
    task,
  );
  if (options !== undefined) enqueueTask(batch, { task, kind: 'task', ...options });
  return true;
}

export function releaseTask(batch: WriteBatch, task: TaskId, fence: number, reason: string): boolean {
  const state = heldAttempt(batch.connection, task, fence);
  if (state === undefined || state.queue === null) return false;
  if (state.stop !== undefined && !leaveToNext(batch, state, state.stop)) endStopped(batch, task, state.stop);
  else requeue(batch, state, { reason, back: true });
  return true;
}

export function abortTask(batch: WriteBatch, task: TaskId, reason: string): boolean {
  const status = taskState(batch.connection, task)?.status;
  if (status !== 'created' && status !== 'queued') return false;
  endAttempt(batch, task, 'aborted', { name: 'TaskAborted', code: 'aborted', message: reason });
  return true;
}

export function readAttempts(
  connection: Connection,
  tasks: readonly TaskId[],
  now: number,
): ReadonlyMap<TaskId, AttemptState> {
  const sql = `SELECT ${ATTEMPT_COLUMNS} FROM tasks WHERE id IN (SELECT value FROM json_each(?)) AND kind IS NOT NULL`;
  return new Map(connection.all(sql, JSON.stringify(tasks)).map((row) => attemptOf(row, now)));
}

/** The first reason stays. */
export function requestTaskStop(
  batch: WriteBatch,
  { task, attempt, by }: OwnAttempt,
  stop: TaskStop,
): boolean {
  const state = taskState(batch.connection, task);
  if (state?.status !== 'running' || state.attempt !== attempt || !mayAct(batch, by)) return false;
  if (state.stop === undefined)
    batch.connection.run('UPDATE tasks SET stop = ? WHERE id = ?', JSON.stringify(stop), task);
  return true;
}

export function readTaskStops(
  connection: Connection,
  tasks: readonly TaskId[],
): ReadonlyMap<TaskId, TaskStop> {
  const rows = connection.all(
    `SELECT id, stop FROM tasks WHERE id IN (SELECT value FROM json_each(?)) AND status = 'running' AND stop IS NOT NULL`,
    JSON.stringify(tasks),
  ) as [TaskId, string][];
  return new Map(rows.map(([id, stop]) => [id, storedJson(stop, 'a request to stop a task') as TaskStop]));
}
