import {
  taskId,
  type RunEvent,
  type RunId,
  type StoredArtifact,
  type TaskStatus,
} from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import type { TaskView } from './task-view.js';

/**
 * A run as a task: its controller. One that a process drives by itself has no record, because its row and
 * its first event say the same.
 */
export async function viewOfRun(store: Store, row: RunRow): Promise<TaskView> {
  const events = await store.readEvents(row.id, { types: ['run.start', 'run.end'] });
  const start = events.find((event) => event.type === 'run.start');
  const end = events.findLast((event) => event.type === 'run.end');
  return {
    isRecord: false,
    id: taskId(row.id),
    project: row.project,
    name: row.pipeline,
    type: 'controller',
    // `lost` is no status of a task: its lease tells.
    status: row.status as TaskStatus,
    tags: [],
    comment: '',
    parent: row.parent === undefined ? undefined : taskId(row.parent),
    run: row.id,
    step: undefined,
    script: undefined,
    parameters: start === undefined ? {} : { General: shownParameters(start) },
    configurations: {},
    progress: undefined,
    queue: undefined,
    priority: 0,
    resources: {},
    attempt: row.epoch,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    error: row.finishedAt === undefined ? undefined : end?.error,
    leaseExpired: row.status === 'running' && row.leaseExpired,
  };
}

const shownParameters = ({ parameters }: Extract<RunEvent, { readonly type: 'run.start' }>) =>
  Object.fromEntries(Object.entries(parameters).map(([name, json]) => [name, { json }]));

/** What a run shows as its own: artifacts of its steps, under its names for them. */
export async function artifactsOfRun(store: Store, run: RunId): Promise<readonly StoredArtifact[]> {
  const events = await store.readEvents(run, { types: ['run.artifact'] });
  const shown = new Map(
    events.flatMap((event) =>
      event.type === 'run.artifact' ? [[event.artifact.name, event.artifact] as const] : [],
    ),
  );
  const small = await store.readValues([...shown.values()].map(({ hash }) => hash));
  return [...shown.values()].map((record) => {
    const inline = small.get(record.hash);
    return inline === undefined ? { record } : { record, inline };
  });
}
