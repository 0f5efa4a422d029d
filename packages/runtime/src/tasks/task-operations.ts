import {
  RunPipelineError,
  TASK_TYPES,
  type SourceLocation,
  type TaskConfigurations,
  type TaskEdit,
  type TaskPackage,
  type TaskParameters,
  type TaskRecord,
  type TaskScript,
  type TaskStatus,
  type TaskType,
} from '@run-pipeline/core/model';
import type { NewJob, QueuePlace, Store } from '@run-pipeline/core/ports';
import { newTaskId } from '../project/new-id.js';
import { checkQueueName } from '../queue/queue-name.js';
import { viewOfRecord, type TaskView } from './task-view.js';

/** What a task is called where a message names it. */
export const labelOf = ({ project, name, id }: Pick<TaskView, 'project' | 'name' | 'id'>): string =>
  `${project}/${name} (${id})`;

export const isTaskType = (text: string): text is TaskType => TASK_TYPES.includes(text as TaskType);

/** Statuses of a task that nothing more happens to by itself. */
export const ENDED: readonly TaskStatus[] = [
  'completed',
  'failed',
  'aborted',
  'published',
  'cached',
  'skipped',
];

/** A draft: a task that has not run. */
export async function createDraft(
  store: Store,
  draft: {
    readonly project: string;
    readonly name: string;
    readonly type: TaskType;
    readonly tags?: readonly string[];
    readonly comment?: string;
    readonly script: TaskScript;
    readonly parameters?: TaskParameters;
    readonly configurations?: TaskConfigurations;
  },
): Promise<TaskView> {
  const { project, name, type, ...edit } = draft;
  return viewOfRecord(await store.createTask({ id: newTaskId(), project, name, type, edit }));
}

/** Of a script that was packaged here. */
export const scriptOf = ({ hash, manifest }: TaskPackage): TaskScript => ({
  file: manifest.source.file,
  package: hash,
  dependencies: manifest.dependencies,
  node: process.versions.node,
});

/**
 * A draft with the same code, parameters and configurations; it refers to its parent. Named
 * `Clone of …` like ClearML's, because a look-up by name finds the newest: the template stays the one found.
 */
export async function cloneTask(
  store: Store,
  source: TaskView,
  changes: {
    readonly name?: string;
    readonly project?: string;
    readonly comment?: string;
    readonly tags?: readonly string[];
    readonly type?: TaskType;
    readonly parameters?: TaskParameters;
    readonly configurations?: TaskConfigurations;
  } = {},
  at?: SourceLocation,
): Promise<TaskView> {
  if (!source.isRecord || source.script === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-script',
      message: source.isRecord
        ? `the task ${labelOf(source)} has no code that a clone could execute`
        : `${source.id} is ${whatItIs(source)}: it cannot be cloned`,
      at,
      help:
        source.type === 'controller'
          ? `PipelineController.clone({ source: '${source.id}' }) makes a draft of it`
          : 'clone a task that was made of a script: by running it, or with run-pipeline task create',
    });
  }
  const { id } = await store.createTask({
    id: newTaskId(),
    project: changes.project ?? source.project,
    // Of a controller it is the pipeline's, by which its runs are counted.
    name: changes.name ?? (source.script.launch === undefined ? `Clone of ${source.name}` : source.name),
    type: changes.type ?? source.type,
    parent: source.id,
    edit: {
      tags: changes.tags ?? source.tags,
      comment: changes.comment ?? source.comment,
      script: source.script,
      parameters: source.parameters,
      configurations: source.configurations,
    },
  });
  const edited = await store.editTask(id, {
    ...(changes.parameters !== undefined && { parameters: changes.parameters }),
    ...(changes.configurations !== undefined && { configurations: changes.configurations }),
  });
  return viewOfRecord(edited.task!);
}

