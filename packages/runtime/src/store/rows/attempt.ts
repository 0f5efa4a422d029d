import type { TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { AttemptState } from '@run-pipeline/core/ports';
import { decodeOwner } from './owner.js';
import type { Row } from './row.js';
import { lostAttempts } from './task-state.js';

/** What followers of attempts read, of `tasks`. */
export const ATTEMPT_COLUMNS =
  'id, attempt, status, queue, identity, agent, executor, lease_until, lost, outputs';

export function attemptOf(row: Row, now: number): readonly [TaskId, AttemptState] {
  const [id, attempt, status, queue, identity, agent, executor, leaseUntil, lost, outputs] = row as [
    TaskId,
    number,
    TaskStatus,
    string | null,
    string | null,
    string | null,
    string | null,
    number,
    string | null,
    number | null,
  ];
  return [
    id,
    {
      attempt,
      status,
      queue: queue ?? undefined,
      identity: identity ?? undefined,
      agent: agent ?? undefined,
      // While it waits, the row may still name who had the attempt before.
      executor: executor === null || status === 'queued' ? undefined : decodeOwner(executor),
      leaseExpired: status === 'running' && leaseUntil <= now,
      lost: lostAttempts(lost).map((one) => ({
        attempt: one.attempt,
        reason: one.reason,
        agent: one.agent,
        executor: one.executor,
      })),
      outputs: outputs ?? 0,
    },
  ];
}
