import type {
  Digest,
  ErrorRecord,
  RunId,
  StepName,
  TaskConfigurations,
  TaskEdit,
  TaskId,
  TaskParameters,
  TaskRecord,
  TaskScript,
  TaskStatus,
  TaskType,
} from '@run-pipeline/core/model';
import type { NewTask, Store, TaskQuery } from '@run-pipeline/core/ports';
import type { Connection, SqlRow, SqlValue } from './connection.js';
import { applyEdit, changesPublished, type EditableRecord } from './record-edits.js';
import { requireRun } from './runs.js';
import { taskState } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Tasks as records: what people name, edit, clone and publish. Status, attempt and queue are those of
 * the task's row in `tasks`, which a step may have without a record.
 */
export function createTask(batch: WriteBatch, task: NewTask): TaskRecord {
  const { connection, now } = batch;
  const there = readTask(connection, task.id, now);
  if (there !== undefined) return there;
  const run = task.run === undefined ? undefined : requireRun(batch, task.run);
  connection.run(
    `INSERT INTO tasks (id, run, step, attempt, fence, epoch, status, lease_until) VALUES (?, ?, ?, 0, 0, 0, 'created', 0)
     ON CONFLICT (id) DO NOTHING`,
    task.id,
    run?.n ?? null,
    task.step ?? null,
  );
  const record = applyEdit({ ...EMPTY, project: task.project, name: task.name, type: task.type }, task.edit);
  connection.run(
    `INSERT INTO task_records (id, parent, created_at, project, name, type, tags, comment, script, parameters,
       configurations, progress) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    task.id,
    task.parent ?? null,
    now,
    ...columns(record),
  );
  for (const { hash, bytes } of task.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.taskPins.add(task.id, hash);
  }
  pinScript(batch, task.id, record.script);
  return readTask(connection, task.id, now)!;
}

const EMPTY = {
  tags: [],
  comment: '',
  script: undefined,
  parameters: {},
  configurations: {},
  progress: undefined,
} as const;

const columns = (record: EditableRecord): readonly SqlValue[] => [
  record.project,
  record.name,
  record.type,
  JSON.stringify(record.tags),
  record.comment,
  record.script === undefined ? null : JSON.stringify(record.script),
  JSON.stringify(record.parameters),
  JSON.stringify(record.configurations),
  record.progress ?? null,
];

/** A clone refers to the same values as its parent, and outlives it. */
function pinScript(batch: WriteBatch, task: TaskId, script: TaskScript | undefined): void {
  const hashes: readonly (Digest | undefined)[] = [script?.launch, script?.git?.diff];
  for (const hash of hashes) if (hash !== undefined) batch.taskPins.add(task, hash);
}

export function editTask(
  batch: WriteBatch,
  task: TaskId,
  edit: TaskEdit,
  options: NonNullable<Parameters<Store['editTask']>[2]>,
): Awaited<ReturnType<Store['editTask']>> {
  const { connection, now } = batch;
  const record = readTask(connection, task, now);
  if (record === undefined) return { ok: false, reason: 'unknown' };
  if (options.fence !== undefined) {
    const state = taskState(connection, task);
    if (state?.status !== 'running' || state.fence !== options.fence)
      return { ok: false, reason: 'stale-fence', task: record };
  }
  const wrongStatus = options.status !== undefined && !options.status.includes(record.status);
  if (wrongStatus || (record.status === 'published' && changesPublished(edit)))
    return { ok: false, reason: 'status', task: record };

  const edited = applyEdit(record, edit);
  connection.run(
    `UPDATE task_records SET project = ?, name = ?, type = ?, tags = ?, comment = ?, script = ?, parameters = ?,
       configurations = ?, progress = ? WHERE id = ?`,
    ...columns(edited),
    task,
  );
  if (edit.script !== undefined) pinScript(batch, task, edit.script);
  return { ok: true, task: readTask(connection, task, now)! };
}

export function publishTask(batch: WriteBatch, task: TaskId): boolean {
  const sql = `UPDATE tasks SET status = 'published' WHERE id = ? AND status IN ('created', 'completed')
    AND id IN (SELECT id FROM task_records)`;
  return batch.connection.run(sql, task) > 0;
}

const SELECT_RECORD = `SELECT c.id, c.project, c.name, c.type, t.status, c.tags, c.comment, c.parent, r.id, t.step,
    c.script, c.parameters, c.configurations, c.progress, t.queue, t.priority, t.attempt, c.created_at,
    t.started_at, t.finished_at, t.error, t.lease_until, t.queued_at
  FROM task_records c JOIN tasks t ON t.id = c.id LEFT JOIN runs r ON r.n = t.run`;

export function readTask(connection: Connection, task: TaskId, now: number): TaskRecord | undefined {
  const row = connection.get(`${SELECT_RECORD} WHERE c.id = ?`, task);
  return row && taskRecord(row, now);
}

/** Newest first. */
export function findTasks(connection: Connection, query: TaskQuery, now: number): readonly TaskRecord[] {
  const where: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, ...more: readonly SqlValue[]): void => {
    where.push(condition);
    values.push(...more);
  };
  if (query.project !== undefined) add('c.project = ?', query.project);
  if (query.name !== undefined) add('c.name = ?', query.name);
  if (query.idPrefix !== undefined)
    add('c.id >= ? AND c.id < ?', query.idPrefix, `${query.idPrefix}\u{10FFFF}`);
  for (const tag of query.tags ?? []) add('? IN (SELECT value FROM json_each(c.tags))', tag);
  if (query.status !== undefined)
    add('t.status IN (SELECT value FROM json_each(?))', JSON.stringify(query.status));
  if (query.type !== undefined) add('c.type IN (SELECT value FROM json_each(?))', JSON.stringify(query.type));
  if (query.parent !== undefined) add('c.parent = ?', query.parent);
  if (query.run !== undefined) add('t.run = (SELECT n FROM runs WHERE id = ?)', query.run);
  if (query.steps !== true) add('t.step IS NULL');
  if (query.before !== undefined) add('c.n < (SELECT n FROM task_records WHERE id = ?)', query.before);
  const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  return connection
    .all(`${SELECT_RECORD} ${condition} ORDER BY c.n DESC LIMIT ?`, ...values, query.limit ?? -1)
    .map((row) => taskRecord(row, now));
}

function taskRecord(row: SqlRow, now: number): TaskRecord {
  const [id, project, name, type, status, tags, comment, parent, run, step, ...rest] = row as [
    TaskId,
    string,
    string,
    TaskType,
    TaskStatus,
    string,
    string,
    TaskId | null,
    RunId | null,
    StepName | null,
    string | null,
    string,
    string,
    number | null,
    string | null,
    number | null,
    number,
    number,
    number | null,
    number | null,
    string | null,
    number,
    number | null,
  ];
  const [script, parameters, configurations, progress, queue, priority, attempt, ...times] = rest;
  const [createdAt, startedAt, finishedAt, error, leaseUntil, queuedAt] = times;
  // Of an attempt that waits, or ended while it did, there was no execution.
  const waited = status === 'queued' || (status === 'aborted' && startedAt === null && queuedAt !== null);
  return {
    id,
    project,
    name,
    type,
    status,
    tags: JSON.parse(tags) as string[],
    comment,
    parent: parent ?? undefined,
    run: run ?? undefined,
    step: step ?? undefined,
    script: script === null ? undefined : (JSON.parse(script) as TaskScript),
    parameters: JSON.parse(parameters) as TaskParameters,
    configurations: JSON.parse(configurations) as TaskConfigurations,
    progress: progress ?? undefined,
    queue: queue ?? undefined,
    priority: priority ?? 0,
    attempt: waited ? Math.max(0, attempt - 1) : attempt,
    createdAt: new Date(createdAt).toISOString(),
    startedAt: startedAt === null ? undefined : new Date(startedAt).toISOString(),
    finishedAt: finishedAt === null ? undefined : new Date(finishedAt).toISOString(),
    error: error === null ? undefined : (JSON.parse(error) as ErrorRecord),
    leaseExpired: status === 'running' && leaseUntil <= now,
  };
}