/** Puts a task into a queue: a draft, or one that failed or was aborted, as its next attempt. */
export async function enqueueTask(
  store: Store,
  task: TaskView,
  options: QueuePlace & {
    /** What goes with it to an agent. */
    readonly carried?: Pick<NewJob, 'spec' | 'pins'>;
  },
  at?: SourceLocation,
): Promise<TaskView> {
  const queue = checkQueueName(options.queue);
  if (!task.isRecord) throw notARecord(task, 'enqueued', at);
  if (task.step !== undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'step-of-run',
      message: `the task ${labelOf(task)} is a step of the run ${task.run}, which alone executes it`,
      at,
      help: 'clone it, and enqueue the clone',
    });
  }
  if (task.script?.package === undefined && task.script?.launch === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-script',
      message: `the task ${labelOf(task)} has no code that an agent could execute`,
      at,
      help: 'make it of its script: run-pipeline task create SCRIPT --project … --name …',
    });
  }
  const kind = task.script.launch === undefined ? 'task' : 'controller';
  const enqueued = await store.enqueueTask({
    task: task.id,
    kind,
    queue,
    priority: options.priority,
    // It needs what it needed before, unless somebody says otherwise.
    resources: options.resources ?? task.resources,
    ...options.carried,
  });
  if (!enqueued.ok) throw refusedBy(task, enqueued.status, 'enqueued', at);
  return viewOfRecord((await store.readTask(task.id))!);
}

/** Drafts may be changed; of others only how they are found: what ran must stay what ran. */
export async function editStored(
  store: Store,
  task: TaskView,
  edit: TaskEdit,
  at?: SourceLocation,
): Promise<TaskView> {
  if (!task.isRecord) throw notARecord(task, 'changed', at);
  const isHarmless = Object.keys(edit).every((key) => HARMLESS.has(key));
  const edited = await store.editTask(task.id, edit, isHarmless ? {} : { status: ['created', 'queued'] });
  if (edited.ok) return viewOfRecord(edited.task);
  throw refusedBy(task, edited.task?.status, 'changed', at);
}

const HARMLESS: ReadonlySet<string> = new Set(['tags', 'addTags', 'comment', 'name', 'project', 'progress']);

export async function publishTask(store: Store, task: TaskView, at?: SourceLocation): Promise<TaskView> {
  if (!task.isRecord) throw notARecord(task, 'published', at);
  if (task.status !== 'published' && !(await store.publishTask(task.id)))
    throw refusedBy(task, (await store.readTask(task.id))?.status, 'published', at);
  return viewOfRecord((await store.readTask(task.id))!);
}

/**
 * Ends a task: at once where it waits or was never started; a running one is asked to, and ends soon.
 * Gives false when it had ended before.
 */
export async function abortTask(store: Store, task: TaskRecord, reason: string): Promise<boolean> {
  // It may be taken from its queue, or handed back, between two looks.
  for (let look = 0; look < 5; look += 1) {
    if (await store.abortTask(task.id, reason)) return true;
    const state = (await store.readAttempts([task.id])).get(task.id);
    if (state?.status !== 'running' && state?.status !== 'queued') return false;
    const stop = { reason: 'stopped', message: reason } as const;
    if (await store.requestTaskStop(task.id, state.attempt, stop)) return true;
  }
  return false;
}

const notARecord = (task: TaskView, what: string, at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: task.type === 'controller' ? 'run-of-here' : 'step-of-run',
    message: `${task.id} is ${whatItIs(task)}: it cannot be ${what}`,
    at,
    ...(task.type === 'controller' && {
      help: `PipelineController.clone({ source: '${task.id}' }) makes a draft of it`,
    }),
  });

const whatItIs = ({ type }: TaskView): string =>
  type === 'controller' ? 'a run that was not left to agents' : 'a step of a run that calls a function';

const refusedBy = (
  task: TaskView,
  status: TaskStatus | undefined,
  what: string,
  at: SourceLocation | undefined,
): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: status === undefined ? 'unknown-task' : 'task-status',
    message:
      status === undefined
        ? `the task ${labelOf(task)} is not there any more`
        : `the task ${labelOf(task)} is ${status}: it cannot be ${what}`,
    at,
    help:
      status === undefined || status === 'running'
        ? undefined
        : `clone it: run-pipeline task clone ${task.id}`,
  });
