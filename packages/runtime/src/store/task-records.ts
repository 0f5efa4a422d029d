import type { TaskEdit, TaskId, TaskRecord, TaskScript } from '@run-pipeline/core/model';
import type { NewTask, Store, TaskQuery } from '@run-pipeline/core/ports';
import type { Connection, SqlValue } from './connection.js';
import {
  EDITED_COLUMNS,
  editedValues,
  EMPTY_RECORD,
  FROM_RECORDS,
  RECORD_COLUMNS,
  recordOf,
  valuesOfScript,
} from './rows/record.js';
import { storableText } from './rows/storable-text.js';
import { applyEdit, changesPublished } from './rules/record-edits.js';
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
  const record = applyEdit(
    { ...EMPTY_RECORD, project: task.project, name: task.name, type: task.type },
    task.edit,
  );
  connection.run(INSERT_RECORD, task.id, task.parent ?? null, now, ...editedValues(record));
  for (const { hash, bytes } of task.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.taskPins.add(task.id, hash);
  }
  pinScript(batch, task.id, record.script);
  return readTask(connection, task.id, now)!;
}

const INSERT_RECORD = `INSERT INTO task_records (id, parent, created_at, ${EDITED_COLUMNS.join(', ')})
  VALUES (?, ?, ?, ${EDITED_COLUMNS.map(() => '?').join(', ')})`;
const UPDATE_RECORD = `UPDATE task_records SET ${EDITED_COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`;

function pinScript(batch: WriteBatch, task: TaskId, script: TaskScript | undefined): void {
  for (const hash of valuesOfScript(script)) batch.taskPins.add(task, hash);
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
  connection.run(UPDATE_RECORD, ...editedValues(edited), task);
  if (edit.script !== undefined) pinScript(batch, task, edit.script);
  return { ok: true, task: readTask(connection, task, now)! };
}

export function publishTask(batch: WriteBatch, task: TaskId): boolean {
  const sql = `UPDATE tasks SET status = 'published' WHERE id = ? AND status IN ('created', 'completed')
    AND id IN (SELECT id FROM task_records)`;
  return batch.connection.run(sql, task) > 0;
}

const SELECT = `SELECT ${RECORD_COLUMNS} ${FROM_RECORDS}`;

export function readTask(connection: Connection, task: TaskId, now: number): TaskRecord | undefined {
  const row = connection.get(`${SELECT} WHERE c.id = ?`, task);
  return row && recordOf(row, now);
}

/** Newest first. */
export function findTasks(connection: Connection, query: TaskQuery, now: number): readonly TaskRecord[] {
  const where: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, ...more: readonly SqlValue[]): void => {
    where.push(condition);
    values.push(...more);
  };
  if (query.project !== undefined) add('c.project = ?', storableText(query.project));
  if (query.name !== undefined) add('c.name = ?', storableText(query.name));
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
    .all(`${SELECT} ${condition} ORDER BY c.n DESC LIMIT ?`, ...values, query.limit ?? -1)
    .map((row) => recordOf(row, now));
}
