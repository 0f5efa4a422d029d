import type { TaskStatus } from '../model/status.js';
import { callSite } from './call-site.js';
import type { Duration } from './duration.js';
import { type RunHost, runHost } from './host.js';
import { OptionReader, declarationError, describeValue } from './option-reader.js';

/**
 * A pipeline as a task: its controller, drafted (`pipe.createDraft()`) or already run. Its parameters can be
 * edited while it is a draft; enqueued, an agent runs the pipeline with them. What the fields tell is
 * the state at the last look: `reload()` looks again.
 */
export interface PipelineTask {
  readonly id: string;
  /** The pipeline's. */
  readonly name: string;
  readonly project: string;
  /** Undefined: of a draft that leaves it to its run (latest + 1). */
  readonly version: string | undefined;
  /** `created`: a draft. */
  readonly status: TaskStatus;
  /** The task that this one was cloned from. */
  readonly parent: string | undefined;
  /** The pipeline's parameters: what it will be, or was, launched with. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** @throws RunPipelineError for an unknown parameter, a value that it cannot be, a task that is no draft. */
  setParameter(name: string, value: unknown): Promise<void>;
  /** A new draft with the same code and parameters. */
  clone(options?: { readonly name?: string; readonly project?: string }): Promise<PipelineTask>;
  /** Default queue: `services`. */
  enqueue(queue?: string): Promise<PipelineTask>;
  reload(): Promise<PipelineTask>;
  /**
   * Waits until the status is one of these; default: until it has ended (`completed`, `failed`, `aborted`).
   * Gives the status; undefined when `timeout` passed before.
   */
  waitForStatus(
    status?: TaskStatus | readonly TaskStatus[],
    options?: { readonly timeout?: Duration },
  ): Promise<TaskStatus | undefined>;
}

/** Of `createDraft`. */
export interface CreateDraftOptions {
  /** Values of the pipeline's parameters; the others have their defaults. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Steps without a queue of their own go to agents on this queue. */
  readonly queue?: string;
  /** Source file of the pipeline, when it cannot be told from the call site: `import.meta.url`. */
  readonly source?: string | URL;
}

/** Of `PipelineController.get`: of several of one name the newest. */
export type PipelineTaskQuery =
  { readonly id: string } | { readonly project: string; readonly name: string; readonly version?: string };

/** Of `PipelineController.clone`. */
export interface ClonePipelineOptions {
  /** The task, or its id. */
  readonly source: PipelineTask | string;
  /** Default: the source's. */
  readonly name?: string;
  /** Default: the source's. */
  readonly project?: string;
}

/** What a host does with pipelines as tasks; queries are checked already. */
export interface PipelineTasks {
  draft(subject: object, options: CreateDraftOptions): Promise<PipelineTask>;
  /** Rejects when there is none. */
  find(query: PipelineTaskQuery): Promise<PipelineTask>;
  clone(
    source: string,
    options: { readonly name?: string; readonly project?: string },
  ): Promise<PipelineTask>;
  enqueue(task: string, options: { readonly queue: string }): Promise<PipelineTask>;
}

type Caller = (...args: never[]) => unknown;

export async function createDraft(
  subject: object,
  options: CreateDraftOptions,
  caller: Caller,
): Promise<PipelineTask> {
  const at = callSite(caller);
  const reader = new OptionReader({
    what: 'createDraft()',
    values: options,
    known: ['parameters', 'queue', 'source'],
    at,
  });
  const parameters: unknown = reader.raw('parameters') ?? {};
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    throw reader.error('option-type', 'takes an object as "parameters": { depth: 3 }');
  }
  reader.queue();
  return pipelineTasks(reader).draft(subject, options);
}

export async function findPipeline(query: PipelineTaskQuery, caller: Caller): Promise<PipelineTask> {
  const reader = new OptionReader({
    what: 'PipelineController.get()',
    values: query,
    known: ['id', 'project', 'name', 'version'],
    at: callSite(caller),
  });
  const id = reader.string('id');
  const rest = [reader.string('project'), reader.string('name'), reader.string('version')];
  if (id === undefined) {
    for (const key of ['project', 'name']) reader.requiredString(key);
  } else if (rest.some((value) => value !== undefined)) {
    throw reader.error('option-type', 'takes either "id", or "project" and "name"');
  }
  return pipelineTasks(reader).find(query);
}

export async function clonePipeline(options: ClonePipelineOptions, caller: Caller): Promise<PipelineTask> {
  const reader = new OptionReader({
    what: 'PipelineController.clone()',
    values: options,
    known: ['source', 'name', 'project'],
    at: callSite(caller),
  });
  const name = reader.string('name');
  const project = reader.string('project');
  const source = taskIdOf(reader, reader.raw('source'), '"source"');
  return pipelineTasks(reader).clone(source, {
    ...(name === undefined ? {} : { name }),
    ...(project === undefined ? {} : { project }),
  });
}

export async function enqueuePipeline(
  task: PipelineTask | string,
  options: { readonly queue?: string },
  caller: Caller,
): Promise<PipelineTask> {
  const reader = new OptionReader({
    what: 'PipelineController.enqueue()',
    values: options,
    known: ['queue'],
    at: callSite(caller),
  });
  const queue = reader.queue() ?? 'services';
  const id = taskIdOf(reader, task, 'its first argument');
  return pipelineTasks(reader).enqueue(id, { queue });
}

function taskIdOf(reader: OptionReader, task: unknown, what: string): string {
  const id = typeof task === 'object' && task !== null ? (task as { readonly id?: unknown }).id : task;
  if (typeof id === 'string' && id !== '') return id;
  throw reader.error(
    'option-type',
    `takes a pipeline's task, or its id, as ${what}, not ${describeValue(task)}`,
  );
}

function pipelineTasks(reader: OptionReader): NonNullable<RunHost['pipelines']> {
  const { pipelines } = runHost();
  if (pipelines !== undefined) return pipelines;
  throw declarationError({
    code: 'no-pipeline-tasks',
    message: `${reader.what} cannot be used in a step: pipelines are drafted, cloned and enqueued by programs`,
    help: 'Call it in a callback or in the body of a pipeline function, or in a program of its own: npx tsx file.ts.',
    at: reader.at,
  });
}
