import {
  RunPipelineError,
  type PipelineDefinition,
  type RunId,
  type TaskId,
  type TaskRecord,
} from '@run-pipeline/core/model';
import type { NewTask, Store } from '@run-pipeline/core/ports';
import { foldEvents } from '@run-pipeline/core/run-view';
import { processIdentity } from '../../project/process-identity.js';
import type { Project } from '../../project/project.js';
import type { TaskRequest, WorkerPool } from '../../workers/protocol.js';
import { indexed, recordedSteps } from '../run/recorded.js';
import { runFiles } from '../launch/run-files.js';
import { definitionOf, storedPackages } from '../run/resume-run.js';
import { decodeParameters, readLaunch } from '../launch/run-documents.js';
import { runToEnd } from '../run/run-graph.js';
import { borrowFromEarlierRuns, selectSteps } from '../launch/selection.js';
import { checkedGraph } from '../launch/prepare-launch.js';

/**
 * What a worker was given, or would be given, for a step of a run: the same package, the same inputs. The run is
 * gone through once more from its stored controller, as `resume` does, but nothing is written and nothing is
 * executed: steps that ended well stand for themselves, and the one that is asked for is caught on its way to the
 * workers. Works for every writing, since it is the engine's own way to the step.
 */
export async function captureTask(project: Project, run: RunId, step: string): Promise<TaskRequest> {
  const row = await project.store.getRun(run);
  if (row === undefined)
    throw new RunPipelineError({ kind: 'usage', code: 'unknown-run', message: `there is no run ${run}` });
  const launch = await readLaunch(project, run);
  const definition = withoutAfterEffects(
    await definitionOf(project, launch, {
      env: process.env,
      signal: new AbortController().signal,
      onProgress: () => {},
    }),
  );
  const events = await project.store.readEvents(run, {
    types: ['run.start', 'step.add', 'step.start', 'step.retry', 'step.end', 'run.resume'],
  });
  const view = foldEvents(events, run);
  const recorded = recordedSteps(events);
  const target = recorded.byName.get(step);
  // Not taken over, but executed: all others are as the run left them.
  const byName = new Map(recorded.byName);
  if (target !== undefined) byName.set(step, { ...target, status: 'queued' });
  const of = view.steps.get(target?.name ?? ('' as never))?.of;
  const mapped = of === undefined ? undefined : byName.get(of);
  if (mapped !== undefined) byName.set(mapped.name, { ...mapped, status: 'queued' });

  const graph = checkedGraph(definition);
  // The fingerprint must stay what it was (calls are found by it), so the cache is not turned off but passed by.
  const options = {
    ...launch.options,
    refresh: 'all',
    concurrency: 64,
    priority: 0,
    graceMs: 0,
    local: true,
  } as const;
  const selection = selectSteps(definition, graph, options);
  const caught = new AbortController();
  let request: TaskRequest | undefined;
  let missing: string | undefined;
  const pool: WorkerPool = {
    async execute(task) {
      if (task.request.step === step) {
        request ??= task.request;
        caught.abort('the step is known');
        return { status: 'aborted', reason: 'stopped' };
      }
      missing ??= task.request.step;
      return { status: 'failed', error: { name: 'Error', message: 'this step has no result in the run' } };
    },
    warm: () => {},
    close: async () => {},
  };
  await runToEnd({
    project: { ...project, store: readOnly(project.store), cwd: launch.cwd },
    definition,
    graph,
    row,
    owner: processIdentity(),
    engine: options,
    parameters: await decodeParameters(project, launch.parameters),
    files: runFiles(project, launch.files),
    packageOf: storedPackages(project, definition, launch.packages),
    templates: launch.templates,
    secretKey: await project.store.secretKey(),
    recorded: indexed(byName),
    borrowed:
      selection === undefined ? undefined : await borrowFromEarlierRuns(project, definition, selection),
    first: { events: [] },
    onEvent: () => {},
    onWarning: () => {},
    signal: caught.signal,
    workers: { get: async () => pool, warm: () => {}, close: () => pool.close() },
  });
  if (request !== undefined) return request;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'inputs-unknown',
    message:
      missing === undefined
        ? `the inputs of ${step} cannot be told: a step before it has no result in this run`
        : `the inputs of ${step} cannot be told: ${missing} has no result in this run`,
    help: `run-pipeline resume ${run} executes what is missing`,
  });
}

/** Callbacks that tell of an execution are not called: there is none. The one that edits inputs is. */
function withoutAfterEffects(definition: PipelineDefinition): PipelineDefinition {
  const silent = { postExecuteCallback: undefined, statusChangeCallback: undefined };
  return {
    ...definition,
    steps: definition.steps.map((step) => ({ ...step, options: { ...step.options, ...silent } })),
  };
}

const unsaved = ({ edit, ...task }: NewTask): TaskRecord => ({
  tags: [],
  comment: '',
  parameters: {},
  configurations: {},
  ...edit,
  ...task,
  parent: task.parent,
  run: task.run,
  step: task.step,
  script: edit.script,
  progress: edit.progress,
  status: 'created',
  queue: undefined,
  priority: 0,
  resources: {},
  attempt: 0,
  createdAt: new Date().toISOString(),
  startedAt: undefined,
  finishedAt: undefined,
  error: undefined,
  leaseExpired: false,
});

/** The store, as it is read; what would change it is agreed to and not done. */
function readOnly(store: Store): Store {
  const nothing = async (): Promise<void> => {};
  const agreed = {
    commit: async () => ({ ok: true as const }),
    heartbeatRun: async () => true,
    requestStop: async () => true,
    claimTask: async () => ({ ok: true as const, fence: 0, survivors: [] }),
    heartbeatTask: async (_task: TaskId) => true,
    claimFingerprint: async () => ({ ok: true as const }),
    heartbeatFingerprints: nothing,
    releaseFingerprint: nothing,
    dropCacheEntry: nothing,
    putRunDocument: nothing,
    createTask: async (task: NewTask) => unsaved(task),
    editTask: async (id: TaskId) => {
      const task = await store.readTask(id);
      return task === undefined
        ? { ok: false as const, reason: 'unknown' as const }
        : { ok: true as const, task };
    },
    abortTask: async () => false,
    appendTaskOutput: async () => true,
  } satisfies Partial<Store>;
  return new Proxy(store, {
    get(target, key) {
      if (Object.hasOwn(agreed, key)) return agreed[key as keyof typeof agreed];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
