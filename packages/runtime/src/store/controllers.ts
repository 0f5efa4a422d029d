import type { TaskId } from '@run-pipeline/core/model';
import type { NewRun } from '@run-pipeline/core/ports';
import { enqueueTask } from './jobs.js';
import { requireRun } from './runs.js';
import { createTask } from './task-records.js';
import type { WriteBatch } from './write-batch.js';

/**
 * The controller of a new run: its record and its place in a queue come with the run, or it is a draft
 * that is older than the run. It has the run's id, so that nothing can be lost between the two.
 */
export function giveController(batch: WriteBatch, run: NewRun): void {
  const id = run.id as string as TaskId;
  const sql = 'UPDATE tasks SET run = ? WHERE id = ? AND run IS NULL';
  batch.connection.run(sql, requireRun(batch, run.id).n, id);
  if (run.controller === undefined) return;
  const { task, queue, priority } = run.controller;
  createTask(batch, { ...task, id, run: run.id });
  const answer = enqueueTask(batch, { task: id, kind: 'controller', queue, priority });
  if (!answer.ok) throw new Error(`the controller of run ${id} cannot be queued: ${answer.reason}`);
}
