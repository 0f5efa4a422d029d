import type { RunId, TaskId } from '@run-pipeline/core/model';
import type { TaskStop } from '@run-pipeline/core/ports';
import type { TaskState } from './rows/task-state.js';
import { leaveStop, waitAgain } from './rules/waiting-runs.js';
import type { WriteBatch } from './write-batch.js';

/** See `rules/waiting-runs.ts`. */
export function waitForAgent(
  batch: WriteBatch,
  controller: TaskId,
  options: { readonly evenEnded: boolean },
): void {
  const run = batch.run(runOf(controller));
  if (run !== undefined) waitAgain(run, options);
}

/** See `rules/waiting-runs.ts`. */
export function leaveToNext(batch: WriteBatch, state: TaskState, stop: TaskStop): boolean {
  if (state.kind !== 'controller' || state.queue === null) return false;
  const run = batch.run(runOf(state.task));
  return run !== undefined && leaveStop(run, stop);
}

const runOf = (controller: TaskId): RunId => controller as string as RunId;
