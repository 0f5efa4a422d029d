import type { TaskId } from '@run-pipeline/core/model';
import type { NewJob, QueuedJob, Store } from '@run-pipeline/core/ports';
import { JOB_COLUMNS, queuedJobOf } from '../rows/job.js';
import { encodeResources } from '../rows/resources.js';
import type { OwnAttempt } from '../rows/task-state.js';
import { nextAttempt, refuseJob } from '../rules/enqueue.js';
import type { Sql } from './connection.js';
import { forgetAttempt, mayAct, taskState } from './task-state.js';
import { lockRunOf, waitForAgent } from './waiting-runs.js';
import type { WriteBatch } from './write-batch.js';

type Enqueued = Awaited<ReturnType<Store['enqueueTask']>>;

/**
 * Tasks that wait in queues. In a queue they are taken by priority, then by the order in which they
 * came; one that was lost or handed back keeps its place.
 */
export async function enqueueTask(batch: WriteBatch, job: NewJob): Promise<Enqueued> {
  const run = job.run === undefined ? undefined : await batch.runState(job.run.id);
  if (job.kind === 'controller') await lockRunOf(batch, job.task);
  const state = await taskState(batch, job.task);
  const hasRecord = job.run === undefined && (await isRecord(batch, job.task));
  const refused = refuseJob({ job, run, hasRecord, state, now: batch.now });
  if (refused !== undefined) return refused;

  const attempt = nextAttempt(job, state);
  if (state !== undefined) await forgetAttempt(batch, job.task, attempt);
  await batch.run(ENQUEUE, [
    job.task,
    run?.n ?? null,
    job.run?.step ?? null,
    attempt,
    job.run?.epoch ?? 0,
    job.kind,
    job.queue,
    job.priority,
    batch.now,
    job.identity ?? null,
    encodeResources(job.resources ?? {}),
  ]);
  await keepSpec(batch, job);
  if (job.kind === 'controller') await waitForAgent(batch, job.task, { evenEnded: true });
  return { ok: true, attempt };
}

/** Fence, lost attempts and step stay as they are. */
const ENQUEUE = `INSERT INTO tasks (id, run, step, attempt, fence, epoch, status, lease_until, kind, queue, priority,
    place, queued_at, identity, resources, first_attempt, outputs)
  VALUES ($1, coalesce($2, (SELECT n FROM runs WHERE id = $1)), $3, $4, 0, $5, 'queued', 0, $6, $7, $8,
    nextval('fences'), $9, $10, $11, $4, 0)
  ON CONFLICT (id) DO UPDATE SET run = coalesce(tasks.run, excluded.run), attempt = excluded.attempt,
    epoch = excluded.epoch, status = excluded.status, executor = NULL, lease_until = 0, error = NULL,
    started_at = NULL, finished_at = NULL, kind = excluded.kind, queue = excluded.queue,
    priority = excluded.priority, place = excluded.place, queued_at = excluded.queued_at, agent = NULL,
    identity = excluded.identity, resources = excluded.resources, first_attempt = excluded.first_attempt,
    stop = NULL, outputs = 0`;

export async function isRecord(sql: Sql, task: TaskId): Promise<boolean> {
  return (await sql.query('SELECT FROM task_records WHERE id = $1', [task])).length > 0;
}

async function keepSpec(batch: WriteBatch, job: NewJob): Promise<void> {
  if (job.spec === undefined) {
    await batch.run(`DELETE FROM task_documents WHERE task = $1 AND name = 'spec'`, [job.task]);
  } else {
    await batch.run(
      `INSERT INTO task_documents (task, name, bytes) VALUES ($1, 'spec', $2)
       ON CONFLICT (task, name) DO UPDATE SET bytes = excluded.bytes`,
      [job.task, job.spec],
    );
  }
  for (const { hash, size, bytes } of job.pins ?? []) {
    batch.addBlob(hash, size, bytes);
    batch.taskPins.add(job.task, hash);
  }
}

