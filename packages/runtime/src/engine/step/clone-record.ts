import { RunPipelineError, type TaskEdit } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import type { NodeState, RunContext } from '../context.js';
import type { Prepared, PreparedTemplate } from './prepare.js';

/**
 * The record of the task that a step from a task is executed as: the clone, or the base task itself. It is
 * durable before anything executes, and says what it is executed with; its status follows the attempts. A
 * step that is taken from the cache has none: its task is the one that made the result.
 */
export async function keepRecord(context: RunContext, node: NodeState, prepared: Prepared): Promise<void> {
  const { template } = prepared;
  if (template === undefined) return;
  const { store } = context.project;
  const edit = editOf(template);
  if (!template.clone) return takeBase(context, node, edit);
  const { script, base } = template;
  await store.createTask({
    id: node.task,
    project: script.project,
    name: script.name,
    type: script.type,
    parent: base.task,
    run: context.row.id,
    step: node.name,
    edit,
  });
  crashPoint('record-made');
  // An earlier process of this run made it: what a callback sets may differ from then.
  if (context.recorded !== undefined) await store.editTask(node.task, edit);
}

const editOf = ({ script, base, comment }: PreparedTemplate): TaskEdit => ({
  name: script.name,
  project: script.project,
  type: script.type,
  tags: script.tags,
  comment,
  script: base.script,
  parameters: script.parameters,
  configurations: script.configurations,
});

/** `cloneBaseTask: false`: a draft can be executed once, by one run. */
async function takeBase(context: RunContext, node: NodeState, edit: TaskEdit): Promise<void> {
  const isOurs = node.attempt > 0;
  const edited = await context.project.store.editTask(node.task, edit, isOurs ? {} : { status: ['created'] });
  if (edited.ok) return;
  throw new RunPipelineError({
    kind: 'run',
    code: 'base-task-not-draft',
    message:
      edited.task === undefined
        ? `the base task ${node.task} has been removed`
        : `the base task ${node.task} is ${edited.task.status} by now, and cloneBaseTask: false executes the task itself`,
    help: 'Leave cloneBaseTask out, so that every run executes a clone of its own.',
  });
}

/** A clone that will not be executed after all (the run stops, its inputs are gone) does not look like a draft. */
export async function abandonRecord(context: RunContext, node: NodeState, reason: string): Promise<void> {
  const { code } = node.definition;
  if (code.kind === 'task' && code.clone) await context.project.store.abortTask(node.task, reason);
}
