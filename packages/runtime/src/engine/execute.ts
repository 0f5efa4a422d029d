import type { ErrorRecord, RetryPolicy } from '@run-pipeline/core/model';
import type { TaskOutcome } from '../workers/protocol.js';
import type { Attempted } from './attempt.js';
import { attemptHere } from './attempt-here.js';
import { changeStatus } from './callbacks.js';
import { pause } from './cache.js';
import { abandonRecord } from './clone-record.js';
import type { NodeState, RunContext } from './context.js';
import { endNode } from './end-node.js';
import { placedAtStep } from './error-record.js';
import type { Prepared } from './prepare.js';
import { agrees, backoff } from './retry.js';

/** Executes a step: attempt by attempt, each in a slot, until one completes or no retry is left. */
export async function execute(
  context: RunContext,
  node: NodeState,
  prepared: Prepared,
  why: readonly string[],
): Promise<void> {
  const policy = node.definition.options.retry ?? context.definition.options.retry;
  await changeStatus(context, node, 'queued');
  const first = node.attempt + 1;
  for (let attempt = first; ; attempt++) {
    const next = await context.slot(async () => {
      if (context.stop.current() !== undefined) return { type: 'stopped' as const };
      const attempted = await attemptHere(context, node, prepared, attempt);
      const { outcome } = attempted;
      if (outcome.status === 'completed') return { type: 'completed' as const, attempted, outcome };
      if (attempted.fence === undefined && outcome.status === 'aborted') {
        node.attempt = attempt - 1;
        return { type: 'stopped' as const };
      }
      // Still in its slot: what this failure stops (`abortOnFailure`) must not start meanwhile.
      return endAttempt(context, node, { prepared, why, attempted, outcome, policy, first });
    });
    switch (next.type) {
      case 'stopped':
        return endStopped(context, node, prepared, why);
      case 'completed':
        return endCompleted(context, node, prepared, why, next.attempted, next.outcome);
      case 'ended':
        return;
      case 'retry':
        await pause(next.delayMs, context.stop.signal);
        break;
      default:
        next satisfies never;
    }
  }
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
  },
): Promise<{ readonly type: 'ended' } | { readonly type: 'retry'; readonly delayMs: number }> {
  const { prepared, why, attempted, outcome, policy, first } = options;
  const { attempt, durationMs, fence } = attempted;
  const timedOut = outcome.status === 'aborted' && outcome.reason === 'timeout';
  const record: ErrorRecord =
    outcome.error ?? abortError(context, node, outcome.status === 'aborted' ? outcome.reason : 'stopped');
  const error =
    outcome.status === 'failed' || timedOut
      ? placedAtStep(record, node.definition, context.project.cwd)
      : record;
  const finish = (status: 'failed' | 'aborted') =>
    fence === undefined ? {} : { finish: { task: node.task, fence, status, error } };
  const mayRetry =
    (outcome.status === 'failed' || timedOut) &&
    context.stop.current() === undefined &&
    attempt - first < policy.retries &&
    (await agrees(context, node, policy, error, outcome, attempt));
  if (!mayRetry) {
    const { status } = outcome;
    await endNode(context, node, {
      status,
      attempt,
      durationMs,
      artifacts: [],
      why,
      error,
      prepared,
      commit: finish(status),
    });
    return { type: 'ended' };
  }
  const delayMs = backoff(policy, attempt - first);
  await context.log.append({
    events: [{ type: 'step.retry', step: node.name, attempt, error, delayMs }],
    ...finish('failed'),
  });
  await changeStatus(context, node, 'queued');
  return { type: 'retry', delayMs };
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
    why: uncacheable === undefined ? why : [...why, `its result is not cached: ${uncacheable}`],
    prepared,
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

/** The run stopped while the step waited for a slot: it never started. */
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

function abortError(
  context: RunContext,
  node: NodeState,
  reason: 'timeout' | 'stopped' | 'shutdown',
): ErrorRecord {
  if (reason === 'timeout') {
    const ms = node.definition.options.timeout ?? 0;
    return {
      name: 'TimeoutError',
      code: 'timeout',
      message: `step ${node.name} took longer than its timeout of ${formatMs(ms)}`,
    };
  }
  return { name: 'AbortError', code: 'aborted', message: context.stop.current()?.message ?? 'aborted' };
}

const formatMs = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);
