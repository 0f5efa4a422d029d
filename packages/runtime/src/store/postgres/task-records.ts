import type { TaskEdit, TaskId, TaskRecord, TaskScript } from '@run-pipeline/core/model';
import type { NewTask, Store, TaskQuery } from '@run-pipeline/core/ports';
import {
  EDITED_COLUMNS,
  editedValues,
  EMPTY_RECORD,
  FROM_RECORDS,
  RECORD_COLUMNS,
  recordOf,
  valuesOfScript,
} from '../rows/record.js';
import { applyEdit, changesPublished } from '../rules/record-edits.js';
import type { Sql } from './connection.js';
import { timed } from './reading.js';
import { taskState } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Tasks as records: what people name, edit, clone and publish. Status, attempt and queue are those of
 * the task's row in `tasks`, which a step may have without a record; that row is the one that is locked.
 */
export async function createTask(batch: WriteBatch, task: NewTask): Promise<TaskRecord> {
  const there = await readTask(batch, task.id);
  if (there !== undefined) return there;
  const run = task.run === undefined ? undefined : await batch.requireRun(task.run);
  // Of two that make it at once, the second one waits here until the first has committed.
  await batch.run(
    `INSERT INTO tasks (id, run, step, attempt, fence, epoch, status, lease_until)
     VALUES ($1, $2, $3, 0, 0, 0, 'created', 0) ON CONFLICT (id) DO NOTHING`,
    [task.id, run?.n ?? null, task.step ?? null],
  );
  const record = applyEdit(
    { ...EMPTY_RECORD, project: task.project, name: task.name, type: task.type },
    task.edit,
  );
  const made = await batch.run(INSERT_RECORD, [
    task.id,
    task.parent ?? null,
    batch.now,
    ...editedValues(record),
  ]);
  if (made > 0) {
    for (const { hash, bytes } of task.values ?? []) {
      batch.addBlob(hash, bytes.byteLength, bytes);
      batch.taskPins.add(task.id, hash);
    }
    pinScript(batch, task.id, record.script);
  }
  return (await readTask(batch, task.id))!;
}

const INSERT_RECORD = `INSERT INTO task_records (id, parent, created_at, ${EDITED_COLUMNS.join(', ')})
  VALUES ($1, $2, $3, ${EDITED_COLUMNS.map((_, index) => `$${index + 4}`).join(', ')})
  ON CONFLICT (id) DO NOTHING`;
const UPDATE_RECORD = `UPDATE task_records
  SET ${EDITED_COLUMNS.map((name, index) => `${name} = $${index + 2}`).join(', ')} WHERE id = $1`;

function pinScript(batch: WriteBatch, task: TaskId, script: TaskScript | undefined): void {
  for (const hash of valuesOfScript(script)) batch.taskPins.add(task, hash);
}

export async function editTask(
  batch: WriteBatch,
  task: TaskId,
  edit: TaskEdit,
  options: NonNullable<Parameters<Store['editTask']>[2]>,
): Promise<Awaited<ReturnType<Store['editTask']>>> {
  const state = await taskState(batch, task);
  const record = state && (await readTask(batch, task));
  if (record === undefined) return { ok: false, reason: 'unknown' };
  if (options.fence !== undefined && (state?.status !== 'running' || state.fence !== options.fence))
    return { ok: false, reason: 'stale-fence', task: record };
  const wrongStatus = options.status !== undefined && !options.status.includes(record.status);
  if (wrongStatus || (record.status === 'published' && changesPublished(edit)))
    return { ok: false, reason: 'status', task: record };

  await batch.run(UPDATE_RECORD, [task, ...editedValues(applyEdit(record, edit))]);
  if (edit.script !== undefined) pinScript(batch, task, edit.script);
  return { ok: true, task: (await readTask(batch, task))! };
}

export async function publishTask(batch: WriteBatch, task: TaskId): Promise<boolean> {
  const text = `UPDATE tasks SET status = 'published' WHERE id = $1 AND status IN ('created', 'completed')
    AND EXISTS (SELECT FROM task_records c WHERE c.id = tasks.id)`;
  return (await batch.run(text, [task])) > 0;
}

export async function readTask(sql: Sql, task: TaskId): Promise<TaskRecord | undefined> {
  const [row] = await sql.query(timed(sql, RECORD_COLUMNS, `${FROM_RECORDS} WHERE c.id = $1`), [task]);
  return row && recordOf(row, Number(row.at(-1)));
}

/** Newest first. */
export async function findTasks(sql: Sql, query: TaskQuery): Promise<readonly TaskRecord[]> {
  const where: string[] = ['true'];
  const values: unknown[] = [];
  const add = (value: unknown, condition: (place: string) => string): void => {
    where.push(condition(`$${values.push(value)}`));
  };
  if (query.project !== undefined) add(query.project, (place) => `c.project = ${place}`);
  if (query.name !== undefined) add(query.name, (place) => `c.name = ${place}`);
  if (query.idPrefix !== undefined) {
    add(query.idPrefix, (place) => `c.id >= ${place}`);
    add(`${query.idPrefix}\u{10FFFF}`, (place) => `c.id < ${place}`);
  }
  for (const tag of query.tags ?? []) add(listWith(tag), (place) => `c.tags ~ ${place}`);
  if (query.status !== undefined) add(query.status, (place) => `t.status = ANY (${place}::text[])`);
  if (query.type !== undefined) add(query.type, (place) => `c.type = ANY (${place}::text[])`);
  if (query.parent !== undefined) add(query.parent, (place) => `c.parent = ${place}`);
  if (query.run !== undefined) add(query.run, (place) => `t.run = (SELECT n FROM runs WHERE id = ${place})`);
  if (query.steps !== true) where.push('t.step IS NULL');
  if (query.before !== undefined)
    add(query.before, (place) => `c.n < (SELECT n FROM task_records WHERE id = ${place})`);
  const limit = `$${values.push(query.limit ?? null)}::bigint`;
  const from = `${FROM_RECORDS} WHERE ${where.join(' AND ')} ORDER BY c.n DESC LIMIT ${limit}`;
  const rows = await sql.query(timed(sql, RECORD_COLUMNS, from), values);
  return rows.map((row) => recordOf(row, Number(row.at(-1))));
}

/**
 * A regular expression for the JSON text of a list of strings that holds this one. Postgres' own functions
 * would refuse to take apart a list in which somebody wrote a NUL or half of a surrogate pair.
 */
function listWith(text: string): string {
  const one = '"(?:[^"\\\\]|\\\\.)*"';
  const wanted = JSON.stringify(text).replace(/[!-/:-@[-^`{-~]/g, (sign) => `\\${sign}`);
  return `^\\[(?:${one},)*${wanted}(?:,${one})*\\]$`;
}
