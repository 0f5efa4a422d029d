import { describeValue } from '@run-pipeline/core/define';
import type { SourceLocation, TaskId } from '@run-pipeline/core/model';
import type { Project } from '../project/project.js';
import { requireById, requireByName } from './find-task.js';
import { encodeConfigurations, encodeParameters } from './parameter-names.js';
import { reachProject } from './reach-project.js';
import { scriptHere } from './script-here.js';
import { taskHost } from './task-host.js';
import { cloneTask, createDraft, enqueueTask, scriptOf } from './task-operations.js';
import {
  DEFAULT_TYPE,
  readOptions,
  type TaskCloneChanges,
  type TaskCreateOptions,
  type TaskEnqueueOptions,
  type TaskLookUp,
  type TaskSearch,
} from './task-options.js';
import { viewOfRecord, type TaskView } from './task-view.js';

/** What the functions of `Task` do with the tasks of the project, from their options to what comes of it. */
export interface FoundTask {
  readonly project: Project;
  readonly view: TaskView;
}

type At = SourceLocation | undefined;

const CREATE_OPTIONS = [
  'project',
  'name',
  'script',
  'type',
  'tags',
  'comment',
  'parameters',
  'configurations',
  'assets',
] as const;
const CLONE_OPTIONS = [
  'source',
  'name',
  'project',
  'comment',
  'tags',
  'parameters',
  'configurations',
] as const;
const SEARCH_OPTIONS = ['project', 'name', 'tags', 'status', 'type', 'parent', 'steps', 'limit'] as const;
const DEFAULT_LIMIT = 100;
const DEFAULT_QUEUE = 'default';

export async function getTask(query: string | TaskLookUp, at: At): Promise<FoundTask> {
  const look = typeof query === 'string' ? { id: query } : query;
  const reader = readOptions('Task.get()', look, ['id', 'project', 'name'], at);
  const id = reader.string('id');
  if (id !== undefined && (reader.string('project') ?? reader.string('name')) !== undefined)
    throw reader.error('option-type', 'takes either "id", or "project" and "name"');
  const named =
    id === undefined
      ? { project: reader.requiredString('project'), name: reader.requiredString('name') }
      : undefined;
  const project = await reachProject('Task.get', at);
  const { store } = project;
  return {
    project,
    view: await (named === undefined ? requireById(store, id!) : requireByName(store, named)),
  };
}

export async function queryTasks(search: TaskSearch, at: At): Promise<readonly FoundTask[]> {
  const reader = readOptions('Task.query()', search, SEARCH_OPTIONS, at);
  const [status, type, tags] = [reader.statuses('status'), reader.types(), reader.strings('tags')];
  const [name, inProject, parent] = [
    reader.string('name'),
    reader.string('project'),
    reader.string('parent'),
  ];
  const [steps, limit] = [reader.boolean('steps') ?? false, reader.count('limit', 1) ?? DEFAULT_LIMIT];
  const project = await reachProject('Task.query', at);
  const records = await project.store.findTasks({
    ...(inProject !== undefined && { project: inProject }),
    ...(name !== undefined && { name }),
    ...(tags !== undefined && { tags }),
    ...(status !== undefined && { status }),
    ...(type !== undefined && { type }),
    ...(parent !== undefined && { parent: parent as TaskId }),
    steps,
    limit,
  });
  return records.map((record) => ({ project, view: viewOfRecord(record) }));
}

export async function createTask(options: TaskCreateOptions, at: At): Promise<FoundTask> {
  const what = 'Task.create()';
  const reader = readOptions(what, options, CREATE_OPTIONS, at);
  const draft = {
    project: reader.requiredString('project'),
    name: reader.requiredString('name'),
    type: reader.type() ?? DEFAULT_TYPE,
    tags: reader.strings('tags') ?? [],
    comment: reader.comment() ?? '',
    parameters: encodeParameters(reader.raw('parameters') ?? {}, { what, at }),
    configurations: encodeConfigurations(reader.raw('configurations') ?? {}, { what, at }),
  };
  const file = reader.requiredString('script');
  const assets = reader.strings('assets') ?? [];
  const project = await reachProject('Task.create', at);
  const paths = { ...project, cwd: process.cwd() };
  const packaged = await taskHost().packageScript({ paths, file, assets });
  return { project, view: await createDraft(project.store, { ...draft, script: scriptOf(packaged) }) };
}

export async function cloneOf(
  what: string,
  options: { readonly source: { readonly id: string } | string } & TaskCloneChanges,
  at: At,
): Promise<FoundTask> {
  const reader = readOptions(what, options, CLONE_OPTIONS, at);
  const id = idOf(reader.raw('source'));
  if (id === undefined) throw reader.error('option-type', 'takes a task, or its id, as "source"');
  const [name, inProject, tags] = [reader.string('name'), reader.string('project'), reader.strings('tags')];
  const comment = reader.comment();
  const { parameters, configurations } = options;
  const changes = {
    ...(name !== undefined && { name }),
    ...(inProject !== undefined && { project: inProject }),
    ...(tags !== undefined && { tags }),
    ...(comment !== undefined && { comment }),
    ...(parameters !== undefined && { parameters: encodeParameters(parameters, { what, at }) }),
    ...(configurations !== undefined && {
      configurations: encodeConfigurations(configurations, { what, at }),
    }),
  };
  const project = await reachProject('Task.clone', at);
  // It may be the script's own.
  await scriptHere()?.flush();
  const source = await requireById(project.store, id);
  return { project, view: await cloneTask(project.store, source, changes, at) };
}

export async function putIntoQueue(
  what: string,
  { task, options }: { readonly task: unknown; readonly options: string | TaskEnqueueOptions },
  at: At,
): Promise<FoundTask> {
  const given = typeof options === 'string' ? { queue: options } : options;
  const reader = readOptions(what, given, ['queue', 'priority', 'resources'], at);
  const id = idOf(task);
  if (id === undefined)
    throw reader.error('option-type', `takes a task, or its id, not ${describeValue(task)}`);
  const resources = reader.resources();
  const job = {
    queue: reader.string('queue') ?? DEFAULT_QUEUE,
    priority: reader.priority() ?? 0,
    ...(resources !== undefined && { resources }),
  };
  const project = await reachProject('Task.enqueue', at);
  await scriptHere()?.flush();
  const view = await requireById(project.store, id);
  return { project, view: await enqueueTask(project.store, view, job, at) };
}

function idOf(task: unknown): string | undefined {
  const id = typeof task === 'object' && task !== null ? (task as { readonly id?: unknown }).id : task;
  return typeof id === 'string' && id !== '' ? id : undefined;
}
