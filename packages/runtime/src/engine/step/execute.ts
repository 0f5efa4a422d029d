import { NOT_CACHED_BECAUSE, type ErrorRecord, type RetryPolicy } from '@run-pipeline/core/model';
import type { TaskOutcome } from '../../workers/protocol.js';
import { abortError, timeoutMessage } from '../attempt/abort-error.js';
import type { Attempted, AttemptNumber } from '../attempt/attempt.js';
import { attemptHere } from '../attempt/attempt-here.js';
import { changeStatus } from '../run/callbacks.js';
import { pause } from './cache.js';
import { abandonRecord } from './clone-record.js';
import { priorityOf, type NodeState, type RunContext } from '../context.js';
import { endNode } from '../run/end-node.js';
import { placedAtStep } from '../error-record.js';
import { followToEnd } from '../attempt/follow-attempt.js';
import { handOver } from '../attempt/hand-over.js';
import type { OpenAttempt } from '../attempt/open-attempt.js';
import type { Prepared } from './prepare.js';
import { agrees, backoff } from './retry.js';

/**
 * Executes a step: attempt by attempt, each in a slot of this process or on an agent, until one completes or no
 * retry is left.
 */
export async function execute(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  options: {
    readonly why: readonly string[];
    /** Of a resumed run: an attempt that an earlier process of it handed to a queue. */
    readonly open?: OpenAttempt | undefined;
    readonly again?: boolean;
  },
): Promise<void> {
  const { why } = options;
  const policy = node.definition.options.retry ?? context.definition.options.retry;
  await changeStatus(context, node, 'queued');
  let { open } = options;
  const first = open?.attempt ?? node.attempt + 1;
  let attempt = first;
  for (let retry = 0; ; retry++) {
    const number = { attempt, again: options.again ?? false };
    const next = await attemptSomewhere(context, node, prepared, { number, open }, async (attempted) => {
      const { outcome } = attempted;
      if (outcome.status === 'completed') return { type: 'completed' as const, attempted, outcome };
      const isStopped = context.stop.current() !== undefined && outcome.status === 'aborted';
      if (!attempted.started && isStopped && outcome.reason !== 'timeout')
        return { type: 'stopped' as const, attempt: attempted.attempt };
      // Still in its slot: what this failure stops (`abortOnFailure`) must not start meanwhile.
      return endAttempt(context, node, { prepared, why, attempted, outcome, policy, first, retry });
    });
    open = undefined;
    switch (next.type) {
      case 'stopped':
        node.attempt = next.attempt - 1;
        return endStopped(context, node, prepared, why);
      case 'completed':
        return endCompleted(context, node, prepared, why, next.attempted, next.outcome);
      case 'ended':
        return;
      case 'retry':
        attempt = next.attempt;
        await pause(next.delayMs, context.stop.signal);
        break;
      default:
        next satisfies never;
    }
  }
}

/** One attempt, where the step's route leads; `settle` says what follows from it. */
async function attemptSomewhere<T>(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  { number, open: before }: { readonly number: AttemptNumber; readonly open: OpenAttempt | undefined },
  settle: (attempted: Attempted) => Promise<T>,
): Promise<T | { readonly type: 'stopped'; readonly attempt: number }> {
  let here = number;
  const open = before ?? (await handedOver(context, node, prepared, number));
  if (open !== undefined) {
    const followed = await followToEnd(context, node, prepared, open);
    if (followed.kind === 'ended') return settle(followed.attempted);
    here = { ...number, attempt: followed.attempt };
  }
  node.queue = undefined;
  return context.slot(priorityOf(context, node), async () => {
    if (context.stop.current() !== undefined) return { type: 'stopped' as const, attempt: here.attempt };
    return settle(await attemptHere(context, node, prepared, here));
  });
}

/** Undefined: it is executed here. */
async function handedOver(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  number: AttemptNumber,
): Promise<OpenAttempt | undefined> {
  const queue = await context.router.queueFor(node.definition);
  return queue === undefined ? undefined : handOver(context, node, prepared, { ...number, queue });
}

