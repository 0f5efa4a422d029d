import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  RunPipelineError,
  runId,
  stepName,
  type ErrorRecord,
  type TaskPackage,
  type TaskRecord,
} from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import { materialisePackage, readPackage } from '../package/index.js';
import { processIdentity } from '../project/process-identity.js';
import type { Project } from '../project/project.js';
import type { AbortReason, TaskOutcome, TaskRequest, WorkerPool } from '../workers/protocol.js';
import { AttemptOutput } from './attempt-output.js';
import { errorRecord } from './error-record.js';

/** Why an execution is to end; `shutdown` hands it back to its queue. */
export interface RecordStop extends AbortReason {
  /** Who stopped it and why, for the task's record. */
  readonly message?: string;
}

export interface RecordExecution {
  readonly project: Project;
  readonly pool: WorkerPool;
  /** Claimed or started: its attempt is the running one. */
  readonly task: TaskRecord;
  readonly attempt: number;
  readonly fence: number;
  /** Of the task: the worker's own is replaced by it. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where the package's npm packages are installed; left out, or undefined: in the project. What it throws fails the task. */
  readonly modules?: (task: TaskPackage) => Promise<string | undefined>;
  /** Aborted with a `RecordStop` as its reason. */
  readonly signal: AbortSignal;
  /** The worker that executes it, before it starts. */
  readonly onWorker?: (worker: {
    readonly pid: number;
    readonly startTime: string;
    readonly processGroup: number | undefined;
  }) => void | Promise<void>;
  /** As it is printed, for somebody who looks on. */
  readonly onLog?: (chunk: { readonly stream: 'stdout' | 'stderr'; readonly text: string }) => void;
}

export type RecordEnding =
  | { readonly status: 'completed' }
  | { readonly status: 'failed' | 'aborted'; readonly error: ErrorRecord }
  /** It waits in its queue again. */
  | { readonly status: 'handed-back' }
  /** Somebody else has the attempt, or had it ended: nothing of what came since was kept. */
  | { readonly status: 'lost' };

/**
 * Executes a task of its own (a script) in a worker, and tells the store everything: console, reports,
 * uploads, changes of its record, and its end. The lease is the caller's to renew; when that is refused he
 * aborts `signal`. Rejects only when the store fails or for a bug.
 */
export async function executeRecord(execution: RecordExecution): Promise<RecordEnding> {
  const { project, task, fence, signal } = execution;
  const worker = new KnownWorker();
  const abort = new AbortController();
  const forward = (): void => abort.abort(signal.reason);
  if (signal.aborted) forward();
  else signal.addEventListener('abort', forward, { once: true });
  const output = new AttemptOutput({
    store: project.store,
    task: task.id,
    fence,
    onLost: () => {
      // Nothing that it still does may be done beside the attempt that follows it (INVARIANTS 10).
      abort.abort({ reason: 'stopped' } satisfies RecordStop);
      worker.kill();
    },
  });
  try {
    const outcome = await outcomeOf(execution, { output, worker, signal: abort.signal });
    crashPoint('after-execute');
    await output.end();
    if (output.lost) return { status: 'lost' };
    return await finish(execution, outcome);
  } finally {
    signal.removeEventListener('abort', forward);
  }
}

/** What the task came to; what keeps it from being started is its failure. */
async function outcomeOf(
  execution: RecordExecution,
  running: { readonly output: AttemptOutput; readonly worker: KnownWorker; readonly signal: AbortSignal },
): Promise<TaskOutcome> {
  const { task, pool, onWorker, onLog } = execution;
  const { output, worker, signal } = running;
  let request: TaskRequest;
  let taskPackage: TaskPackage;
  try {
    taskPackage = packageOf(execution.project, task);
    const modules = await execution.modules?.(taskPackage);
    request = await recordRequest(execution, { taskPackage, modules });
  } catch (error) {
    if (signal.aborted) return { status: 'aborted', reason: 'stopped' };
    return { status: 'failed', error: errorRecord(error, execution.cwd) };
  }
  const outcome = await pool.execute({
    request,
    isolation: 'fresh',
    closureKey: taskPackage.manifest.closureHash,
    ownWorker: true,
    signal,
    onStart: async (started) => {
      worker.set(started);
      await onWorker?.(started);
      const held = await execution.project.store.setTaskExecutor(task.id, execution.fence, {
        ...processIdentity(started.pid),
        ...(started.processGroup !== undefined && { processGroup: started.processGroup }),
      });
      if (!held) output.lose();
      crashPoint('after-claim');
    },
    onLog: ({ stream, text }) => {
      onLog?.({ stream, text });
      return output.log(stream, text);
    },
    onReport: (report, inline) => output.report(report, inline),
    onEdit: (edit) => output.edit(edit),
    onArtifact: (artifact) => output.artifact(artifact),
  });
  worker.set(undefined);
  return outcome;
}

