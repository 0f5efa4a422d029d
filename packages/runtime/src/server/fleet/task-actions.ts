import type { ActionResult, TaskEnqueue, TaskEnqueued } from '@run-pipeline/core/wire';
import { controllerJob, isController } from '../../engine/index.js';
import { idleReasons, QueueStates } from '../../queue/index.js';
import { abortTask as stopTask, cloneTask as cloneOf, enqueueTask as enqueue } from '../../tasks/index.js';
import { abort } from '../actions/run-actions.js';
import type { ServerContext } from '../server-context.js';
import { requireTask } from './tasks.js';

const DEFAULT_QUEUE = 'default';
const CONTROLLER_QUEUE = 'services';

/** A draft with the same code, parameters and configurations. */
export async function cloneTask(
  context: ServerContext,
  id: string,
  name: string | undefined,
): Promise<TaskEnqueued> {
  const task = await requireTask(context, id);
  const made = await cloneOf(context.project.store, task, name === undefined ? {} : { name });
  return { task: made.id };
}

export async function enqueueTask(
  context: ServerContext,
  id: string,
  request: TaskEnqueue,
): Promise<TaskEnqueued> {
  const { project } = context;
  const { store } = project;
  const task = await requireTask(context, id);
  const queue = request.queue ?? (isController(task) ? CONTROLLER_QUEUE : DEFAULT_QUEUE);
  const queued = await enqueue(store, task, {
    queue,
    priority: request.priority ?? task.priority,
    carried: await controllerJob(project, task),
  });
  const state = (await QueueStates.read(store)).of(queue, queued.resources);
  const reasons = idleReasons(queue, queued.resources, state);
  return { task: task.id, ...(reasons.length === 0 ? {} : { notice: reasons.join('; ') }) };
}

export async function abortTask(
  context: ServerContext,
  id: string,
  reason: string | undefined,
): Promise<ActionResult> {
  const task = await requireTask(context, id);
  // A controller is stopped through its run, which tells its steps.
  if (isController(task) && task.run !== undefined && task.status === 'running')
    return abort(context, task.run, reason);
  const why = reason ?? 'stopped from the web page';
  if (!(await stopTask(context.project.store, task, why)))
    return { done: false, message: `it is not running: it is ${task.status}` };
  return {
    done: true,
    message: task.status === 'running' ? 'it was asked to stop' : 'it will not be executed',
  };
}
