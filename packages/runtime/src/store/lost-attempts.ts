import type { Store } from '@run-pipeline/core/ports';
import type { TaskState } from './rows/task-state.js';
import { fateOfLost, withLost } from './rules/lost.js';
import { endAttempt, expiredAttempts, forgetAttempt } from './task-state.js';
import { leaveToNext, waitForAgent } from './waiting-runs.js';
import type { WriteBatch } from './write-batch.js';

type Recovered = Awaited<ReturnType<Store['recoverTasks']>>;

/**
 * Attempts whose executor was not heard of for longer than its lease. The lease alone decides, by the
 * store's clock: any number of processes may call this at once, the first one changes something.
 */
export function recoverTasks(batch: WriteBatch): Recovered {
  const requeued: Recovered['requeued'][number][] = [];
  const failed: Recovered['failed'][number][] = [];
  const aborted: Recovered['aborted'][number][] = [];
  for (const state of expiredAttempts(batch.connection, batch.now)) {
    const { task, stop } = state;
    const leftToNext = stop !== undefined && leaveToNext(batch, state, stop);
    const fate = fateOfLost(state, { leftToNext });
    if (fate.kind === 'requeued') {
      const { queue, reason } = fate;
      requeued.push({ task, attempt: requeue(batch, state, { reason }), queue });
    } else {
      endAttempt(batch, task, fate.status, fate.error);
      (fate.status === 'failed' ? failed : aborted).push(task);
    }
  }
  return { requeued, failed, aborted };
}

/** Back to its old place in the queue, with the next attempt number. */
export function requeue(
  batch: WriteBatch,
  state: TaskState,
  lost: { readonly reason: string; readonly back?: true },
): number {
  const attempt = state.attempt + 1;
  forgetAttempt(batch, state.task, attempt);
  // The run's own executor stays on record: a resumed run makes sure that it is dead.
  batch.connection.run(
    `UPDATE tasks SET status = 'queued', attempt = ?, lease_until = 0, queued_at = ?, started_at = NULL, lost = ?,
       stop = NULL, outputs = 0, executor = iif(agent IS NULL, executor, NULL), agent = NULL WHERE id = ?`,
    attempt,
    batch.now,
    JSON.stringify(withLost(state, lost)),
    state.task,
  );
  if (state.kind === 'controller') waitForAgent(batch, state.task, { evenEnded: false });
  return attempt;
}
