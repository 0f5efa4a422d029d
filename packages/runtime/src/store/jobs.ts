import type { RunId, StepName, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { JobKind, NewJob, QueuedJob, Store } from '@run-pipeline/core/ports';
import { forgetAttempt, mayAct, taskState, type OwnAttempt, type TaskState } from './task-state.js';
import type { Connection, SqlRow } from './connection.js';
import { waitForAgent } from './waiting-runs.js';
import { queuesByTurn } from './queues.js';
import type { RunState, WriteBatch } from './write-batch.js';

type Enqueued = Awaited<ReturnType<Store['enqueueTask']>>;

/**
 * Tasks that wait in queues. In a queue they are taken by priority, then by the order in which they
 * came; one that was lost or handed back keeps its place.
 */
export function enqueueTask(batch: WriteBatch, job: NewJob): Enqueued {
  const { connection, now } = batch;
  const run = job.run === undefined ? undefined : batch.run(job.run.id);
  const state = taskState(connection, job.task);
  const refused = refuse(batch, { job, run, state });
  if (refused !== undefined) return refused;

  const attempt = Math.max(job.run?.attempt ?? 1, (state?.attempt ?? 0) + 1);
  forgetAttempt(batch, job.task, attempt);
  if (state === undefined) {
    connection.run(
      `INSERT INTO tasks (id, run, step, attempt, fence, epoch, status, lease_until) VALUES (?, ?, ?, 0, 0, 0, 'created', 0)`,
      job.task,
      run?.n ?? null,
      job.run?.step ?? null,
    );
  }
  connection.run(
    `UPDATE tasks SET status = 'queued', attempt = ?, epoch = ?, executor = NULL, lease_until = 0, error = NULL,
       started_at = NULL, finished_at = NULL, kind = ?, queue = ?, priority = ?, place = ?, queued_at = ?,
       agent = NULL, identity = ?, first_attempt = ?, stop = NULL, outputs = 0,
       run = coalesce(run, ?, (SELECT n FROM runs WHERE id = tasks.id)) WHERE id = ?`,
    attempt,
    job.run?.epoch ?? 0,
    job.kind,
    job.queue,
    job.priority,
    batch.nextFence(),
    now,
    job.identity ?? null,
    attempt,
    run?.n ?? null,
    job.task,
  );
  keepSpec(batch, job);
  if (job.kind === 'controller') waitForAgent(batch, job.task, { evenEnded: true });
  return { ok: true, attempt };
}

function refuse(
  batch: WriteBatch,
  {
    job,
    run,
    state,
  }: {
    readonly job: NewJob;
    readonly run: RunState | undefined;
    readonly state: TaskState | undefined;
  },
): Enqueued | undefined {
  if (job.run !== undefined) {
    if (run === undefined) return { ok: false, reason: 'unknown' };
    if (run.epoch !== job.run.epoch) return { ok: false, reason: 'stale-epoch' };
    // A step of this run that the run itself was executing, as an older owner or too long ago.
    if (state?.status === 'running' && state.run === run.n && state.agent === null) {
      if (state.epoch < run.epoch || state.leaseUntil <= batch.now) return undefined;
    }
  } else if (batch.connection.get('SELECT 1 FROM task_records WHERE id = ?', job.task) === undefined) {
    return { ok: false, reason: 'unknown' };
  }
  const ended = job.run?.again === true ? ENDED : ENDED_BADLY;
  const free = state === undefined || state.status === 'created' || ended.includes(state.status);
  return free ? undefined : { ok: false, reason: 'status', status: state.status };
}

const ENDED_BADLY: readonly TaskStatus[] = ['failed', 'aborted'];
const ENDED: readonly TaskStatus[] = [...ENDED_BADLY, 'completed'];

function keepSpec(batch: WriteBatch, job: NewJob): void {
  if (job.spec === undefined) {
    batch.connection.run(`DELETE FROM task_documents WHERE task = ? AND name = 'spec'`, job.task);
  } else {
    const sql = `INSERT OR REPLACE INTO task_documents (task, name, bytes) VALUES (?, 'spec', ?)`;
    batch.connection.run(sql, job.task, job.spec);
  }
  for (const { hash, size, bytes } of job.pins ?? []) {
    batch.addBlob(hash, size, bytes);
    batch.taskPins.add(job.task, hash);
  }
}

export function withdrawTask(batch: WriteBatch, { task, attempt, by }: OwnAttempt): boolean {
  const state = taskState(batch.connection, task);
  if (state?.status !== 'queued' || state.attempt !== attempt || !mayAct(batch, by)) return false;
  withdraw(batch, task);
  return true;
}

/** The attempt never was: the next one has its number. */
function withdraw(batch: WriteBatch, task: TaskId): void {
  batch.connection.run(
    `UPDATE tasks SET status = 'created', attempt = attempt - 1, queued_at = NULL WHERE id = ?`,
    task,
  );
}

export function clearQueue(batch: WriteBatch, queue: string): readonly TaskId[] {
  const tasks = listQueued(batch.connection, queue).map(({ task }) => task);
  for (const task of tasks) withdraw(batch, task);
  return tasks;
}

const SELECT_JOB = `SELECT t.id, t.attempt, t.kind, t.queue, t.priority, r.id, t.step, t.queued_at FROM tasks t`;
const ITS_RUN = 'LEFT JOIN runs r ON r.n = t.run';
// The index is named: without statistics SQLite might walk all tasks of all runs.
const SELECT_WAITING = `${SELECT_JOB} INDEXED BY tasks_waiting ${ITS_RUN} WHERE t.status = 'queued' AND t.queue = ?`;
const IN_TURN = 'ORDER BY t.priority DESC, t.place';

export function jobOf(connection: Connection, task: TaskId): QueuedJob | undefined {
  const row = connection.get(`${SELECT_JOB} ${ITS_RUN} WHERE t.id = ? AND t.status = 'queued'`, task);
  return row && queuedJob(row);
}

/** `kinds` are those to leave alone. */
export function nextQueued(
  connection: Connection,
  { queues, order, kinds = [] }: Parameters<Store['nextQueued']>[0],
): QueuedJob | undefined {
  const but = JSON.stringify(kinds);
  for (const queue of order === 'fair' ? queuesByTurn(connection, queues) : queues) {
    const row = connection.get(
      `${SELECT_WAITING} AND t.kind NOT IN (SELECT value FROM json_each(?)) ${IN_TURN} LIMIT 1`,
      queue,
      but,
    );
    if (row !== undefined) return queuedJob(row);
  }
  return undefined;
}

export function listQueued(connection: Connection, queue: string): readonly QueuedJob[] {
  return connection.all(`${SELECT_WAITING} ${IN_TURN}`, queue).map(queuedJob);
}

function queuedJob(row: SqlRow): QueuedJob {
  const [task, attempt, kind, queue, priority, run, step, queuedAt] = row as [
    TaskId,
    number,
    JobKind,
    string,
    number,
    RunId | null,
    StepName | null,
    number,
  ];
  return {
    task,
    attempt,
    kind,
    queue,
    priority,
    run: run ?? undefined,
    step: step ?? undefined,
    enqueuedAt: new Date(queuedAt).toISOString(),
  };
}
