import type { ErrorRecord, RunOutcomeStatus } from '@run-pipeline/core/model';
import type { NodeState, RunContext } from '../context.js';

/**
 * The failure matrix: what a step that did not succeed means for its children and for the run.
 *
 * | option (default)              | a failed / aborted step …                                    |
 * |-------------------------------|--------------------------------------------------------------|
 * | —                             | its descendants are skipped, siblings finish, the run fails   |
 * | `continueOnFail/Abort`        | the same, and the run may complete                            |
 * | `skipChildrenOnFail/Abort: false` | children run, with `undefined` for what is missing        |
 * | `abortOnFailure` (pipeline)   | what runs is aborted, what waits is skipped                   |
 */
export function blocks(parent: NodeState): boolean {
  const { options } = parent.definition;
  switch (parent.status) {
    case 'failed':
      return options.skipChildrenOnFail;
    case 'aborted':
      return options.skipChildrenOnAbort;
    case 'skipped':
      return true;
    default:
      return false;
  }
}

/** The node that a skipped one is skipped because of. */
export const rootOf = (node: NodeState): NodeState => node.blockedBy ?? node;

/**
 * Whether this end fails the run. A failure that was thrown into the body of a pipeline function is the
 * body's to handle: uncaught, it fails the run as the body's own error.
 */
export function failsRun(node: NodeState): boolean {
  const { options } = node.definition;
  if (node.thrown) return false;
  if (node.status === 'failed') return !options.continueOnFail;
  if (node.status === 'aborted') return !options.continueOnAbort;
  return false;
}

export function runOutcome(
  context: RunContext,
  bodyError: ErrorRecord | undefined,
): { readonly status: RunOutcomeStatus; readonly error: ErrorRecord | undefined } {
  const ownFailure = context.failures[0];
  if (ownFailure !== undefined) return { status: 'failed', error: ownFailure };
  const stop = context.stop.current();
  if (stop?.reason === 'timeout') {
    return { status: 'failed', error: { name: 'TimeoutError', code: 'run-timeout', message: stop.message } };
  }
  if (stop?.reason === 'stopped') {
    return { status: 'aborted', error: { name: 'AbortError', code: 'stopped', message: stop.message } };
  }
  const failed = [...context.nodes.values()].filter((node) => node.of === undefined && failsRun(node));
  // What was aborted because of a failure is not the reason.
  const first = failed.find((node) => node.status === 'failed') ?? failed[0];
  if (first !== undefined) {
    return {
      status: 'failed',
      error: first.error ?? { name: 'Error', message: `step ${first.name} ${first.status}` },
    };
  }
  if (bodyError !== undefined) {
    // A failure that passed through the body uncaught is told as the step's own.
    const thrown = [...context.nodes.values()].find((node) => node.thrown);
    const error = bodyError.name === 'StepFailed' ? (thrown?.error ?? bodyError) : bodyError;
    return { status: 'failed', error };
  }
  return { status: 'completed', error: undefined };
}
