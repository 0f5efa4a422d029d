import {
  RunPipelineError,
  type RunId,
  type TaskId,
  type TaskRecord,
  type TaskStatus,
} from '@run-pipeline/core/model';
import { resolveParameters } from '@run-pipeline/core/graph';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { newTaskId } from '../../project/new-id.js';
import type { Project } from '../../project/project.js';
import { encodeJsonValue } from '../../artifacts/index.js';
import { controllerJob } from './controller-job.js';
import { draftFiles, draftValue, PARAMETER_SECTION, readDraft, type DraftLaunch } from './draft.js';
import { portableBundle } from './portable-bundle.js';
import { definitionsOf, draftValues, givenParameters, requireParameters } from './draft-parameters.js';
import { launchValues, readLaunch } from '../launch/run-documents.js';

/**
 * A pipeline as a task: the record of its controller, its run, or both. A run that a process drives by itself
 * has no record; its row and its launch say the same.
 */
export interface PipelineRecord {
  readonly id: TaskId;
  readonly name: string;
  readonly project: string;
  /** Undefined: the run will get the latest + 1. */
  readonly version: string | undefined;
  readonly status: TaskStatus;
  readonly parent: TaskId | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Undefined: there is neither such a record nor such a run. */
export async function readPipeline(project: Project, id: TaskId): Promise<PipelineRecord | undefined> {
  const { store } = project;
  const record = await controllerOf(store, id);
  const row = await store.getRun(id as string as RunId);
  if (record === undefined && row === undefined) return undefined;
  const head = record ?? row!;
  return {
    id,
    name: record?.name ?? row!.pipeline,
    project: head.project,
    version: row?.version ?? (await declaredVersion(project, record!)),
    status: statusOf(record, row),
    parent: (head.parent as TaskId | undefined) ?? undefined,
    parameters: row === undefined ? await draftShown(project, record!) : await launchValues(project, row.id),
  };
}

/** The status alone: what somebody who waits asks after every commit. */
export async function readPipelineStatus(store: Store, id: TaskId): Promise<TaskStatus | undefined> {
  const record = await controllerOf(store, id);
  const row = await store.getRun(id as string as RunId);
  return record === undefined && row === undefined ? undefined : statusOf(record, row);
}

async function controllerOf(store: Store, id: TaskId): Promise<TaskRecord | undefined> {
  const record = await store.readTask(id);
  return record?.type === 'controller' ? record : undefined;
}

/** While a run has not ended, its controller tells; it may be queued again. */
function statusOf(record: TaskRecord | undefined, row: RunRow | undefined): TaskStatus {
  switch (row?.status) {
    case 'completed':
    case 'failed':
    case 'aborted':
      return row.status;
    case 'queued':
      return record?.status ?? 'queued';
    default:
      return record?.status ?? 'running';
  }
}

const declaredVersion = async (project: Project, record: TaskRecord): Promise<string | undefined> =>
  (await readDraft(project, record)).declared.version;

/** Its parameters as they would be now; what its run would refuse is shown as it is. */
async function draftShown(project: Project, record: TaskRecord): Promise<Readonly<Record<string, unknown>>> {
  const { declared } = await readDraft(project, record);
  const definitions = definitionsOf(declared);
  const { values, textual } = givenParameters(record);
  const known = definitions.map((definition) => ({ ...definition, required: false }));
  const resolved = await resolveParameters(known, values, { textual });
  if (!resolved.ok) return values;
  // A file is shown by its path.
  return Object.fromEntries(
    Object.entries(resolved.values).map(([name, value]) => [
      name,
      textual.includes(name) || !Object.hasOwn(values, name) ? value : values[name],
    ]),
  );
}

/** The newest pipeline of a name, drafted or run. */
export async function findPipelineId(
  store: Store,
  query: { readonly project: string; readonly name: string; readonly version?: string },
): Promise<TaskId | undefined> {
  const { project, name, version } = query;
  const fits = (found: string | undefined): boolean => version === undefined || found === version;
  const runs = await store.findRuns({
    project,
    pipeline: name,
    ...(version === undefined ? { limit: 1 } : {}),
  });
  const run = runs.find((row) => fits(row.version));
  // A draft has no version but the one that its pipeline declares, and a run of it is found as a run.
  const records =
    version === undefined ? await store.findTasks({ project, name, type: ['controller'], limit: 1 }) : [];
  const [record] = records;
  if (record === undefined) return run?.id as string as TaskId | undefined;
  if (run === undefined) return record.id;
  return record.createdAt >= run.createdAt ? record.id : (run.id as string as TaskId);
}

/** @throws RunPipelineError for an unknown parameter, a value it cannot be, a task that is no draft. */
export async function setDraftParameter(
  project: Project,
  id: TaskId,
  parameter: { readonly name: string; readonly value: unknown },
): Promise<void> {
  const record = await requireRecord(project, id, 'edited');
  const { declared } = await readDraft(project, record);
  const { name, value } = parameter;
  if (value === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'invalid-parameter',
      message: `parameter \`${name}\` takes a value, not undefined`,
      help: 'A parameter that is left alone keeps its value; null is a value.',
    });
  }
  const values = await draftValues({
    definitions: definitionsOf(declared),
    values: { [name]: value },
    cwd: project.cwd,
  });
  const edited = await project.store.editTask(
    id,
    { parameters: { [PARAMETER_SECTION]: values } },
    { status: ['created'] },
  );
  if (!edited.ok) throw noDraft(record, edited.task?.status ?? record.status, 'edited');
}

