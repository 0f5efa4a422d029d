import { didYouMean, RunPipelineError, type TaskRecord } from '@run-pipeline/core/model';
import type { RunQuery, Store } from '@run-pipeline/core/ports';
import { readTaskView, stepTask, viewOfRecord, type TaskView } from './task-view.js';

/** The newest task of this name that is not a step of a run. */
export async function findByName(
  store: Store,
  query: { readonly project: string; readonly name: string },
): Promise<TaskView | undefined> {
  const [record] = await store.findTasks({ ...query, limit: 1 });
  return record && viewOfRecord(record);
}

/** The same, or an error that says what there is. */
export async function requireByName(
  store: Store,
  query: { readonly project: string; readonly name: string },
): Promise<TaskView> {
  const found = await findByName(store, query);
  if (found !== undefined) return found;
  const records = await store.findTasks({});
  const { project, name } = query;
  const names = new Set(records.filter((one) => one.project === project).map((one) => one.name));
  const projects = new Set(records.map((one) => one.project));
  throw unknownTask(
    names.size > 0
      ? `there is no task "${name}" in the project "${project}"${didYouMean(name, names)}`
      : `there is no project "${project}" with tasks${didYouMean(project, projects)}`,
  );
}

/** By its whole id; `RUN.STEP` is a step of a run. */
export async function requireById(store: Store, id: string): Promise<TaskView> {
  const found = await readTaskView(store, id);
  if (found !== undefined) return found;
  throw unknownTask(`there is no task with the id ${JSON.stringify(id)}`);
}

/**
 * As people name tasks on the command line: an id, a unique beginning of one, or `PROJECT/NAME` (of several
 * of one name the newest), `RUN.STEP` (`iris#3.train`, `latest.train`), or `latest`. A project's name may hold
 * slashes itself.
 */
export async function selectTask(store: Store, text: string): Promise<TaskView> {
  const exact = await readTaskView(store, text);
  if (exact !== undefined) return exact;
  if (text === 'latest') {
    const [newest] = await store.findTasks({ limit: 1 });
    if (newest !== undefined) return viewOfRecord(newest);
  }
  const slashes = [...text.matchAll(/\//g)].map(({ index }) => index);
  for (const slash of slashes) {
    const found = await findByName(store, { project: text.slice(0, slash), name: text.slice(slash + 1) });
    if (found !== undefined) return found;
  }
  const candidates = ID_START.test(text)
    ? await store.findTasks({ idPrefix: text, steps: true, limit: 2 })
    : [];
  const [first, second] = candidates;
  if (first !== undefined && second === undefined) return viewOfRecord(first);
  if (second !== undefined) throw ambiguous(text, candidates);
  const step = await stepByRun(store, text);
  if (step !== undefined) return step;
  const [slash] = slashes;
  if (slash !== undefined)
    return requireByName(store, { project: text.slice(0, slash), name: text.slice(slash + 1) });
  throw unknownTask(`there is no task ${JSON.stringify(text)}`);
}

/** A step that calls a function has no record to be found by: its run is, as people name runs. */
async function stepByRun(store: Store, text: string): Promise<TaskView | undefined> {
  const numbered = /^(.+)#(\d+)\.(.+)$/s.exec(text);
  if (numbered !== null) {
    const [, pipeline, number, step] = numbered;
    return stepOf(store, { pipeline: pipeline!, number: Number(number) }, step!);
  }
  const place = ID_START.test(text) ? stepTask(text) : undefined;
  if (place === undefined) return undefined;
  if (place.run !== 'latest') return stepOf(store, { idPrefix: place.run }, place.step);
  const [newest] = await store.findRuns({ limit: 1 });
  return newest && readTaskView(store, `${newest.id}.${place.step}`);
}

async function stepOf(store: Store, query: RunQuery, step: string): Promise<TaskView | undefined> {
  const [run, other] = await store.findRuns({ ...query, limit: 2 });
  return run === undefined || other !== undefined ? undefined : readTaskView(store, `${run.id}.${step}`);
}

const ID_START = /^[0-9a-z]{2,}/;

const ambiguous = (text: string, candidates: readonly TaskRecord[]): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'ambiguous-task',
    message: `several tasks begin with ${text}`,
    help: `give more of the id: ${candidates.map(({ id }) => id).join(', ')}`,
  });

const unknownTask = (message: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'unknown-task',
    message,
    help: 'run-pipeline task ls lists them',
  });
