import type { RunId, StepName, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { TaskRow } from '@run-pipeline/core/ports';
import { decodeOwner } from './owner.js';
import type { Row } from './row.js';

/** Steps that somebody has claimed; of the others there is nobody to tell. */
export const FROM_CLAIMED = `FROM tasks t JOIN runs r ON r.n = t.run WHERE t.step IS NOT NULL AND t.executor IS NOT NULL`;
export const CLAIMED_COLUMNS =
  't.id, r.id, t.step, t.attempt, t.fence, t.status, t.executor, t.lease_until, t.agent';

export function taskRowOf(row: Row, now: number): TaskRow {
  const [task, run, step, attempt, fence, status, executor, leaseUntil, agent] = row as [
    TaskId,
    RunId,
    StepName,
    number,
    number,
    TaskStatus,
    string,
    number,
    string | null,
  ];
  return {
    task,
    run,
    step,
    attempt,
    fence,
    status,
    executor: decodeOwner(executor),
    leaseExpired: leaseUntil <= now,
    ...(agent === null ? {} : { agent }),
  };
}