/** An attempt that did not complete: it is tried again, or the step ends with it. */
async function endAttempt(
  context: RunContext,
  node: NodeState,
  options: {
    readonly prepared: Prepared;
    readonly why: readonly string[];
    readonly attempted: Attempted;
    readonly outcome: Exclude<TaskOutcome, { readonly status: 'completed' }>;
    readonly policy: RetryPolicy;
    /** The first attempt of this process: a resumed run starts counting retries anew. */
    readonly first: number;
    /** How often it was tried again. What was lost with an agent is no failure of the step's and does not count. */
    readonly retry: number;
  },
): Promise<
  { readonly type: 'ended' } | { readonly type: 'retry'; readonly attempt: number; readonly delayMs: number }
> {
  const { prepared, why, attempted, outcome, policy, first, retry } = options;
  const { attempt, durationMs, fence, started } = attempted;
  const timedOut = outcome.status === 'aborted' && outcome.reason === 'timeout';
  const record: ErrorRecord =
    outcome.error ?? errorOfAbort(context, node, outcome.status === 'aborted' ? outcome.reason : 'stopped');
  const error =
    outcome.status === 'failed' || timedOut
      ? placedAtStep(record, node.definition, context.project.cwd)
      : record;
  const finish = (status: 'failed' | 'aborted') =>
    fence === undefined ? {} : { finish: { task: node.task, fence, status, error } };
  const mayRetry =
    (outcome.status === 'failed' || timedOut) &&
    context.stop.current() === undefined &&
    attempted.abandoned !== true &&
    retry < policy.retries &&
    (await agrees(context, node, policy, error, outcome, first + retry));
  if (!mayRetry) {
    const { status } = outcome;
    if (!started) await abandonRecord(context, node, error.message);
    await endNode(context, node, {
      status,
      attempt: started ? attempt : attempt - 1,
      durationMs,
      artifacts: [],
      why,
      error,
      prepared,
      preimageKept: attempted.preimageKept,
      commit: finish(status),
    });
    return { type: 'ended' };
  }
  const delayMs = backoff(policy, retry);
  await context.log.append({
    events: [{ type: 'step.retry', step: node.name, attempt, error, delayMs }],
    ...finish('failed'),
  });
  await changeStatus(context, node, 'queued');
  return { type: 'retry', attempt: attempt + 1, delayMs };
}

async function endCompleted(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  why: readonly string[],
  attempted: Attempted,
  outcome: TaskOutcome & { readonly status: 'completed' },
): Promise<void> {
  const { artifacts, reports, values } = outcome;
  const uncacheable = attempted.sameInstallation
    ? outcome.uncacheable
    : 'its npm packages changed while it ran';
  const { fence } = attempted;
  const { row } = context;
  const enters = prepared.cache !== false && uncacheable === undefined;
  await endNode(context, node, {
    status: 'completed',
    attempt: attempted.attempt,
    durationMs: attempted.durationMs,
    artifacts,
    reports,
    why: uncacheable === undefined ? why : [...why, `${NOT_CACHED_BECAUSE}${uncacheable}`],
    prepared,
    preimageKept: attempted.preimageKept,
    commit: {
      ...(fence === undefined ? {} : { finish: { task: node.task, fence, status: 'completed' as const } }),
      values,
      ...(enters
        ? {
            cacheEntry: {
              fingerprint: prepared.fingerprint,
              project: row.project,
              pipeline: row.pipeline,
              step: node.name,
              task: node.task,
              artifacts,
              reports,
              durationMs: attempted.durationMs,
            },
          }
        : {}),
    },
  });
}

/** The run stopped while the step waited, for a slot or for an agent: it never started. */
async function endStopped(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  why: readonly string[],
): Promise<void> {
  const stop = context.stop.current();
  await abandonRecord(context, node, `the run stopped: ${stop?.message ?? ''}`);
  await endNode(context, node, {
    status: node.attempt === 0 ? 'skipped' : 'aborted',
    attempt: node.attempt,
    durationMs: 0,
    artifacts: [],
    why: stop === undefined ? why : [`the run stopped: ${stop.message}`],
    prepared,
  });
}

function errorOfAbort(
  context: RunContext,
  node: NodeState,
  reason: 'timeout' | 'stopped' | 'shutdown',
): ErrorRecord {
  if (reason === 'timeout') {
    const message = timeoutMessage(node.name, node.definition.options.timeout ?? 0);
    return abortError({ reason, message });
  }
  return abortError({ reason: 'stopped', message: context.stop.current()?.message ?? 'aborted' });
}
