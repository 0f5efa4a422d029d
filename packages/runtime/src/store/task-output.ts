import { INLINE_LIMIT, type ArtifactRecord, type Digest, type TaskId } from '@run-pipeline/core/model';
import type { Store, TaskOutput, TaskOutputRow } from '@run-pipeline/core/ports';
import { heldAttempt } from './task-state.js';
import { readValues } from './cache-entries.js';
import type { Connection } from './connection.js';
import { putTaskArtifact } from './task-endings.js';
import type { WriteBatch } from './write-batch.js';

type NewOutput = Parameters<Store['appendTaskOutput']>[0];

/** As it is kept: bytes of small artifacts are values of the store. */
type KeptOutput =
  | Exclude<TaskOutput, { readonly kind: 'artifact' }>
  | { readonly kind: 'artifact'; readonly artifact: ArtifactRecord };

/** What a running attempt says, in order, numbered from 0; all it refers to is pinned until the task goes. */
export function appendTaskOutput(batch: WriteBatch, output: NewOutput): boolean {
  const { connection, now } = batch;
  const { task, entries } = output;
  const state = heldAttempt(connection, task, output.fence);
  if (state === undefined) return false;
  for (const { hash, bytes } of output.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.taskPins.add(task, hash);
  }
  entries.forEach((entry, index) => {
    const seq = state.outputs + index;
    batch.taskOutput.add(task, state.attempt, seq, now, JSON.stringify(keep(batch, task, seq, entry)));
  });
  if (entries.length > 0)
    connection.run('UPDATE tasks SET outputs = ? WHERE id = ?', state.outputs + entries.length, task);
  return true;
}

function keep(batch: WriteBatch, task: TaskId, position: number, entry: TaskOutput): KeptOutput {
  switch (entry.kind) {
    case 'log':
      return entry;
    case 'report':
      if ('artifact' in entry.report) {
        const { hash, size } = entry.report.artifact;
        batch.addBlob(hash, size, undefined);
        batch.taskPins.add(task, hash);
      }
      return entry;
    case 'artifact':
      // Pinned apart: the row of output stays when the artifact is replaced.
      batch.taskPins.add(task, entry.artifact.record.hash);
      putTaskArtifact(batch, task, position, entry.artifact);
      return { kind: 'artifact', artifact: entry.artifact.record };
    default:
      return entry satisfies never;
  }
}

export function readTaskOutput(
  connection: Connection,
  task: TaskId,
  query: NonNullable<Parameters<Store['readTaskOutput']>[1]> = {},
): readonly TaskOutputRow[] {
  const rows = connection.all(
    `SELECT attempt, seq, at, body FROM task_output
     WHERE task = ?1 AND attempt = coalesce(?2, (SELECT attempt FROM tasks WHERE id = ?1)) AND seq > ?3
     ORDER BY seq LIMIT ?4`,
    task,
    query.attempt ?? null,
    query.afterSeq ?? -1,
    query.limit ?? -1,
  ) as [number, number, number, string][];
  const kept = rows.map(([attempt, seq, at, body]) => ({
    ...(JSON.parse(body) as KeptOutput),
    seq,
    attempt,
    ts: new Date(at).toISOString(),
  }));
  const values = readValues(connection, kept.flatMap(smallArtifact));
  return kept.map((row): TaskOutputRow => {
    if (row.kind !== 'artifact') return row;
    const inline = values.get(row.artifact.hash);
    return { ...row, artifact: { record: row.artifact, ...(inline === undefined ? {} : { inline }) } };
  });
}

const smallArtifact = (row: KeptOutput): readonly Digest[] =>
  row.kind === 'artifact' && row.artifact.size <= INLINE_LIMIT ? [row.artifact.hash] : [];
