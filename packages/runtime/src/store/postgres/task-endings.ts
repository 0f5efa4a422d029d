import type { StoredArtifact, TaskId } from '@run-pipeline/core/model';
import type { NewEnding, TaskEnding } from '@run-pipeline/core/ports';
import { endingOf, storedArtifactOf } from '../rows/ending.js';
import type { Sql } from './connection.js';
import { endAttempt, heldAttempt } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

/** How an attempt ended and what it left: outcome, artifacts and their pins, in one transaction. */
export async function finishAttempt(batch: WriteBatch, ending: NewEnding): Promise<boolean> {
  const { task } = ending;
  const state = await heldAttempt(batch, task, ending.fence);
  if (state === undefined) return false;
  await putTaskArtifacts(
    batch,
    task,
    ending.artifacts.map((artifact, index) => ({ position: state.outputs + index, artifact })),
  );
  if (ending.document !== undefined) {
    await batch.run(
      `INSERT INTO task_documents (task, name, bytes) VALUES ($1, 'ending', $2)
       ON CONFLICT (task, name) DO UPDATE SET bytes = excluded.bytes`,
      [task, ending.document],
    );
  }
  await endAttempt(batch, task, ending.status, ending.error);
  return true;
}

/** A name that is there already keeps its place; the last one with a name is what it has. */
export async function putTaskArtifacts(
  batch: WriteBatch,
  task: TaskId,
  artifacts: readonly { readonly position: number; readonly artifact: StoredArtifact }[],
): Promise<void> {
  if (artifacts.length === 0) return;
  const byName = new Map<string, (typeof artifacts)[number]>();
  for (const { position, artifact } of artifacts) {
    const { record, inline } = artifact;
    batch.addBlob(record.hash, record.size, inline);
    byName.set(record.name, { position: byName.get(record.name)?.position ?? position, artifact });
  }
  const rows = [...byName.values()];
  await batch.run(
    `INSERT INTO task_artifacts (task, name, position, hash, record)
     SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::text[], $5::text[])
     ON CONFLICT (task, name) DO UPDATE SET hash = excluded.hash, record = excluded.record`,
    [
      task,
      rows.map(({ artifact }) => artifact.record.name),
      rows.map(({ position }) => position),
      rows.map(({ artifact }) => artifact.record.hash),
      rows.map(({ artifact }) => JSON.stringify(artifact.record)),
    ],
  );
}

export async function readTaskArtifacts(sql: Sql, task: TaskId): Promise<readonly StoredArtifact[]> {
  const rows = await sql.query(
    `SELECT a.record, b.bytes FROM task_artifacts a LEFT JOIN blobs b ON b.hash = a.hash
     WHERE a.task = $1 ORDER BY a.position, a.name`,
    [task],
  );
  return rows.map(storedArtifactOf);
}

export async function readTaskEnding(sql: Sql, task: TaskId): Promise<TaskEnding | undefined> {
  const [row] = await sql.query(
    `SELECT t.attempt, t.fence, t.status, t.error, d.bytes FROM tasks t
     LEFT JOIN task_documents d ON d.task = t.id AND d.name = 'ending'
     WHERE t.id = $1 AND t.status IN ('completed', 'failed', 'aborted', 'published') AND t.finished_at IS NOT NULL`,
    [task],
  );
  return row && endingOf(row);
}
