import type { CallbackNode, CallbackPipeline, ErrorRecord, StepStatus } from '@run-pipeline/core/model';
import { inCallback } from './callback-scope.js';
import { errorRecord } from '../error-record.js';
import type { NodeState, RunContext } from '../context.js';

/**
 * The user's callbacks. One that throws fails the run with its reason, whatever the step did: a run
 * never ends `completed` past a broken callback.
 */
export async function changeStatus(context: RunContext, node: NodeState, status: StepStatus): Promise<void> {
  if (node.status === status) return;
  const previous = node.status;
  node.status = status;
  const callback = node.definition.options.statusChangeCallback;
  if (callback === undefined) return;
  await guarded(context, node, 'statusChangeCallback', () =>
    callback(pipelineView(context), nodeView(context, node), previous),
  );
}

/** False: the step and its descendants are skipped. */
export async function beforeExecution(
  context: RunContext,
  node: NodeState,
  parameters: Record<string, unknown>,
): Promise<boolean> {
  const callback = node.definition.options.preExecuteCallback;
  if (callback === undefined) return true;
  const answer = await guarded(context, node, 'preExecuteCallback', () =>
    callback(pipelineView(context), nodeView(context, node), parameters),
  );
  return answer !== false;
}

export async function afterExecution(context: RunContext, node: NodeState): Promise<void> {
  const callback = node.definition.options.postExecuteCallback;
  if (callback === undefined) return;
  await guarded(context, node, 'postExecuteCallback', () =>
    callback(pipelineView(context), nodeView(context, node)),
  );
}

/** What callbacks are given of the run and of a node. */
export const callbackViews = (
  context: RunContext,
  node: NodeState,
): readonly [CallbackPipeline, CallbackNode] => [pipelineView(context), nodeView(context, node)];

async function guarded<T>(
  context: RunContext,
  node: NodeState,
  name: string,
  call: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await inCallback(context, call);
  } catch (thrown) {
    failRun(context, {
      ...errorRecord(thrown, context.project.cwd),
      code: 'callback-failed',
      message: `${name} of ${node.name} threw: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    });
    return undefined;
  }
}

/** The run ends `failed` with this reason; what runs is aborted. */
export function failRun(context: RunContext, error: ErrorRecord): void {
  context.failures.push(error);
  context.stop.request({ reason: 'error', message: error.message });
}

function pipelineView(context: RunContext): CallbackPipeline {
  const { row } = context;
  return {
    id: row.id,
    name: row.pipeline,
    project: row.project,
    number: row.number,
    stop: (reason) => context.stop.request({ reason: 'stopped', message: reason ?? 'stopped by a callback' }),
  };
}

const nodeView = (context: RunContext, node: NodeState): CallbackNode => ({
  name: node.name,
  status: node.status,
  attempt: node.attempt,
  parents: node.parents.map((parent) => parent.name),
  baseTaskId: context.templates.get(node.definition.name)?.task,
  executed: node.producer,
  queue: node.queue,
});
