import type { TaskId } from '@run-pipeline/core/model';
import type { NewRun } from '@run-pipeline/core/ports';
import { enqueueTask } from './jobs.js';
import { createTask } from './task-records.js';
import type { WriteBatch } from './write-batch.js';

/**
 * The controller of a new run: its record and its place in a queue come with the run, or it is a draft
 * that is older than the run. It has the run's id, so that nothing can be lost between the two.
 */
export async function giveController(batch: WriteBatch, run: NewRun): Promise<void> {
  const id = run.id as string as TaskId;
  const { n } = await batch.requireRun(run.id);
  await batch.run('UPDATE tasks SET run = $2 WHERE id = $1 AND run IS NULL', [id, n]);
  if (run.controller === undefined) return;
  const { task, queue, priority } = run.controller;
  await createTask(batch, { ...task, id, run: run.id });
  const answer = await enqueueTask(batch, { task: id, kind: 'controller', queue, priority });
  if (!answer.ok) throw new Error(`the controller of run ${id} cannot be queued: ${answer.reason}`);
}
