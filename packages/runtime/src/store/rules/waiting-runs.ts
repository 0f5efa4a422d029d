import type { TaskStop } from '@run-pipeline/core/ports';
import { WAITING, type RunState } from '../rows/run.js';

/**
 * A run waits (status `queued`, lease `WAITING`) exactly as long as nobody executes its controller and
 * somebody shall: from the moment on at which the controller is enqueued, was lost with its agent, or is
 * handed back. The controller's task has the id of the run.
 *
 * @param options.evenEnded Enqueued again, a run that failed or was aborted goes on; one that ended just
 *   before its agent got lost has only to be told of.
 */
export function waitAgain(run: RunState, { evenEnded }: { readonly evenEnded: boolean }): void {
  if (run.status === 'completed') return;
  const ended = run.finishedAt !== null;
  if (ended && !evenEnded) return;
  // The stop that ended it is not meant for the next execution; one that nobody heard of yet is.
  if (ended) run.stopRequested = null;
  run.status = 'queued';
  run.leaseUntil = WAITING;
  run.finishedAt = null;
  run.changed = true;
}

/**
 * A controller whose run has begun cannot end with its agent: the run would stay without an end. Whoever
 * takes it next hears of the stop through the run, and ends both. False: there is nothing to end.
 */
export function leaveStop(run: RunState, stop: TaskStop): boolean {
  if (run.finishedAt !== null) return false;
  run.stopRequested ??= stop.message;
  run.changed = true;
  return true;
}
