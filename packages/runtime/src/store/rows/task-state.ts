import type { StepName, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { JobKind, ProcessIdentity, RunOwnership, TaskStop } from '@run-pipeline/core/ports';
import { decodeOwner, encodeOwner } from './owner.js';
import type { Row } from './row.js';
import { storedJson } from './stored-json.js';

/** A row of `tasks` while a change looks at it. */
export interface TaskState {
  readonly task: TaskId;
  /** Number of the run's row. */
  readonly run: number | null;
  readonly step: StepName | null;
  readonly attempt: number;
  readonly fence: number;
  readonly epoch: number;
  readonly status: TaskStatus;
  readonly leaseUntil: number;
  readonly kind: JobKind | null;
  readonly queue: string | null;
  readonly agent: string | null;
  readonly firstAttempt: number;
  readonly lost: readonly LostAttempt[];
  readonly stop: TaskStop | undefined;
  readonly outputs: number;
  readonly executor: ProcessIdentity | undefined;
}

export interface LostAttempt {
  readonly attempt: number;
  readonly reason: string;
  readonly agent?: string;
  /** It was handed back: nobody failed. */
  readonly back?: true;
  /** The worker that was at it, which may have outlived its agent. */
  readonly executor?: ProcessIdentity;
}

/** An attempt that somebody wants to end, and in which right. */
export interface OwnAttempt {
  readonly task: TaskId;
  readonly attempt: number;
  /** Undefined: a person's, who may end any. */
  readonly by: RunOwnership | undefined;
}

/** What `taskState` reads, of `tasks`. */
export const STATE_COLUMNS = `id, run, step, attempt, fence, epoch, status, lease_until, kind, queue, agent,
  first_attempt, lost, stop, outputs, executor`;

export function taskStateOf(row: Row): TaskState {
  const [task, run, step, attempt, fence, epoch, status, leaseUntil, kind, queue, agent, ...rest] = row as [
    TaskId,
    number | null,
    StepName | null,
    number,
    number,
    number,
    TaskStatus,
    number,
    JobKind | null,
    string | null,
    string | null,
    number | null,
    string | null,
    string | null,
    number | null,
    string | null,
  ];
  const [firstAttempt, lost, stop, outputs, executor] = rest;
  return {
    task,
    run,
    step,
    attempt,
    fence,
    epoch,
    status,
    leaseUntil,
    kind,
    queue,
    agent,
    firstAttempt: firstAttempt ?? attempt,
    lost: lostAttempts(lost),
    stop: stop === null ? undefined : (storedJson(stop, 'the state of a task') as TaskStop),
    outputs: outputs ?? 0,
    executor: executor === null ? undefined : decodeOwner(executor),
  };
}

export const lostAttempts = (text: string | null): readonly LostAttempt[] =>
  text === null ? [] : (storedJson(text, 'the state of a task') as LostAttempt[]);

/** Lost with their agents since the task was enqueued. */
export const lostAgents = ({ lost, firstAttempt }: TaskState): number =>
  lost.filter(({ attempt, back }) => attempt >= firstAttempt && back === undefined).length;

/**
 * Processes that lead a group and may still be at a lost attempt of the task, by their text in the table.
 * Not yet sorted out: those that their agent has given another task since.
 */
export function workersOf(
  state: TaskState,
  others: readonly (ProcessIdentity | undefined)[] = [],
): ReadonlyMap<string, ProcessIdentity> {
  const identities = new Map<string, ProcessIdentity>();
  for (const executor of [...state.lost.map((one) => one.executor), ...others])
    if (executor?.processGroup !== undefined) identities.set(encodeOwner(executor), executor);
  return identities;
}
