import type { ErrorRecord, RetryPolicy } from '@run-pipeline/core/model';
import type { TaskOutcome } from '../../workers/protocol.js';
import { inCallback } from '../run/callback-scope.js';
import { callbackViews, failRun } from '../run/callbacks.js';
import type { NodeState, RunContext } from '../context.js';
import { errorRecord } from '../error-record.js';

/** What the user's `retry.when` says of a failed attempt; without one, yes. */
export async function agrees(
  context: RunContext,
  node: NodeState,
  policy: RetryPolicy,
  record: ErrorRecord,
  outcome: TaskOutcome,
  attempt: number,
): Promise<boolean> {
  const { when } = policy;
  if (when === undefined) return true;
  const thrown = outcome.status === 'failed' ? outcome.thrown : undefined;
  const error =
    thrown instanceof Error ? thrown : Object.assign(new Error(record.message), { name: record.name });
  if (record.code !== undefined && !('code' in error)) Object.assign(error, { code: record.code });
  try {
    const again = await inCallback(context, () => when(error, attempt, ...callbackViews(context, node)));
    return again ?? false;
  } catch (broken) {
    failRun(context, {
      ...errorRecord(broken, context.project.cwd),
      code: 'callback-failed',
      message: `retry.when of ${node.name} threw: ${broken instanceof Error ? broken.message : String(broken)}`,
    });
    return false;
  }
}

/** Doubles, with jitter over the upper half, so that many failing steps do not retry in step. */
export function backoff(policy: RetryPolicy, retry: number): number {
  const full = Math.min(policy.maxBackoff, policy.backoff * 2 ** retry);
  return Math.round(full / 2 + Math.random() * (full / 2));
}
