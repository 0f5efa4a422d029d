import type { RunId, StepName, TaskId } from '@run-pipeline/core/model';
import type { JobKind, QueuedJob } from '@run-pipeline/core/ports';
import { decodeResources } from './resources.js';
import type { Row } from './row.js';

/** Of `tasks t` and `runs r`. */
export const JOB_COLUMNS =
  't.id, t.attempt, t.kind, t.queue, t.priority, r.id, t.step, t.queued_at, t.resources';

export function queuedJobOf(row: Row): QueuedJob {
  const [task, attempt, kind, queue, priority, run, step, queuedAt, resources] = row as [
    TaskId,
    number,
    JobKind,
    string,
    number,
    RunId | null,
    StepName | null,
    number,
    string,
  ];
  return {
    task,
    attempt,
    kind,
    queue,
    priority,
    resources: decodeResources(resources),
    run: run ?? undefined,
    step: step ?? undefined,
    enqueuedAt: new Date(queuedAt).toISOString(),
  };
}
