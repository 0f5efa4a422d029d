import type { RunId, TaskId } from '@run-pipeline/core/model';
import type { TaskStop } from '@run-pipeline/core/ports';
import type { TaskState } from '../rows/task-state.js';
import { leaveStop, waitAgain } from '../rules/waiting-runs.js';
import type { WriteBatch } from './write-batch.js';

/** The run of a controller, which has its id, locked: before the row of the controller itself. */
export async function lockRunOf(batch: WriteBatch, controller: TaskId): Promise<void> {
  const run = await batch.runState(runOf(controller));
  // It may be made at this moment, and be there when the controller is locked.
  if (run === undefined) batch.forget(runOf(controller));
}

/** See `rules/waiting-runs.ts`. */
export async function waitForAgent(
  batch: WriteBatch,
  controller: TaskId,
  options: { readonly evenEnded: boolean },
): Promise<void> {
  const run = await batch.runState(runOf(controller));
  if (run !== undefined) waitAgain(run, options);
}

/** See `rules/waiting-runs.ts`. */
export async function leaveToNext(batch: WriteBatch, state: TaskState, stop: TaskStop): Promise<boolean> {
  if (state.kind !== 'controller' || state.queue === null) return false;
  const run = await batch.runState(runOf(state.task));
  return run !== undefined && leaveStop(run, stop);
}

const runOf = (controller: TaskId): RunId => controller as string as RunId;
