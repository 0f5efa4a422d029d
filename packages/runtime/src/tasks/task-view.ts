import { taskId, type RunEvent, type TaskRecord } from '@run-pipeline/core/model';
import {
  stepName,
  type RunId,
  type StepEnd,
  type StepName,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { artifactsOfRun, viewOfRun } from './run-as-task.js';

/**
 * What is known of a task, whatever it is: a record, a step of a run that calls a function and is known by the
 * events of its run alone, or a run.
 */
export interface TaskView extends TaskRecord {
  /** It has a record: it can be edited, cloned, enqueued. */
  readonly isRecord: boolean;
}

export const viewOfRecord = (record: TaskRecord): TaskView => ({ ...record, isRecord: true });

/** `RUN.STEP`. Run ids hold no dots. */
export function stepTask(id: string): { readonly run: RunId; readonly step: StepName } | undefined {
  const dot = id.indexOf('.');
  return dot <= 0 || dot === id.length - 1
    ? undefined
    : { run: id.slice(0, dot) as RunId, step: stepName(id.slice(dot + 1)) };
}

/** A task by its whole id. */
export async function readTaskView(store: Store, id: string): Promise<TaskView | undefined> {
  const record = await store.readTask(taskId(id));
  if (record !== undefined) return viewOfRecord(record);
  const run = await store.getRun(id as RunId);
  if (run !== undefined) return viewOfRun(store, run);
  const place = stepTask(id);
  if (place === undefined) return undefined;
  const row = await store.getRun(place.run);
  return row && readStep(store, row, place.step);
}

async function readStep(store: Store, row: RunRow, step: StepName): Promise<TaskView | undefined> {
  const events = await store.readEvents(row.id, {
    types: ['run.start', 'step.add', 'step.start', 'step.end'],
  });
  const isNode = events.some(
    (event) =>
      (event.type === 'run.start' || event.type === 'step.add') &&
      event.steps.some(({ name }) => name === step),
  );
  if (!isNode) return undefined;
  // What was taken from the cache is the work of another task, which `$<STEP.id>` names, too.
  const end = endOf(step, events);
  const made = end?.task === undefined ? undefined : await store.readTask(end.task);
  return made === undefined ? viewOfStep(row, step, events) : viewOfRecord(made);
}

/** Of a run that was resumed the last one. */
function endOf(step: StepName, events: readonly RunEvent[]): StepEnd | undefined {
  const end = events.findLast((event) => event.type === 'step.end' && event.step === step);
  return end?.type === 'step.end' ? end : undefined;
}

function viewOfStep(row: RunRow, step: StepName, events: readonly RunEvent[]): TaskView {
  const own = events.filter((event) => 'step' in event && event.step === step);
  const starts = own.filter((event) => event.type === 'step.start');
  const end = endOf(step, events);
  return {
    isRecord: false,
    id: taskId(`${row.id}.${step}`),
    project: row.project,
    name: step,
    type: 'custom',
    status: end !== undefined ? end.status : starts.length > 0 ? 'running' : 'created',
    tags: [],
    comment: '',
    parent: undefined,
    run: row.id,
    step,
    script: undefined,
    parameters: {},
    configurations: {},
    progress: undefined,
    queue: undefined,
    priority: 0,
    resources: {},
    attempt: end?.attempt ?? starts.length,
    createdAt: row.createdAt,
    startedAt: starts[0]?.ts,
    finishedAt: own.findLast((event) => event.type === 'step.end')?.ts,
    error: end?.error,
    leaseExpired: false,
  };
}

/** Of a step what its run committed; while it still runs on an agent, what it has uploaded so far. */
export async function readViewArtifacts(store: Store, view: TaskView): Promise<readonly StoredArtifact[]> {
  if (view.run !== undefined && view.step !== undefined) {
    const committed = await store.readArtifacts(view.run, view.step);
    if (committed.length > 0) return committed;
  }
  if (view.type === 'controller' && view.run !== undefined && view.step === undefined)
    return artifactsOfRun(store, view.run);
  return store.readTaskArtifacts(view.id);
}