/** A new draft with the code and the parameters of a draft or of a run. */
export async function cloneToDraft(
  project: Project,
  source: TaskId,
  given: { readonly name?: string; readonly project?: string },
): Promise<TaskId> {
  const { store } = project;
  const record = await controllerOf(store, source);
  const row = await store.getRun(source as string as RunId);
  if (record === undefined && row === undefined) throw unknownPipeline(source);
  const launch =
    record?.script?.launch === undefined ? await draftOfRun(project, row!) : await readDraft(project, record);
  const value = draftValue(launch);
  // What a run was launched with says everything; a record may leave out what is long.
  const parameters =
    row === undefined ? record!.parameters : { [PARAMETER_SECTION]: await encodedValues(project, row.id) };
  const clone = await store.createTask({
    id: newTaskId(),
    project: given.project ?? record?.project ?? row!.project,
    name: given.name ?? record?.name ?? row!.pipeline,
    type: 'controller',
    parent: source,
    edit: {
      tags: record?.tags ?? [],
      comment: record?.comment ?? '',
      parameters,
      script: {
        dependencies: {},
        node: process.versions.node,
        file: launch.source.slice(0, launch.source.lastIndexOf('#')),
        ...record?.script,
        launch: value.hash,
      },
    },
    values: [value],
  });
  return clone.id;
}

async function draftOfRun(project: Project, row: RunRow): Promise<DraftLaunch> {
  const launch = await readLaunch(project, row.id);
  if (launch.bundle === undefined || launch.file === undefined || launch.declared === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'not-clonable',
      message: `run ${row.pipeline}#${row.number} kept no controller that could be executed again`,
      help: 'Run the pipeline again, and clone that run.',
    });
  }
  const { signatures = [] } = launch;
  return {
    version: 1,
    kind: launch.kind,
    exportName: launch.exportName,
    pipeline: launch.pipeline,
    project: launch.project,
    declared: launch.declared,
    source: row.source,
    cwd: launch.cwd,
    file: launch.file,
    argv: launch.argv ?? [],
    options: launch.options,
    packages: [...launch.packages].filter(([step]) => !launch.templates.has(step)),
    // Signed code stays what was signed.
    bundle: signatures.length > 0 ? launch.bundle : await portableBundle(project, launch.bundle),
    ...(signatures.length > 0 ? { signatures } : {}),
    ...(launch.files === undefined ? {} : { files: draftFiles(launch.files) }),
  };
}

async function encodedValues(project: Project, run: RunId): Promise<TaskRecord['parameters'][string]> {
  const values = await launchValues(project, run);
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, encodeJsonValue(value, name)] as const],
    ),
  );
}

/** @throws RunPipelineError when it is no draft, or lacks a parameter. */
export async function enqueueDraft(project: Project, id: TaskId, queue: string): Promise<void> {
  const record = await requireRecord(project, id, 'enqueued');
  if (record.run === undefined) requireParameters(record, (await readDraft(project, record)).declared);
  const answer = await project.store.enqueueTask({
    task: id,
    kind: 'controller',
    queue,
    priority: record.priority,
    ...(await controllerJob(project, record)),
  });
  if (!answer.ok) throw noDraft(record, answer.status ?? record.status, 'enqueued');
}

async function requireRecord(project: Project, id: TaskId, what: 'edited' | 'enqueued'): Promise<TaskRecord> {
  const record = await controllerOf(project.store, id);
  if (record !== undefined) return record;
  const row = await project.store.getRun(id as string as RunId);
  if (row === undefined) throw unknownPipeline(id);
  throw new RunPipelineError({
    kind: 'usage',
    code: 'not-a-draft',
    message: `run ${row.pipeline}#${row.number} is no draft: it cannot be ${what}`,
    help: `Make a draft of it: PipelineController.clone({ source: '${id}' }).`,
  });
}

const noDraft = (record: TaskRecord, status: TaskStatus, what: 'edited' | 'enqueued'): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'not-a-draft',
    message: `the pipeline ${record.name} (task ${record.id}) is ${status}: it cannot be ${what}`,
    help: `Make a draft of it: PipelineController.clone({ source: '${record.id}' }).`,
  });

export const unknownPipeline = (id: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'unknown-pipeline',
    message: `there is no pipeline with the id ${id}`,
    help: 'run-pipeline runs lists the runs; it may have been removed by gc.',
  });
