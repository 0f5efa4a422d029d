import type { EngineOptions, RunRequest, RunResult } from '../api.js';
import {
  RunPipelineError,
  type ErrorRecord,
  type RunId,
  type TaskId,
  type TaskRecord,
} from '@run-pipeline/core/model';
import type { ProcessIdentity, RunRow } from '@run-pipeline/core/ports';
import type { Project } from '../../project/project.js';
import { endedResult, endRun } from '../run/end-run.js';
import { errorRecord } from '../error-record.js';
import { resumeRun } from '../run/resume-run.js';
import { RunLost } from '../run/run-log.js';
import { startDraft } from './start-draft.js';

export interface ControllerRequest {
  readonly project: Project;
  /** The controller's task; its run has the same id. */
  readonly task: TaskId;
  /** What came with its job. */
  readonly spec?: Uint8Array | undefined;
  /** Who drives the run: this process, with its group when it leads one. */
  readonly owner: ProcessIdentity;
  /** Whether the task is still its caller's: asked before anything is taken from anybody. */
  readonly stillHeld: () => Promise<boolean>;
  readonly options: Pick<EngineOptions, 'concurrency' | 'graceMs'>;
  readonly onEvent: RunRequest['onEvent'];
  readonly onWarning: RunRequest['onWarning'];
  readonly signal: AbortSignal;
}

/**
 * Executes the controller of a pipeline for whoever holds its task (an agent, by a process of its own): makes
 * the run of a draft, takes a run that waits, continues one whose agent was lost. The run's id is the
 * task's, so that every later attempt meets the same run: nothing that it completed is executed again.
 *
 * The task's lease alone decides who drives the run: whoever did before is fenced off, and killed where it
 * can be reached. Settles with how the run ended. A controller that cannot be loaded ends its run with that
 * reason; of a draft it rejects, there is no run then. Rejects with `RunLost` when somebody else has
 * taken the run meanwhile.
 */
export async function executeController(request: ControllerRequest): Promise<RunResult> {
  const { project, task } = request;
  const record = await project.store.readTask(task);
  if (record === undefined) throw unknownTask(task);
  const before = await project.store.getRun(task as string as RunId);
  try {
    return await driveRun(request, record, before);
  } catch (error) {
    if (error instanceof RunLost) throw error;
    const row = await project.store.getRun(task as string as RunId);
    if (row === undefined) throw error;
    // Only what this process took, or nobody did since it began.
    if (row.epoch !== before?.epoch && !isSame(row.owner, request.owner))
      throw new RunLost(`run ${row.id} was taken over by process ${row.owner.pid}`);
    return end(request, row, 'failed', errorRecord(error, project.cwd));
  }
}

async function driveRun(
  request: ControllerRequest,
  record: TaskRecord,
  row: RunRow | undefined,
): Promise<RunResult> {
  const { store } = request.project;
  if (row === undefined) return startDraft({ ...request, record });
  // It ended just before its agent was lost: that is all there is to tell.
  const ended = await endedResult(store, row);
  if (ended !== undefined) return ended;
  if (row.queued === true && row.stopRequested !== undefined) {
    const error = { name: 'RunStopped', code: 'stopped', message: row.stopRequested };
    return end(request, row, 'aborted', error);
  }
  return resumeRun({ ...request, run: row.id });
}

async function end(
  request: ControllerRequest,
  row: RunRow,
  status: 'failed' | 'aborted',
  error: ErrorRecord,
): Promise<RunResult> {
  const { project, onEvent } = request;
  if (!(await request.stillHeld())) throw new RunLost(`run ${row.id} was given to another agent`);
  return endRun({ project, row, status, error, onEvent });
}

const isSame = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.host === b.host && a.bootId === b.bootId && a.pid === b.pid && a.startTime === b.startTime;

const unknownTask = (task: TaskId): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'unknown-task',
    message: `there is no task ${task}`,
    help: 'It may have been removed by gc.',
  });

/** What an agent makes of a controller: only of these two it knows how. */
export const isController = (record: TaskRecord): boolean =>
  record.type === 'controller' && (record.script?.launch !== undefined || record.run !== undefined);
