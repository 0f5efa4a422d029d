import {
  isSuccess,
  type ErrorRecord,
  type RunEventBody,
  type RunId,
  type StepName,
  type TaskId,
} from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { emptyRunView, applyEvent, type RunView } from '@run-pipeline/core/run-view';
import { processIdentity } from '../../project/process-identity.js';
import type { Project } from '../../project/project.js';
import type { RunRequest, RunResult } from '../api.js';
import { createRunLog, RunLost } from './run-log.js';
import { endProcesses, killSurvivors } from './survivors.js';

/**
 * Ends a run that no process drives, without executing anything: one that waits and is not wanted any
 * more, one whose controller cannot be loaded, one whose controller died too often. What is left of its
 * steps on this machine is killed, on agents it is stopped. Rejects with `RunLost` when somebody has taken it.
 */
export async function endRun(options: {
  readonly project: Project;
  /** As it was when this was decided: nobody may have taken it since. */
  readonly row: RunRow;
  readonly status: 'failed' | 'aborted';
  readonly error: ErrorRecord;
  readonly onEvent?: RunRequest['onEvent'];
}): Promise<RunResult> {
  const { project, row, status, error } = options;
  const { store } = project;
  const run = row.id;
  const ended = await endedResult(store, (await store.getRun(run)) ?? row);
  if (ended !== undefined) return ended;
  const taken = await store.takeRun(run, { expectedEpoch: row.epoch, owner: processIdentity() });
  if (!taken.ok) throw new RunLost(`run ${run} was taken over by process ${taken.current.owner.pid}`);
  // The process of a controller leads a group; it may have lost its agent only.
  if (row.owner.processGroup !== undefined && row.owner.pid !== process.pid) await endProcesses([row.owner]);
  await killSurvivors(project, row);

  const view = emptyRunView(run);
  for (const event of await store.readEvents(run, { types: STATE })) applyEvent(view, event);
  await stopOnAgents(store, view, error.message);
  const log = createRunLog({
    store,
    run,
    epoch: taken.epoch,
    lastSeq: taken.lastSeq,
    onEvent: options.onEvent ?? (() => {}),
    onLost: () => {},
  });
  const started = view.startedAt === undefined ? Date.now() : Date.parse(view.startedAt);
  await log.append({
    events: [
      ...(taken.lastSeq === -1 ? [startOf(row)] : []),
      ...stepEnds(view, error.message),
      { type: 'run.end', status, durationMs: Math.max(0, Date.now() - started), error },
    ],
  });
  return { id: run, number: row.number, status, error };
}

const STATE = [
  'run.start',
  'step.add',
  'step.queue',
  'step.start',
  'step.retry',
  'step.end',
  'run.resume',
  'run.end',
] as const;

/** How a run ended; undefined while it has not. */
export async function endedResult(store: Store, row: RunRow): Promise<RunResult | undefined> {
  const { status } = row;
  if (status !== 'completed' && status !== 'failed' && status !== 'aborted') return undefined;
  const ends = await store.readEvents(row.id, { types: ['run.end'] });
  const last = ends.at(-1);
  const error = last?.type === 'run.end' ? last.error : undefined;
  return { id: row.id, number: row.number, status, error };
}

/** It never came so far that its steps were known. */
const startOf = (row: RunRow): RunEventBody => ({
  type: 'run.start',
  pipeline: row.pipeline,
  project: row.project,
  version: row.version,
  number: row.number,
  parameters: {},
  steps: [],
  source: row.source,
});

function stepEnds(view: RunView, why: string): readonly RunEventBody[] {
  return unended(view).map(({ name, attempts, status }): RunEventBody => ({
    type: 'step.end',
    step: name,
    status: status === 'running' || attempts > 0 ? 'aborted' : 'skipped',
    attempt: attempts,
    durationMs: 0,
    artifacts: [],
    why: [why],
  }));
}

const unended = (view: RunView) =>
  [...view.steps.values()].filter(
    ({ status }) => !isSuccess(status) && status !== 'failed' && status !== 'aborted' && status !== 'skipped',
  );

/** Their agents end them and are refused what they still write: the run has ended without it. */
async function stopOnAgents(store: Store, view: RunView, message: string): Promise<void> {
  const tasks = unended(view).map(({ name, task }) => task ?? taskOf(view.id, name));
  for (const [task, { status, attempt }] of await store.readAttempts(tasks)) {
    if (status === 'queued') await store.withdrawTask(task, attempt);
    else if (status === 'running') await store.requestTaskStop(task, attempt, { reason: 'stopped', message });
  }
}

const taskOf = (run: RunId, step: StepName): TaskId => `${run}.${step}` as TaskId;
