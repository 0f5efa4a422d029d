import { isRunPipelineError, type ErrorRecord } from '@run-pipeline/core/model';
import type { NewEnding, ProcessIdentity } from '@run-pipeline/core/ports';
import type { AttemptOutput } from '../engine/attempt/attempt-output.js';
import { errorRecord } from '../engine/error-record.js';
import { encodeEnding } from '../engine/attempt/task-spec.js';
import type { TaskOutcome } from '../workers/protocol.js';
import type { AgentContext } from './agent-context.js';
import type { HeldAttempt } from './held-attempt.js';

export interface Executed {
  readonly outcome: TaskOutcome;
  readonly durationMs: number;
}

/** An error from outside of the task's own code: what is to be done about it belongs to its message here. */
export function failure(agent: AgentContext, thrown: unknown): TaskOutcome {
  const record = errorRecord(thrown, agent.project.cwd);
  const help = isRunPipelineError(thrown) ? thrown.help : undefined;
  const error: ErrorRecord =
    help === undefined ? record : { ...record, message: `${record.message}\n${help}` };
  return { status: 'failed', error };
}

/** Stores what an attempt came to, if it is still ours to say. Only what is stored is told. */
export async function settleAttempt(
  agent: AgentContext,
  held: HeldAttempt,
  output: AttemptOutput,
  executed: Executed,
): Promise<void> {
  const { name, worker } = held;
  const { outcome, durationMs } = await withOutput(agent, output, executed);
  if (wasTakenAlong(agent, worker, outcome))
    held.handBack('its worker was ended for another attempt, which was lost', { atOnce: false });
  const reason = held.handedBack;
  if (held.lost === undefined) {
    held.settling = true;
    if (reason !== undefined && outcome.status !== 'completed') {
      if (await agent.project.store.releaseTask(held.task, held.fence, reason)) {
        agent.tell({ type: 'task.release', reason, ...name });
        return;
      }
    } else {
      const ended = await finish(agent, held, { outcome, durationMs });
      if (ended !== undefined) {
        agent.tell({ type: 'task.end', durationMs, ...ended, ...name });
        return;
      }
    }
    held.lose('what it came to was refused: its lease had run out');
  }
  if (worker !== undefined) agent.lostWorkers.add(keyOf(worker));
  agent.tell({ type: 'task.lost', reason: held.lost ?? '', ...name });
}

/** After everything it said is stored. What cannot be stored is its failure. */
async function withOutput(agent: AgentContext, output: AttemptOutput, executed: Executed): Promise<Executed> {
  try {
    await output.end();
    return executed;
  } catch (error) {
    // What is wrong with the store is no failure of the task; that something it uploaded is gone is one.
    if (isRunPipelineError(error) && error.code !== 'blob-missing') throw error;
    return { ...executed, outcome: failure(agent, error) };
  }
}

/**
 * Whoever got a lost attempt ended the worker that had been at it (`Job.survivors`), which had this task
 * by then: that is no failure of this one.
 */
const wasTakenAlong = (
  agent: AgentContext,
  worker: ProcessIdentity | undefined,
  outcome: TaskOutcome,
): boolean =>
  outcome.status === 'failed' &&
  outcome.error.code === 'worker-lost' &&
  worker !== undefined &&
  agent.lostWorkers.has(keyOf(worker));

const keyOf = ({ pid, startTime }: ProcessIdentity): string => `${pid} ${startTime}`;

/** Undefined: refused. An outcome that the store cannot take, for a fault in it, is a failure. */
async function finish(
  agent: AgentContext,
  held: HeldAttempt,
  executed: Executed,
): Promise<Pick<NewEnding, 'status' | 'error'> | undefined> {
  const { store } = agent.project;
  let ending: NewEnding;
  let kept: boolean;
  try {
    ending = endingOf(held, executed);
    kept = await store.finishTask(ending);
  } catch (error) {
    if (isRunPipelineError(error)) throw error;
    ending = endingOf(held, { ...executed, outcome: failure(agent, error) });
    kept = await store.finishTask(ending);
  }
  const { status, error } = ending;
  return kept ? { status, ...(error === undefined ? {} : { error }) } : undefined;
}

function endingOf(held: HeldAttempt, { outcome, durationMs }: Executed): NewEnding {
  const { task, fence } = held;
  const error = errorOf(held, outcome);
  const told: TaskOutcome =
    outcome.status === 'completed' || error === undefined ? outcome : { ...outcome, error };
  return {
    task,
    fence,
    status: outcome.status,
    ...(error === undefined ? {} : { error }),
    artifacts: outcome.status === 'completed' ? outcome.artifacts : [],
    document: documentOf({ version: 1, outcome: told, durationMs }),
  };
}

function errorOf({ stop }: HeldAttempt, outcome: TaskOutcome): ErrorRecord | undefined {
  if (outcome.status === 'completed') return undefined;
  if (outcome.status === 'failed') return outcome.error;
  const code = outcome.reason === 'timeout' ? 'timeout' : 'aborted';
  const name = code === 'timeout' ? 'TimeoutError' : 'AbortError';
  if (stop !== undefined) return { name, code, message: stop.message };
  return outcome.error ?? { name, code, message: 'the task was stopped' };
}

/** What a step threw is kept as it was thrown, where it can be: `retry.when` gets it. */
function documentOf(ending: Parameters<typeof encodeEnding>[0]): Uint8Array {
  try {
    return encodeEnding(ending);
  } catch (error) {
    const { outcome } = ending;
    if (outcome.status !== 'failed') throw error;
    return encodeEnding({ ...ending, outcome: { status: 'failed', error: outcome.error } });
  }
}
