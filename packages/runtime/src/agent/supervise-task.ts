import { isRunPipelineError, type TaskRecord } from '@run-pipeline/core/model';
import type { Job, ProcessIdentity } from '@run-pipeline/core/ports';
import { crashPoint } from '../crash-points.js';
import { inputBlobs, outcomeBlobs } from '../engine/attempt/attempt-blobs.js';
import type { AttemptOutput } from '../engine/attempt/attempt-output.js';
import { projectService } from '../engine/attempt/project-service.js';
import { endProcesses } from '../engine/run/survivors.js';
import type { TaskSpec } from '../engine/attempt/task-spec.js';
import { startTimer } from '../engine/timer.js';
import type { AbortReason, TaskOutcome } from '../workers/protocol.js';
import type { AgentContext } from './agent-context.js';
import type { Executable, Preparation } from './executable.js';
import type { HeldAttempt } from './held-attempt.js';
import { openOutput } from './open-output.js';
import { recordExecutable, recordOf, titleOf } from './record-job.js';
import { failure, settleAttempt, type Executed } from './settle-attempt.js';
import { specOf, stepExecutable } from './step-job.js';

/**
 * An attempt of a step or a task, from its claim to its end: makes it runnable here, executes it in a
 * worker, passes on what it says, and stores what it came to. Rejects for bugs, and when the store fails
 * for good.
 */
export async function superviseTask(agent: AgentContext, held: HeldAttempt): Promise<void> {
  const output = openOutput(agent, held);
  const executed = await execute(agent, held, output);
  crashPoint('after-execute');
  await settleAttempt(agent, held, output, executed);
}

async function execute(agent: AgentContext, held: HeldAttempt, output: AttemptOutput): Promise<Executed> {
  let started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  try {
    // What is left of an attempt that was lost before must not write beside this one (INVARIANTS 10).
    await endProcesses(held.job.survivors);
    const { executable, timeout, tellsEdits } = await prepare(agent, held, output);
    const { blobs } = agent.project;
    const inputs = await blobs.hold(inputBlobs(executable.request));
    let timer: { readonly stop: () => void } | undefined;
    let outcome: TaskOutcome;
    try {
      outcome = await agent.pool.execute({
        ...executable,
        service: projectService(agent.project),
        signal: held.signal,
        onStart: async (worker) => {
          await become(agent, held, worker);
          crashPoint('after-claim');
          started = performance.now();
          if (timeout !== undefined)
            timer = startTimer(timeout, () => held.stopWith(tookTooLong(held, timeout)));
        },
        onLog: ({ stream, text }) => output.log(stream, text),
        onReport: (report, inline) => output.report(report, inline),
        ...(tellsEdits ? { onEdit: (edit) => output.edit(edit) } : {}),
        onArtifact: (artifact) => output.artifact(artifact),
      });
    } finally {
      inputs.release();
      timer?.stop();
      held.executed();
    }
    const durationMs = elapsed();
    await blobs.adopt(outcomeBlobs(outcome));
    return { outcome: keptOut(outcome, executable), durationMs };
  } catch (error) {
    // An agent that cannot reach its blobs must not go on taking tasks and failing them.
    if (isRunPipelineError(error) && NO_BLOBS.has(error.code)) throw error;
    const { aborted, reason } = held.signal;
    const outcome: TaskOutcome = aborted
      ? { status: 'aborted', reason: (reason as AbortReason).reason }
      : failure(agent, error);
    return { outcome, durationMs: elapsed() };
  }
}

/** Of the blob store as a whole, and not of one blob. */
const NO_BLOBS: ReadonlySet<string> = new Set([
  'bucket-missing',
  'blobs-denied',
  'blobs-failed',
  'blobs-unreachable',
  'driver-missing',
]);

interface Prepared {
  readonly executable: Executable;
  readonly timeout: number | undefined;
  /** It has a record, which it may change. */
  readonly tellsEdits: boolean;
}

async function prepare(agent: AgentContext, held: HeldAttempt, output: AttemptOutput): Promise<Prepared> {
  const { job, signal } = held;
  const preparation: Preparation = {
    signal,
    onProgress(message) {
      void output.log('stderr', `run-pipeline: ${message}\n`);
      agent.tell({ type: 'task.prepare', message, ...held.name });
    },
  };
  const work = await identify(agent, job);
  held.title = work.title;
  agent.tell({ type: 'task.start', ...held.name });
  switch (work.kind) {
    case 'step': {
      const { spec } = work;
      return {
        executable: await stepExecutable(agent, { ...preparation, job, spec }),
        timeout: spec.timeout,
        tellsEdits: spec.script !== undefined,
      };
    }
    case 'task':
      return {
        executable: await recordExecutable(agent, { ...preparation, job, record: work.record }),
        timeout: undefined,
        tellsEdits: true,
      };
    default:
      return work satisfies never;
  }
}

type Work =
  | { readonly kind: 'step'; readonly title: string; readonly spec: TaskSpec }
  | { readonly kind: 'task'; readonly title: string; readonly record: TaskRecord };

async function identify({ project }: AgentContext, job: Job): Promise<Work> {
  if (job.kind === 'step') {
    const spec = specOf(job);
    return { kind: 'step', title: `${spec.pipeline}.${spec.step}`, spec };
  }
  const record = await recordOf(project.store, job.task);
  return { kind: 'task', title: titleOf(record), record };
}

/** From now on it is known who executes it: here, and to whoever gets the task should this agent be lost. */
async function become(
  agent: AgentContext,
  held: HeldAttempt,
  worker: { readonly pid: number; readonly startTime: string; readonly processGroup: number | undefined },
): Promise<void> {
  const { host, bootId } = agent.identity;
  const { pid, startTime, processGroup } = worker;
  const identity: ProcessIdentity = {
    host,
    bootId,
    pid,
    startTime,
    ...(processGroup === undefined ? {} : { processGroup }),
  };
  const ours = await agent.project.store.setTaskExecutor(held.task, held.fence, identity);
  held.executedBy(identity, () => killGroup(identity));
  // Nothing was sent to the worker yet, and nothing will be: it goes on with other tasks.
  if (!ours) held.lose('it was given to somebody else before it started');
}

function killGroup({ pid, processGroup }: ProcessIdentity): void {
  // 0: it could not be started.
  if (pid <= 0) return;
  try {
    process.kill(processGroup === undefined ? pid : -processGroup, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

const tookTooLong = (held: HeldAttempt, timeout: number) =>
  ({
    reason: 'timeout',
    message: `${held.job.step === undefined ? 'the task' : `step ${held.job.step}`} took longer than its timeout of ${timeout % 1000 === 0 ? `${timeout / 1000}s` : `${timeout}ms`}`,
  }) as const;

/** What was made with something else than its fingerprint says is this run's result, and nobody else's. */
function keptOut(outcome: TaskOutcome, executable: Executable): TaskOutcome {
  if (outcome.status !== 'completed') return outcome;
  const uncacheable = outcome.uncacheable ?? executable.uncacheable();
  return uncacheable === undefined ? outcome : { ...outcome, uncacheable };
}
