import type { TaskStatus } from '@run-pipeline/core/model';
import type { TaskClaim } from '@run-pipeline/core/ports';
import type { TaskState } from '../rows/task-state.js';

/**
 * The right of a run to execute one attempt of a task itself.
 *
 * - At most one holder: while a lease lives nobody else gets it, except a newer epoch of the same run
 *   (its controller has made sure that the old worker is dead).
 * - A completed task is never given out again, but to its run when an agent completed it with other inputs.
 * - Whoever holds the newest fence may finish, also after its lease ran out; nobody else ever may.
 * - An attempt on an agent is not the old controller's: a newer epoch gets it only when its lease is over.
 *
 * `run` is the number of the row of the claim's run, whose epoch is the claim's.
 */
export function mayClaim(
  held: TaskState,
  claim: TaskClaim,
  { run, now }: { readonly run: number; readonly now: number },
): boolean {
  const newerEpoch = held.run === run && claim.epoch > held.epoch && held.agent === null;
  const live = held.status === 'running' && held.leaseUntil > now && !newerEpoch;
  const untaken = claim.again === true && held.status === 'completed' && held.kind !== null;
  return !live && (held.status !== 'completed' || untaken) && held.status !== 'published';
}

/**
 * A script that is started by hand: one that was never started, or (with `again`) one that ended badly, or
 * (with `waiting`) one that waits in a queue.
 */
export const mayStart = (
  status: TaskStatus,
  { again, waiting }: { readonly again?: true; readonly waiting?: true },
): boolean =>
  status === 'created' ||
  (again === true && (status === 'failed' || status === 'aborted')) ||
  (waiting === true && status === 'queued');

/** The number of the attempt that is started: one that waits has it already. */
export const startedAttempt = ({ status, attempt }: TaskState): number =>
  status === 'queued' ? attempt : attempt + 1;
