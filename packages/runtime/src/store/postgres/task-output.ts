import type { TaskId } from '@run-pipeline/core/model';
import type { Store, TaskOutputRow } from '@run-pipeline/core/ports';
import { decodeOutput, encodeOutput } from '../rows/output.js';
import { readValues } from './values.js';
import type { Sql } from './connection.js';
import { putTaskArtifacts } from './task-endings.js';
import { heldAttempt } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

type NewOutput = Parameters<Store['appendTaskOutput']>[0];

/** What a running attempt says, in order, numbered from 0; all it refers to is pinned until the task goes. */
export async function appendTaskOutput(batch: WriteBatch, output: NewOutput): Promise<boolean> {
  const { task, entries } = output;
  const state = await heldAttempt(batch, task, output.fence);
  if (state === undefined) return false;
  for (const { hash, bytes } of output.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.taskPins.add(task, hash);
  }
  if (entries.length === 0) return true;
  entries.forEach((entry, index) => {
    batch.taskOutput.add(task, state.attempt, state.outputs + index, batch.now, encodeOutput(entry));
    // Pinned apart: the row of output stays when the artifact is replaced.
    if (entry.kind === 'artifact') batch.taskPins.add(task, entry.artifact.record.hash);
    if (entry.kind === 'report' && 'artifact' in entry.report) {
      const { hash, size } = entry.report.artifact;
      batch.addBlob(hash, size, undefined);
      batch.taskPins.add(task, hash);
    }
  });
  await putTaskArtifacts(
    batch,
    task,
    entries.flatMap((entry, index) =>
      entry.kind === 'artifact' ? [{ position: state.outputs + index, artifact: entry.artifact }] : [],
    ),
  );
  await batch.run('UPDATE tasks SET outputs = $2 WHERE id = $1', [task, state.outputs + entries.length]);
  return true;
}

export async function readTaskOutput(
  sql: Sql,
  task: TaskId,
  query: NonNullable<Parameters<Store['readTaskOutput']>[1]> = {},
): Promise<readonly TaskOutputRow[]> {
  const rows = await sql.query(
    `SELECT attempt, seq, at, body FROM task_output
     WHERE task = $1 AND attempt = coalesce($2::integer, (SELECT attempt FROM tasks WHERE id = $1)) AND seq > $3
     ORDER BY seq LIMIT $4::bigint`,
    [task, query.attempt ?? null, query.afterSeq ?? -1, query.limit ?? null],
  );
  const { small, outputs } = decodeOutput(rows);
  return outputs(await readValues(sql, small));
}
