import type { TaskId } from '@run-pipeline/core/model';
import type { Store, TaskOutput, TaskOutputRow } from '@run-pipeline/core/ports';
import { readValues } from './cache-entries.js';
import type { Connection } from './connection.js';
import { decodeOutput, encodeOutput } from './rows/output.js';
import { putTaskArtifact } from './task-endings.js';
import { heldAttempt } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

type NewOutput = Parameters<Store['appendTaskOutput']>[0];

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
    pin(batch, task, seq, entry);
    batch.taskOutput.add(task, state.attempt, seq, now, encodeOutput(entry));
  });
  if (entries.length > 0)
    connection.run('UPDATE tasks SET outputs = ? WHERE id = ?', state.outputs + entries.length, task);
  return true;
}

function pin(batch: WriteBatch, task: TaskId, position: number, entry: TaskOutput): void {
  if (entry.kind === 'report' && 'artifact' in entry.report) {
    const { hash, size } = entry.report.artifact;
    batch.addBlob(hash, size, undefined);
    batch.taskPins.add(task, hash);
  } else if (entry.kind === 'artifact') {
    // Pinned apart: the row of output stays when the artifact is replaced.
    batch.taskPins.add(task, entry.artifact.record.hash);
    putTaskArtifact(batch, task, position, entry.artifact);
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
  );
  const { small, outputs } = decodeOutput(rows);
  return outputs(readValues(connection, small));
}
