import type { Digest, TaskRecord } from '@run-pipeline/core/model';
import type { NewTask, Store } from '@run-pipeline/core/ports';
import type { ActionResult, TaskEnqueue, TaskEnqueued } from '@run-pipeline/core/wire';
import { isController } from '../../engine/index.js';
import { newTaskId } from '../../project/new-id.js';
import { checkQueueName } from '../../queue/index.js';
import { abort } from '../actions/run-actions.js';
import { Refusal } from '../refusal.js';
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
  const { store } = context.project;
  const task = await requireTask(context, id);
  const made = await store.createTask({
    id: newTaskId(),
    project: task.project,
    name: name ?? `Clone of ${task.name}`,
    type: task.type,
    parent: task.id,
    edit: {
      tags: task.tags,
      comment: task.comment,
      parameters: task.parameters,
      configurations: task.configurations,
      ...(task.script === undefined ? {} : { script: task.script }),
    },
    values: await valuesOf(store, task),
  });
  return { task: made.id };
}

/** What the record refers to by hash: the clone keeps it alive by itself. */
async function valuesOf(store: Store, task: TaskRecord): Promise<NonNullable<NewTask['values']>> {
  const hashes = [task.script?.launch, task.script?.git?.diff].filter(
    (hash): hash is Digest => hash !== undefined,
  );
  const values = await store.readValues(hashes);
  return [...values].map(([hash, bytes]) => ({ hash, bytes }));
}

export async function enqueueTask(
  context: ServerContext,
  id: string,
  request: TaskEnqueue,
): Promise<TaskEnqueued> {
  const { store } = context.project;
  const task = await requireTask(context, id);
  const controller = isController(task);
  const queue = checkQueueName(request.queue ?? (controller ? CONTROLLER_QUEUE : DEFAULT_QUEUE));
  if (!controller && task.script?.package === undefined)
    throw new Refusal(409, 'no-script', 'there is nothing in this task that an agent could execute');
  const result = await store.enqueueTask({
    task: task.id,
    kind: controller ? 'controller' : 'task',
    queue,
    priority: request.priority ?? task.priority,
  });
  if (!result.ok) {
    throw new Refusal(
      409,
      'not-enqueued',
      `the task is ${result.status ?? task.status}: only one that was not executed, failed or was aborted can be enqueued`,
      'Clone it: the clone can be enqueued.',
    );
  }
  const served = (await store.listAgents({ queue })).length > 0;
  return {
    task: task.id,
    ...(served
      ? {}
      : { notice: `no agent serves the queue ${queue}: run-pipeline agent --queue ${queue} starts one` }),
  };
}

export async function abortTask(
  context: ServerContext,
  id: string,
  reason: string | undefined,
): Promise<ActionResult> {
  const { store } = context.project;
  const task = await requireTask(context, id);
  // A controller is stopped through its run, which tells its steps.
  if (isController(task) && task.run !== undefined && task.status === 'running')
    return abort(context, task.run, reason);
  const why = reason ?? 'stopped from the web page';
  if (await store.abortTask(task.id, why)) return { done: true, message: 'it was taken out of its queue' };
  const asked = await store.requestTaskStop(task.id, task.attempt, { reason: 'stopped', message: why });
  return asked
    ? { done: true, message: 'it was asked to stop' }
    : { done: false, message: `it is not running: it is ${task.status}` };
}
