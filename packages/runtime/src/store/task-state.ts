import type { ErrorRecord, TaskId } from '@run-pipeline/core/model';
import type { ProcessIdentity, RunOwnership, TaskStop } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { STATE_COLUMNS, taskStateOf, workersOf, type TaskState } from './rows/task-state.js';
import { stoppedError } from './rules/lost.js';
import type { WriteBatch } from './write-batch.js';

/** False: another process has taken the run over since, and may be following this very attempt. */
export const mayAct = (batch: WriteBatch, by: RunOwnership | undefined): boolean =>
  by === undefined || batch.run(by.run)?.epoch === by.epoch;

const STATE = `SELECT ${STATE_COLUMNS} FROM tasks`;

export function taskState(connection: Connection, task: TaskId): TaskState | undefined {
  const row = connection.get(`${STATE} WHERE id = ?`, task);
  return row && taskStateOf(row);
}

/** The attempt that may write with this fence; undefined: it is over, or was never. */
export function heldAttempt(connection: Connection, task: TaskId, fence: number): TaskState | undefined {
  const row = connection.get(`${STATE} WHERE id = ? AND fence = ? AND status = 'running'`, task, fence);
  return row && taskStateOf(row);
}

/** Attempts that came from queues or are scripts run by hand, and whose lease has run out. */
export function expiredAttempts(connection: Connection, now: number): readonly TaskState[] {
  const sql = `${STATE} INDEXED BY tasks_held WHERE status = 'running' AND kind IS NOT NULL AND lease_until <= ? ORDER BY fence`;
  return connection.all(sql, now).map(taskStateOf);
}

/** Workers of its lost attempts, but for those that their agent has given another task since. */
export function survivorsOf(
  connection: Connection,
  state: TaskState,
  others: readonly (ProcessIdentity | undefined)[] = [],
): readonly ProcessIdentity[] {
  const busy = `SELECT 1 FROM tasks INDEXED BY tasks_held
    WHERE status = 'running' AND kind IS NOT NULL AND executor = ? AND id <> ?`;
  return [...workersOf(state, others)].flatMap(([text, executor]) =>
    connection.get(busy, text, state.task) === undefined ? [executor] : [],
  );
}

/** Makes room for attempt number `next`. */
export function forgetAttempt(batch: WriteBatch, task: TaskId, next: number): void {
  const { connection } = batch;
  connection.run('DELETE FROM task_artifacts WHERE task = ?', task);
  connection.run(`DELETE FROM task_documents WHERE task = ? AND name = 'ending'`, task);
  // None but when a step counts anew after its run took it out of the queue.
  connection.run('DELETE FROM task_output WHERE task = ? AND attempt >= ?', task, next);
}

export function endStopped(batch: WriteBatch, task: TaskId, stop: TaskStop): void {
  endAttempt(batch, task, 'aborted', stoppedError(stop));
}

/** Nobody can write to it then: fences count while it runs only. */
export function endAttempt(
  batch: WriteBatch,
  task: TaskId,
  status: 'completed' | 'failed' | 'aborted',
  error: ErrorRecord | undefined,
): void {
  batch.connection.run(
    'UPDATE tasks SET status = ?, error = ?, lease_until = 0, finished_at = ?, stop = NULL WHERE id = ?',
    status,
    error === undefined ? null : JSON.stringify(error),
    batch.now,
    task,
  );
}
