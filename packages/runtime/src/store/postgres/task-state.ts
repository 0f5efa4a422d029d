import type { ErrorRecord, TaskId } from '@run-pipeline/core/model';
import type { ProcessIdentity, RunOwnership, TaskStop } from '@run-pipeline/core/ports';
import { STATE_COLUMNS, taskStateOf, workersOf, type TaskState } from '../rows/task-state.js';
import { stoppedError } from '../rules/lost.js';
import type { WriteBatch } from './write-batch.js';

/**
 * A task's row is locked before anything is decided about it, and stays so until COMMIT: of two agents that
 * claim it, of a heartbeat and a recovery, of a claim and a withdrawal, the second one decides by what the
 * first one left. A run's row comes before those of its tasks, everywhere.
 */

/** False: another process has taken the run over since, and may be following this very attempt. */
export const mayAct = async (batch: WriteBatch, by: RunOwnership | undefined): Promise<boolean> =>
  by === undefined || (await batch.runState(by.run))?.epoch === by.epoch;

const STATE = `SELECT ${STATE_COLUMNS} FROM tasks`;

export async function taskState(batch: WriteBatch, task: TaskId): Promise<TaskState | undefined> {
  const [row] = await batch.query(`${STATE} WHERE id = $1 FOR UPDATE`, [task]);
  return row && taskStateOf(row);
}

/** The attempt that may write with this fence; undefined: it is over, or was never. */
export async function heldAttempt(
  batch: WriteBatch,
  task: TaskId,
  fence: number,
): Promise<TaskState | undefined> {
  const [row] = await batch.query(`${STATE} WHERE id = $1 AND fence = $2 AND status = 'running' FOR UPDATE`, [
    task,
    fence,
  ]);
  return row && taskStateOf(row);
}

/** Attempts that came from queues or are scripts run by hand, and whose lease has run out. */
export const EXPIRED = `status = 'running' AND kind IS NOT NULL AND lease_until <=`;

/** One of them; a heartbeat that came just before keeps it. */
export async function expiredAttempt(batch: WriteBatch, task: TaskId): Promise<TaskState | undefined> {
  const [row] = await batch.query(`${STATE} WHERE id = $1 AND ${EXPIRED} $2 FOR UPDATE`, [task, batch.now]);
  return row && taskStateOf(row);
}

/** Workers of its lost attempts, but for those that their agent has given another task since. */
export async function survivorsOf(
  batch: WriteBatch,
  state: TaskState,
  others: readonly (ProcessIdentity | undefined)[] = [],
): Promise<readonly ProcessIdentity[]> {
  const workers = workersOf(state, others);
  if (workers.size === 0) return [];
  const rows = await batch.query<readonly [string]>(
    `SELECT executor FROM tasks
     WHERE status = 'running' AND kind IS NOT NULL AND executor = ANY ($1::text[]) AND id <> $2`,
    [[...workers.keys()], state.task],
  );
  const busy = new Set(rows.map(([executor]) => executor));
  return [...workers].flatMap(([text, executor]) => (busy.has(text) ? [] : [executor]));
}

/** Makes room for attempt number `next`. */
export async function forgetAttempt(batch: WriteBatch, task: TaskId, next: number): Promise<void> {
  // What this transaction has still to write of the attempt before is to go as well.
  if (!batch.taskOutput.empty) await batch.flush();
  await batch.run(
    `WITH artifacts AS (DELETE FROM task_artifacts WHERE task = $1),
       ending AS (DELETE FROM task_documents WHERE task = $1 AND name = 'ending')
     DELETE FROM task_output WHERE task = $1 AND attempt >= $2`,
    [task, next],
  );
}

export const endStopped = (batch: WriteBatch, task: TaskId, stop: TaskStop): Promise<void> =>
  endAttempt(batch, task, 'aborted', stoppedError(stop));

/** Nobody can write to it then: fences count while it runs only. */
export async function endAttempt(
  batch: WriteBatch,
  task: TaskId,
  status: 'completed' | 'failed' | 'aborted',
  error: ErrorRecord | undefined,
): Promise<void> {
  await batch.run(
    'UPDATE tasks SET status = $2, error = $3, lease_until = 0, finished_at = $4, stop = NULL WHERE id = $1',
    [task, status, error === undefined ? null : JSON.stringify(error), batch.now],
  );
}
