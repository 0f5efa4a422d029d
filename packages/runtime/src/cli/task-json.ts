import type { StoredArtifact } from '@run-pipeline/core/model';
import { decodeJsonValue, toJson } from '../artifacts/index.js';
import { flatParameters, type TaskView } from '../tasks/index.js';

/** A task as `task ls --json` tells it. */
export const taskSummary = (task: TaskView): Readonly<Record<string, unknown>> => ({
  id: task.id,
  project: task.project,
  name: task.name,
  type: task.type,
  status: task.status,
  tags: task.tags,
  parent: task.parent ?? null,
  run: task.run ?? null,
  step: task.step ?? null,
  queue: task.queue ?? null,
  attempt: task.attempt,
  progress: task.progress ?? null,
  createdAt: task.createdAt,
  startedAt: task.startedAt ?? null,
  finishedAt: task.finishedAt ?? null,
});

/** The whole of it: `task show --json`. Values are plain JSON where they are that, else superjson's pair. */
export const taskJson = (
  task: TaskView,
  artifacts: readonly StoredArtifact[],
): Readonly<Record<string, unknown>> => ({
  ...taskSummary(task),
  comment: task.comment,
  priority: task.priority,
  resources: task.resources,
  script: task.script ?? null,
  parameters: byName(Object.entries(flatParameters(task.parameters))),
  configurations: byName(
    Object.entries(task.configurations).map(([name, value]) => [name, decodeJsonValue(value)]),
  ),
  artifacts: artifacts.map(({ record }) => record),
  ...(task.error === undefined ? {} : { error: task.error }),
});

const byName = (entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(entries.map(([name, value]) => [name, value === undefined ? null : toJson(value)]));