async function finish(execution: RecordExecution, outcome: TaskOutcome): Promise<RecordEnding> {
  const { project, task, fence, signal } = execution;
  const ending = endingOf(outcome, signal);
  const stop = signal.reason as RecordStop | undefined;
  if (outcome.status === 'aborted' && signal.aborted && stop?.reason === 'shutdown') {
    const back = await project.store.releaseTask(task.id, fence, stop.message ?? 'its agent was shut down');
    if (back) return { status: 'handed-back' };
  }
  const kept = await project.store.finishTask({
    task: task.id,
    fence,
    status: ending.status,
    artifacts: outcome.status === 'completed' ? outcome.artifacts : [],
    ...('error' in ending && { error: ending.error }),
  });
  return kept ? ending : { status: 'lost' };
}

function endingOf(
  outcome: TaskOutcome,
  signal: AbortSignal,
): Extract<RecordEnding, { readonly status: 'completed' | 'failed' | 'aborted' }> {
  if (outcome.status === 'completed') return { status: 'completed' };
  if (outcome.status === 'failed') return { status: 'failed', error: outcome.error };
  const stop = signal.reason as RecordStop | undefined;
  const code = outcome.reason === 'timeout' ? 'timeout' : 'aborted';
  const message = stop?.message ?? outcome.error?.message ?? 'the task was stopped';
  return { status: 'aborted', error: { name: 'TaskAborted', code, message } };
}

function packageOf(project: Project, task: TaskRecord): TaskPackage {
  const hash = task.script?.package;
  if (hash === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-script',
      message: `the task ${task.project}/${task.name} has no code that could be executed`,
      help: 'make one from its script: run-pipeline task create SCRIPT --project … --name …',
    });
  }
  const found = readPackage(project, hash);
  if (found !== undefined) return found;
  throw new RunPipelineError({
    kind: 'load',
    code: 'package-missing',
    message: `the package of ${task.script?.file} that the task ${task.project}/${task.name} refers to is missing or damaged`,
    help: 'make the task again from its script: run-pipeline task create SCRIPT --project … --name …',
  });
}

/** What a worker needs to execute a task of its own. */
async function recordRequest(
  { project, task, attempt, env, cwd }: RecordExecution,
  { taskPackage, modules }: { readonly taskPackage: TaskPackage; readonly modules: string | undefined },
): Promise<TaskRequest> {
  const { manifest, hash, directory } = taskPackage;
  const { file, sourceMap, program } = await materialisePackage({
    paths: project,
    package: taskPackage,
    ...(modules !== undefined && { modules }),
  });
  const scratch = join(project.home, 'tmp');
  await mkdir(scratch, { recursive: true });
  const { name, type, tags, parameters, configurations } = task;
  return {
    task: task.id,
    run: task.run ?? runId(task.id),
    step: task.step ?? stepName(name),
    attempt,
    pipeline: name,
    project: task.project,
    package: { hash, file, sourceMap, externals: manifest.externals },
    entry: manifest.entry,
    binding: manifest.binding,
    arguments: { kind: 'none' },
    parameters: [],
    returns: [],
    script: { name, project: task.project, type, tags, parameters, configurations, file: program },
    state: { cwd: project.cwd, root: project.root, home: project.home },
    env,
    secrets: [],
    cwd,
    blobs: { kind: 'directory', path: project.blobsDirectory },
    assetsDirectory: manifest.assets.length === 0 ? undefined : join(directory, 'assets'),
    assetsFrom: dirname(manifest.source.file),
    scratch,
    timeout: undefined,
  };
}

/** The worker of this execution, killed with its process group when the attempt is lost. */
class KnownWorker {
  #pid: number | undefined;
  #group: number | undefined;

  /** Undefined: it is done, and its number may be that of another process soon. */
  set(worker: { readonly pid: number; readonly processGroup: number | undefined } | undefined): void {
    this.#pid = worker?.pid;
    this.#group = worker?.processGroup;
  }

  kill(): void {
    if (this.#pid === undefined || this.#pid <= 0) return;
    try {
      process.kill(this.#group === undefined ? this.#pid : -this.#group, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