export async function withdrawTask(batch: WriteBatch, { task, attempt, by }: OwnAttempt): Promise<boolean> {
  if (!(await mayAct(batch, by))) return false;
  const state = await taskState(batch, task);
  if (state?.status !== 'queued' || state.attempt !== attempt) return false;
  await withdraw(batch, [task]);
  return true;
}

/** The attempts never were: the next ones have their numbers. */
const withdraw = (batch: WriteBatch, tasks: readonly TaskId[]): Promise<number> =>
  batch.run(
    `UPDATE tasks SET status = 'created', attempt = attempt - 1, queued_at = NULL WHERE id = ANY ($1::text[])`,
    [tasks],
  );

export async function clearQueue(batch: WriteBatch, queue: string): Promise<readonly TaskId[]> {
  const locked = await batch.query<readonly [TaskId, number, number]>(
    `SELECT id, priority, place FROM tasks WHERE status = 'queued' AND queue = $1 ORDER BY id FOR UPDATE`,
    [queue],
  );
  if (locked.length === 0) return [];
  await withdraw(
    batch,
    locked.map(([task]) => task),
  );
  return locked.toSorted(([, p, a], [, q, b]) => q - p || a - b).map(([task]) => task);
}

const SELECT_JOB = `SELECT ${JOB_COLUMNS} FROM tasks t LEFT JOIN runs r ON r.n = t.run`;

export async function jobOf(sql: Sql, task: TaskId): Promise<QueuedJob | undefined> {
  const [row] = await sql.query(`${SELECT_JOB} WHERE t.id = $1 AND t.status = 'queued'`, [task]);
  return row && queuedJobOf(row);
}

export async function listQueued(sql: Sql, queue: string): Promise<readonly QueuedJob[]> {
  const rows = await sql.query(
    `${SELECT_JOB} WHERE t.status = 'queued' AND t.queue = $1 ORDER BY t.priority DESC, t.place`,
    [queue],
  );
  return rows.map(queuedJobOf);
}

/**
 * Of all jobs of these queues with the same kind and the same needs the first one, in the order in which
 * they are to be taken: of what else waits there, nothing could be taken sooner by anybody. Looks at one
 * entry of the index a group, however many wait.
 */
export async function firstQueued(
  sql: Sql,
  queues: readonly string[],
): Promise<ReadonlyMap<string, readonly QueuedJob[]>> {
  const jobs = new Map<string, QueuedJob[]>(queues.map((queue) => [queue, []]));
  for (const row of await sql.query(FIRST_QUEUED, [[...jobs.keys()]])) {
    const job = queuedJobOf(row);
    jobs.get(job.queue)?.push(job);
  }
  return jobs;
}

const FIRST_QUEUED = `WITH RECURSIVE groups (queue, kind, resources) AS (
    SELECT q.queue, t.kind, t.resources FROM unnest($1::text[]) AS q (queue) CROSS JOIN LATERAL (
      SELECT w.kind, w.resources FROM tasks w WHERE w.status = 'queued' AND w.queue = q.queue
      ORDER BY w.kind, w.resources LIMIT 1) t
    UNION ALL
    SELECT g.queue, t.kind, t.resources FROM groups g CROSS JOIN LATERAL (
      SELECT w.kind, w.resources FROM tasks w WHERE w.status = 'queued' AND w.queue = g.queue
        AND (w.kind, w.resources) > (g.kind, g.resources)
      ORDER BY w.kind, w.resources LIMIT 1) t)
  SELECT ${JOB_COLUMNS} FROM groups g CROSS JOIN LATERAL (
    SELECT * FROM tasks w WHERE w.status = 'queued' AND w.queue = g.queue AND w.kind = g.kind
      AND w.resources = g.resources
    ORDER BY w.priority DESC, w.place LIMIT 1) t
  LEFT JOIN runs r ON r.n = t.run ORDER BY t.priority DESC, t.place`;
