import type { StoredArtifact, TaskId } from '@run-pipeline/core/model';
import type { NewEnding, TaskEnding } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { endingOf, storedArtifactOf } from './rows/ending.js';
import { endAttempt, heldAttempt } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

/** How an attempt ended and what it left: outcome, artifacts and their pins, in one transaction. */
export function finishAttempt(batch: WriteBatch, ending: NewEnding): boolean {
  const { task } = ending;
  const state = heldAttempt(batch.connection, task, ending.fence);
  if (state === undefined) return false;
  ending.artifacts.forEach((artifact, index) =>
    putTaskArtifact(batch, task, state.outputs + index, artifact),
  );
  if (ending.document !== undefined) {
    const sql = `INSERT OR REPLACE INTO task_documents (task, name, bytes) VALUES (?, 'ending', ?)`;
    batch.connection.run(sql, task, ending.document);
  }
  endAttempt(batch, task, ending.status, ending.error);
  return true;
}

/** A name that is there already keeps its place. */
export function putTaskArtifact(
  batch: WriteBatch,
  task: TaskId,
  position: number,
  { record, inline }: StoredArtifact,
): void {
  batch.addBlob(record.hash, record.size, inline);
  batch.connection.run(
    `INSERT INTO task_artifacts (task, name, position, hash, record) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (task, name) DO UPDATE SET hash = excluded.hash, record = excluded.record`,
    task,
    record.name,
    position,
    record.hash,
    JSON.stringify(record),
  );
}

export function readTaskArtifacts(connection: Connection, task: TaskId): readonly StoredArtifact[] {
  const rows = connection.all(
    `SELECT a.record, b.bytes FROM task_artifacts a LEFT JOIN blobs b ON b.hash = a.hash
     WHERE a.task = ? ORDER BY a.position, a.name`,
    task,
  );
  return rows.map(storedArtifactOf);
}

export function readTaskEnding(connection: Connection, task: TaskId): TaskEnding | undefined {
  const row = connection.get(
    `SELECT t.attempt, t.fence, t.status, t.error, d.bytes FROM tasks t
     LEFT JOIN task_documents d ON d.task = t.id AND d.name = 'ending'
     WHERE t.id = ? AND t.status IN ('completed', 'failed', 'aborted', 'published') AND t.finished_at IS NOT NULL`,
    task,
  );
  return row && endingOf(row);
}
