import type {
  ArtifactRecord,
  ErrorRecord,
  StoredArtifact,
  TaskId,
  TaskStatus,
} from '@run-pipeline/core/model';
import type { NewEnding, TaskEnding } from '@run-pipeline/core/ports';
import { endAttempt, heldAttempt } from './task-state.js';
import type { Connection } from './connection.js';
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
  ) as [string, Uint8Array | null][];
  return rows.map(([text, bytes]) => {
    const record = JSON.parse(text) as ArtifactRecord;
    return bytes === null ? { record } : { record, inline: bytes };
  });
}

export function readTaskEnding(connection: Connection, task: TaskId): TaskEnding | undefined {
  const row = connection.get(
    `SELECT t.attempt, t.fence, t.status, t.error, d.bytes FROM tasks t
     LEFT JOIN task_documents d ON d.task = t.id AND d.name = 'ending'
     WHERE t.id = ? AND t.status IN ('completed', 'failed', 'aborted', 'published') AND t.finished_at IS NOT NULL`,
    task,
  ) as [number, number, TaskStatus, string | null, Uint8Array | null] | undefined;
  if (row === undefined) return undefined;
  const [attempt, fence, status, error, document] = row;
  return {
    attempt,
    fence,
    // Published since: it had completed.
    status: status === 'published' ? 'completed' : (status as TaskEnding['status']),
    error: error === null ? undefined : (JSON.parse(error) as ErrorRecord),
    document: document ?? undefined,
  };
}
