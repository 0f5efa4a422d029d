import type { ErrorRecord, StepName, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { JobKind, ProcessIdentity, RunOwnership, TaskStop } from '@run-pipeline/core/ports';
import type { Connection, SqlRow } from './connection.js';
import { decodeOwner, encodeOwner, type WriteBatch } from './write-batch.js';

/** A row of `tasks` while a change looks at it. */
export interface TaskState {
  readonly task: TaskId;
  /** Number of the run's row. */
  readonly run: number | null;
  readonly step: StepName | null;
  readonly attempt: number;
  readonly fence: number;
  readonly epoch: number;
  readonly status: TaskStatus;
  readonly leaseUntil: number;
  readonly kind: JobKind | null;
  readonly queue: string | null;
  readonly agent: string | null;
  readonly firstAttempt: number;
  readonly lost: readonly LostAttempt[];
  readonly stop: TaskStop | undefined;
  readonly outputs: number;
  readonly executor: ProcessIdentity | undefined;
}

export interface LostAttempt {
  readonly attempt: number;
  readonly reason: string;
  readonly agent?: string;
  /** It was handed back: nobody failed. */
  readonly back?: true;
  /** The worker that was at it, which may have outlived its agent. */
  readonly executor?: ProcessIdentity;
}

/** An attempt that somebody wants to end, and in which right. */
export interface OwnAttempt {
  readonly task: TaskId;
  readonly attempt: number;
  /** Undefined: a person's, who may end any. */
  readonly by: RunOwnership | undefined;
}

/** False: another process has taken the run over since, and may be following this very attempt. */
export const mayAct = (batch: WriteBatch, by: RunOwnership | undefined): boolean =>
  by === undefined || batch.run(by.run)?.epoch === by.epoch;

const STATE = `SELECT id, run, step, attempt, fence, epoch, status, lease_until, kind, queue, agent, first_attempt,
    lost, stop, outputs, executor FROM tasks`;

export function taskState(connection: Connection, task: TaskId): TaskState | undefined {
  const row = connection.get(`${STATE} WHERE id = ?`, task);
  return row && stateOf(row);
}

/** The attempt that may write with this fence; undefined: it is over, or was never. */
export function heldAttempt(connection: Connection, task: TaskId, fence: number): TaskState | undefined {
  const row = connection.get(`${STATE} WHERE id = ? AND fence = ? AND status = 'running'`, task, fence);
  return row && stateOf(row);
}

/** Attempts that came from queues or are scripts run by hand, and whose lease has run out. */
export function expiredAttempts(connection: Connection, now: number): readonly TaskState[] {
  const sql = `${STATE} INDEXED BY tasks_held WHERE status = 'running' AND kind IS NOT NULL AND lease_until <= ? ORDER BY fence`;
  return connection.all(sql, now).map(stateOf);
}

function stateOf(row: SqlRow): TaskState {
  const [task, run, step, attempt, fence, epoch, status, leaseUntil, kind, queue, agent, ...rest] = row as [
    TaskId,
    number | null,
    StepName | null,
    number,
    number,
    number,
    TaskStatus,
    number,
    JobKind | null,
    string | null,
    string | null,
    number | null,
    string | null,
    string | null,
    number | null,
    string | null,
  ];
  const [firstAttempt, lost, stop, outputs, executor] = rest;
  return {
    task,
    run,
    step,
    attempt,
    fence,
    epoch,
    status,
    leaseUntil,
    kind,
    queue,
    agent,
    firstAttempt: firstAttempt ?? attempt,
    lost: lost === null ? [] : (JSON.parse(lost) as LostAttempt[]),
    stop: stop === null ? undefined : (JSON.parse(stop) as TaskStop),
    outputs: outputs ?? 0,
    executor: executor === null ? undefined : decodeOwner(executor),
  };
}

/** Lost with their agents since the task was enqueued. */
export const lostAgents = ({ lost, firstAttempt }: TaskState): number =>
  lost.filter(({ attempt, back }) => attempt >= firstAttempt && back === undefined).length;

/** Workers of its lost attempts, but for those that their agent has given another task since. */
export function survivorsOf(
  connection: Connection,
  state: TaskState,
  others: readonly (ProcessIdentity | undefined)[] = [],
): readonly ProcessIdentity[] {
  const identities = new Map<string, ProcessIdentity>();
  for (const executor of [...state.lost.map((one) => one.executor), ...others])
    if (executor?.processGroup !== undefined) identities.set(encodeOwner(executor), executor);
  const busy = `SELECT 1 FROM tasks INDEXED BY tasks_held
    WHERE status = 'running' AND kind IS NOT NULL AND executor = ? AND id <> ?`;
  return [...identities].flatMap(([text, executor]) =>
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
  endAttempt(batch, task, 'aborted', { name: 'TaskAborted', code: stop.reason, message: stop.message });
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
