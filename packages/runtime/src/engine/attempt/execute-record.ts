import type { ErrorRecord, TaskPackage, TaskRecord } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import { processIdentity } from '../../project/process-identity.js';
import type { Project } from '../../project/project.js';
import type { AbortReason, TaskOutcome, TaskRequest, WorkerPool } from '../../workers/protocol.js';
import { outcomeBlobs } from './attempt-blobs.js';
import { AttemptOutput } from './attempt-output.js';
import { projectService } from './project-service.js';
import { errorRecord } from '../error-record.js';
import { recordPackage, recordRequest } from './record-request.js';

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
    blobs: project.blobs,
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
    taskPackage = await recordPackage(execution.project, task);
    const modules = await execution.modules?.(taskPackage);
    request = await recordRequest({ ...execution, taskPackage, modules });
  } catch (error) {
    if (signal.aborted) return { status: 'aborted', reason: 'stopped' };
    return { status: 'failed', error: errorRecord(error, execution.cwd) };
  }
  const outcome = await pool.execute({
    request,
    service: projectService(execution.project),
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
  await execution.project.blobs.adopt(outcomeBlobs(outcome));
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
