import type { TaskId } from '@run-pipeline/core/model';
import type { JobKind } from '@run-pipeline/core/ports';
import type { TaskState } from '../rows/task-state.js';
import { fateOfLost, withLost } from '../rules/lost.js';
import type { Sql } from './connection.js';
import { endAttempt, EXPIRED, expiredAttempt, forgetAttempt } from './task-state.js';
import { leaveToNext, lockRunOf, waitForAgent } from './waiting-runs.js';
import type { WriteBatch } from './write-batch.js';

export interface Expired {
  readonly task: TaskId;
  readonly kind: JobKind;
}

/** In the order in which they were claimed. Whether they are lost is decided where they are locked. */
export async function expiredAttempts(sql: Sql): Promise<readonly Expired[]> {
  const rows = await sql.query<readonly [TaskId, JobKind]>(
    `SELECT id, kind FROM tasks WHERE ${EXPIRED} ${sql.clock} ORDER BY fence`,
  );
  return rows.map(([task, kind]) => ({ task, kind }));
}

/** The order in which rows are locked: runs and their controllers, then tasks by their ids. */
export const inLockOrder = (expired: readonly Expired[]): readonly Expired[] =>
  expired.toSorted(
    (a, b) => Number(b.kind === 'controller') - Number(a.kind === 'controller') || (a.task < b.task ? -1 : 1),
  );

export type Recovered =
  | { readonly kind: 'requeued'; readonly task: TaskId; readonly attempt: number; readonly queue: string }
  | { readonly kind: 'failed' | 'aborted'; readonly task: TaskId };

/**
 * An attempt whose executor was not heard of for longer than its lease. The lease alone decides, by the
 * store's clock: any number of processes may do this at once, the first one changes something. Undefined:
 * another one was faster, or its executor was heard of.
 */
export async function recoverAttempt(
  batch: WriteBatch,
  { task, kind }: Expired,
): Promise<Recovered | undefined> {
  if (kind === 'controller') await lockRunOf(batch, task);
  const state = await expiredAttempt(batch, task);
  if (state === undefined) return undefined;
  const { stop } = state;
  const leftToNext = stop !== undefined && (await leaveToNext(batch, state, stop));
  const fate = fateOfLost(state, { leftToNext });
  if (fate.kind === 'ended') {
    await endAttempt(batch, task, fate.status, fate.error);
    return { kind: fate.status, task };
  }
  const { queue, reason } = fate;
  return { kind: 'requeued', task, attempt: await requeue(batch, state, { reason }), queue };
}

/** Back to its old place in the queue, with the next attempt number. */
export async function requeue(
  batch: WriteBatch,
  state: TaskState,
  lost: { readonly reason: string; readonly back?: true },
): Promise<number> {
  const attempt = state.attempt + 1;
  await forgetAttempt(batch, state.task, attempt);
  // The run's own executor stays on record: a resumed run makes sure that it is dead.
  await batch.run(
    `UPDATE tasks SET status = 'queued', attempt = $2, lease_until = 0, queued_at = $3, started_at = NULL, lost = $4,
       stop = NULL, outputs = 0, executor = CASE WHEN agent IS NULL THEN executor END, agent = NULL WHERE id = $1`,
    [state.task, attempt, batch.now, JSON.stringify(withLost(state, lost))],
  );
  if (state.kind === 'controller') await waitForAgent(batch, state.task, { evenEnded: false });
  return attempt;
}
