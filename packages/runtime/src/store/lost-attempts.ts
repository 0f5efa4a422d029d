import type { Store } from '@run-pipeline/core/ports';
import { leaveToNext, waitForAgent } from './waiting-runs.js';
import {
  endAttempt,
  endStopped,
  expiredAttempts,
  forgetAttempt,
  lostAgents,
  type LostAttempt,
  type TaskState,
} from './task-state.js';
import type { WriteBatch } from './write-batch.js';

type Recovered = Awaited<ReturnType<Store['recoverTasks']>>;

/** An attempt that is lost so many times with its agent is not given to another one: it may be what kills them. */
const MOST_LOST = 3;
/** Of a list that only grows when agents come and go: the latest are told. */
const TOLD = 20;

/**
 * Attempts whose executor was not heard of for longer than its lease. The lease alone decides, by the
 * store's clock: any number of processes may call this at once, the first one changes something.
 */
export function recoverTasks(batch: WriteBatch): Recovered {
  const requeued: Recovered['requeued'][number][] = [];
  const failed: Recovered['failed'][number][] = [];
  const aborted: Recovered['aborted'][number][] = [];
  for (const state of expiredAttempts(batch.connection, batch.now)) {
    const { task, queue, agent, stop } = state;
    const who = agent === null ? 'the process that executed it' : `agent ${agent}`;
    const reason = `${who} was not heard of for longer than its lease`;
    if (stop !== undefined && !leaveToNext(batch, state, stop)) {
      endStopped(batch, task, stop);
      aborted.push(task);
    } else if (queue === null) {
      endAttempt(batch, task, 'aborted', { name: 'ProcessLost', code: 'process-lost', message: reason });
      aborted.push(task);
    } else if (lostAgents(state) + 1 >= MOST_LOST) {
      const message = `lost ${MOST_LOST} times while it was executed; the last time ${reason}`;
      endAttempt(batch, task, 'failed', { name: 'AgentLost', code: 'agent-lost', message });
      failed.push(task);
    } else {
      requeued.push({ task, attempt: requeue(batch, state, { reason }), queue });
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
  // Without a group it is the agent itself, which nobody ends.
  const worker =
    lost.back === true || state.executor?.processGroup === undefined ? undefined : state.executor;
  const entry: LostAttempt = {
    attempt: state.attempt,
    ...(state.agent === null ? {} : { agent: state.agent }),
    ...(worker === undefined ? {} : { executor: worker }),
    ...lost,
  };
  forgetAttempt(batch, state.task, attempt);
  // The run's own executor stays on record: a resumed run makes sure that it is dead.
  batch.connection.run(
    `UPDATE tasks SET status = 'queued', attempt = ?, lease_until = 0, queued_at = ?, started_at = NULL, lost = ?,
       stop = NULL, outputs = 0, executor = iif(agent IS NULL, executor, NULL), agent = NULL WHERE id = ?`,
    attempt,
    batch.now,
    JSON.stringify([...state.lost, entry].slice(-TOLD)),
    state.task,
  );
  if (state.kind === 'controller') waitForAgent(batch, state.task, { evenEnded: false });
  return attempt;
}
