import type { ErrorRecord } from '@run-pipeline/core/model';
import type { TaskStop } from '@run-pipeline/core/ports';
import { lostAgents, type LostAttempt, type TaskState } from '../rows/task-state.js';

/** An attempt that is lost so many times with its agent is not given to another one: it may be what kills them. */
const MOST_LOST = 3;
/** Of a list that only grows when agents come and go: the latest are told. */
const TOLD = 20;

/** What becomes of a running attempt whose executor was not heard of for longer than its lease. */
export type Fate =
  | { readonly kind: 'ended'; readonly status: 'failed' | 'aborted'; readonly error: ErrorRecord }
  | { readonly kind: 'requeued'; readonly queue: string; readonly reason: string };

/** `leftToNext`: it was asked to stop, and whoever takes it next is to hear of that. */
export function fateOfLost(state: TaskState, { leftToNext }: { readonly leftToNext: boolean }): Fate {
  const { queue, agent, stop } = state;
  const who = agent === null ? 'the process that executed it' : `agent ${agent}`;
  const reason = `${who} was not heard of for longer than its lease`;
  if (stop !== undefined && !leftToNext)
    return { kind: 'ended', status: 'aborted', error: stoppedError(stop) };
  if (queue === null) {
    const error = { name: 'ProcessLost', code: 'process-lost', message: reason };
    return { kind: 'ended', status: 'aborted', error };
  }
  if (lostAgents(state) + 1 >= MOST_LOST) {
    const message = `lost ${MOST_LOST} times while it was executed; the last time ${reason}`;
    return { kind: 'ended', status: 'failed', error: { name: 'AgentLost', code: 'agent-lost', message } };
  }
  return { kind: 'requeued', queue, reason };
}

export const stoppedError = (stop: TaskStop): ErrorRecord => ({
  name: 'TaskAborted',
  code: stop.reason,
  message: stop.message,
});

/** The list of lost attempts, with the one that is at an end now. */
export function withLost(
  state: TaskState,
  lost: { readonly reason: string; readonly back?: true },
): readonly LostAttempt[] {
  // Without a group it is the agent itself, which nobody ends.
  const worker =
    lost.back === true || state.executor?.processGroup === undefined ? undefined : state.executor;
  const entry: LostAttempt = {
    attempt: state.attempt,
    ...(state.agent === null ? {} : { agent: state.agent }),
    ...(worker === undefined ? {} : { executor: worker }),
    ...lost,
  };
  return [...state.lost, entry].slice(-TOLD);
}
