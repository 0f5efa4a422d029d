import type { TaskId } from '@run-pipeline/core/model';
import type { NewJob, QueuedJob, Store } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { JOB_COLUMNS, queuedJobOf } from './rows/job.js';
import { encodeResources } from './rows/resources.js';
import type { OwnAttempt } from './rows/task-state.js';
import { nextAttempt, refuseJob } from './rules/enqueue.js';
import { forgetAttempt, mayAct, taskState } from './task-state.js';
import { waitForAgent } from './waiting-runs.js';
import type { WriteBatch } from './write-batch.js';

type Enqueued = Awaited<ReturnType<Store['enqueueTask']>>;

/**
 * Tasks that wait in queues. In a queue they are taken by priority, then by the order in which they
 * came; one that was lost or handed back keeps its place.
 */
export function enqueueTask(batch: WriteBatch, job: NewJob): Enqueued {
  const { connection, now } = batch;
  const run = job.run === undefined ? undefined : batch.run(job.run.id);
  const state = taskState(connection, job.task);
  const hasRecord =
    job.run === undefined &&
    connection.get('SELECT 1 FROM task_records WHERE id = ?', job.task) !== undefined;
  const refused = refuseJob({ job, run, hasRecord, state, now });
  if (refused !== undefined) return refused;

  const attempt = nextAttempt(job, state);
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
       agent = NULL, identity = ?, resources = ?, first_attempt = ?, stop = NULL, outputs = 0,
       run = coalesce(run, ?, (SELECT n FROM runs WHERE id = tasks.id)) WHERE id = ?`,
    attempt,
    job.run?.epoch ?? 0,
    job.kind,
    job.queue,
    job.priority,
    batch.nextFence(),
    now,
    job.identity ?? null,
    encodeResources(job.resources ?? {}),
    attempt,
    run?.n ?? null,
    job.task,
  );
  keepSpec(batch, job);
  if (job.kind === 'controller') waitForAgent(batch, job.task, { evenEnded: true });
  return { ok: true, attempt };
}

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

const SELECT_JOB = `SELECT ${JOB_COLUMNS} FROM tasks t`;
const ITS_RUN = 'LEFT JOIN runs r ON r.n = t.run';
// The index is named: without statistics SQLite might walk all tasks of all runs.
const SELECT_WAITING = `${SELECT_JOB} INDEXED BY tasks_waiting ${ITS_RUN} WHERE t.status = 'queued' AND t.queue = ?`;
const IN_TURN = 'ORDER BY t.priority DESC, t.place';

export function jobOf(connection: Connection, task: TaskId): QueuedJob | undefined {
  const row = connection.get(`${SELECT_JOB} ${ITS_RUN} WHERE t.id = ? AND t.status = 'queued'`, task);
  return row && queuedJobOf(row);
}

export function listQueued(connection: Connection, queue: string): readonly QueuedJob[] {
  return connection.all(`${SELECT_WAITING} ${IN_TURN}`, queue).map(queuedJobOf);
}

/**
 * Of all jobs of a queue with the same kind and the same needs the first one, in the order in which they are
 * to be taken: of what else waits there, nothing could be taken sooner by anybody.
 */
export function firstQueued(connection: Connection, queue: string): readonly QueuedJob[] {
  const found: (readonly [number, QueuedJob])[] = [];
  let after: readonly [string, string] = ['', ''];
  for (;;) {
    const group = connection.get(NEXT_GROUP, queue, ...after) as [string, string] | undefined;
    if (group === undefined) break;
    after = group;
    const first = connection.get(FIRST_OF_GROUP, queue, ...group);
    if (first === undefined) continue; // the last one of its group was taken meanwhile
    const [place, ...row] = first;
    found.push([Number(place), queuedJobOf(row)]);
  }
  return found.toSorted(([a, one], [b, two]) => two.priority - one.priority || a - b).map(([, job]) => job);
}

const NEXT_GROUP = `SELECT kind, resources FROM tasks INDEXED BY tasks_waiting
  WHERE status = 'queued' AND queue = ? AND (kind, resources) > (?, ?) ORDER BY kind, resources LIMIT 1`;
const FIRST_OF_GROUP = `SELECT t.place, ${JOB_COLUMNS} FROM tasks t INDEXED BY tasks_waiting ${ITS_RUN}
  WHERE t.status = 'queued' AND t.queue = ? AND t.kind = ? AND t.resources = ? ${IN_TURN} LIMIT 1`;
