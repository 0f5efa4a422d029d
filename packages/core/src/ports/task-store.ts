import type { Report, StoredArtifact } from '../model/artifact.js';
import type { ErrorRecord } from '../model/errors.js';
import type { Digest, RunId, StepName, TaskId } from '../model/ids.js';
import type { TaskStatus } from '../model/status.js';
import type { TaskEdit, TaskRecord, TaskType } from '../model/task.js';
import type { ProcessIdentity } from './process-identity.js';
import type { Resources } from '../model/resources.js';
import type { Offers, QueueLimits, QueueLimitsEdit } from './queue-limits.js';

/**
 * Tasks as records, tasks that wait in queues, and the agents that execute them. A part of `Store`,
 * with the same promises: every operation is atomic, durable when it resolves, and by the store's clock.
 *
 * The life of one attempt: `enqueueTask` (queued) -> `claimQueued` (running, with a new fence and a
 * lease) -> `heartbeatTask`, `appendTaskOutput` -> `finishTask`. Whoever holds the newest fence may
 * write; everybody else is refused. Nothing of an attempt is visible under another one's number.
 */
export interface TaskStore {
  // ── records ──
  /** Status `created`. An id that exists already is left as it is, and returned. */
  createTask(task: NewTask): Promise<TaskRecord>;
  readTask(task: TaskId): Promise<TaskRecord | undefined>;
  /** Newest first. */
  findTasks(query: TaskQuery): Promise<readonly TaskRecord[]>;
  /**
   * Refused: `unknown`; `stale-fence` when `fence` is given and is not the running attempt's; `status`
   * when `status` is given and does not hold the task's own, or when it is `published` (only `tags` and
   * `comment` may be changed then).
   */
  editTask(
    task: TaskId,
    edit: TaskEdit,
    options?: { readonly fence?: number; readonly status?: readonly TaskStatus[] },
  ): Promise<
    | { readonly ok: true; readonly task: TaskRecord }
    | {
        readonly ok: false;
        readonly reason: 'unknown' | 'status' | 'stale-fence';
        readonly task?: TaskRecord;
      }
  >;
  /** `created` or `completed` becomes `published`; false otherwise. */
  publishTask(task: TaskId): Promise<boolean>;
  /** Ends a task that waits or was never started (`created`, `queued`): it is `aborted`. False otherwise. */
  abortTask(task: TaskId, reason: string): Promise<boolean>;

  // ── one attempt ──
  /**
   * Puts a task into a queue: status `queued`. Of a step of a run the row is made when there is none
   * yet, and `epoch` must be the run's (`stale-epoch`). A record of its own may be `created`, `failed`
   * or `aborted`, it then gets the next attempt. Refused with `status` while it is queued, running,
   * completed or published, and with `unknown` when there is no such record. The run of a controller that
   * had not completed waits again from then on.
   */
  enqueueTask(job: NewJob): Promise<
    | { readonly ok: true; readonly attempt: number }
    | {
        readonly ok: false;
        readonly reason: 'unknown' | 'status' | 'stale-epoch';
        readonly status?: TaskStatus;
      }
  >;
  /**
   * Takes a job out of its queue before anybody claimed it: `created` again. False: it is too late, or `by` does
   * not own the run any more.
   */
  withdrawTask(task: TaskId, attempt: number, by?: RunOwnership): Promise<boolean>;
  /**
   * The job to take next: of the first of `queues` that has one (`order: 'given'`), or of the queue
   * that has waited longest since a job was taken from it (`fair`); in a queue by priority, then age.
   * Passed by: queues at their limit; jobs that need more than `offers.all`; and those that need more than
   * is free, but then nothing that comes after them is told if it needs any of what they wait for: who
   * needs much is not overtaken for ever by those who need little.
   * Nothing is taken: `claimQueued` decides between several that saw the same.
   */
  nextQueued(query: {
    readonly queues: readonly string[];
    readonly order: 'given' | 'fair';
    /** Kinds to leave alone: an agent that is busy with steps still takes controllers. */
    readonly kinds?: readonly JobKind[];
    /** Left out: jobs are told whatever they need. */
    readonly offers?: Offers;
  }): Promise<NextQueued>;
  /** Takes the right to execute a queued attempt: the limits of its queue hold over all who claim, at any time. */
  claimQueued(claim: {
    readonly task: TaskId;
    readonly attempt: number;
    /**
     * Only out of this queue: what an agent was told may have been withdrawn and queued elsewhere, under the same
     * number. Left out: wherever it waits.
     */
    readonly queue?: string;
    readonly executor: ProcessIdentity;
    /** Undefined: the run itself executes it, since no agent does. */
    readonly agent: string | undefined;
    /** Left out: whatever it needs. */
    readonly offers?: Offers;
    readonly leaseMs: number;
  }): Promise<{ readonly ok: true; readonly fence: number; readonly job: Job } | ClaimRefused>;
  /**
   * Says which process executes a running attempt, once that is known: whoever gets the task after this
   * one was lost ends that process (and its group) first. False: the fence is old.
   */
  setTaskExecutor(task: TaskId, fence: number, executor: ProcessIdentity): Promise<boolean>;
  /** Starts a record of its own (`created`) without a queue: a script that is run by hand. */
  startTask(claim: {
    readonly task: TaskId;
    readonly executor: ProcessIdentity;
    readonly leaseMs: number;
    /** One that failed or was aborted too, as its next attempt: a run that is resumed by hand. */
    readonly again?: true;
    /** One that waits in a queue too: it is out of it in the same step, so that nobody sees it as a draft. */
    readonly waiting?: true;
  }): Promise<
    { readonly ok: true; readonly fence: number } | { readonly ok: false; readonly status?: TaskStatus }
  >;
  /**
   * Ends the running attempt of a script that was started by hand as if it had never been: its task is a
   * draft (`created`) again, or waits in `queue`, and what the attempt left is removed. The record stays as
   * it was edited. False: the fence is old, or the attempt came from a queue.
   */
  leaveTask(task: TaskId, fence: number, options?: QueuePlace): Promise<boolean>;
  /** Hands an attempt back: `queued` again, with the next attempt number. False: the fence is old. */
  releaseTask(task: TaskId, fence: number, reason: string): Promise<boolean>;
  /** Console, reports and uploads of a running attempt, in order. False: the fence is old, nothing was kept. */
  appendTaskOutput(output: {
    readonly task: TaskId;
    readonly fence: number;
    readonly entries: readonly TaskOutput[];
    /** Bytes of small values that reports refer to. */
    readonly values?: readonly { readonly hash: Digest; readonly bytes: Uint8Array }[];
  }): Promise<boolean>;
  /** In order; `attempt` undefined: of the latest one. */
  readTaskOutput(
    task: TaskId,
    query?: { readonly attempt?: number; readonly afterSeq?: number; readonly limit?: number },
  ): Promise<readonly TaskOutputRow[]>;
  /** Outcome, artifacts and their pins in one transaction. False: the fence is old, nothing was kept. */
  finishTask(ending: NewEnding): Promise<boolean>;
  /** How the latest attempt ended; undefined while it has not. */
  readTaskEnding(task: TaskId): Promise<TaskEnding | undefined>;
  /** What a task of its own uploaded, and what an attempt on an agent returned. Latest attempt only. */
  readTaskArtifacts(task: TaskId): Promise<readonly StoredArtifact[]>;
  /** State of attempts on agents, for whoever follows several of them. Unknown ones are left out. */
  readAttempts(tasks: readonly TaskId[]): Promise<ReadonlyMap<TaskId, AttemptState>>;
  /**
   * Asks whoever executes the attempt to end it; it then finishes as aborted. False: it does not run, or `by` does
   * not own the run any more.
   */
  requestTaskStop(task: TaskId, attempt: number, stop: TaskStop, by?: RunOwnership): Promise<boolean>;
  /** What was asked of these running attempts. */
  readTaskStops(tasks: readonly TaskId[]): Promise<ReadonlyMap<TaskId, TaskStop>>;
  /**
   * Running attempts whose lease has run out: what came from a queue goes back into it with the next
   * attempt number, or fails with code `agent-lost` when that was the third that got lost; what a
   * script ran by hand is `aborted` with code `process-lost`. What was asked to stop ends as `aborted`,
   * but for a controller whose run has begun: the next agent ends that one. Anybody may call it at any time.
   */
  recoverTasks(): Promise<{
    readonly requeued: readonly { readonly task: TaskId; readonly attempt: number; readonly queue: string }[];
    readonly failed: readonly TaskId[];
    readonly aborted: readonly TaskId[];
  }>;

  // ── agents and queues ──
  /** Makes or replaces the agent's row. */
  registerAgent(agent: NewAgent): Promise<void>;
  /** Renews its lease and says what it does. False: it is unknown (its row was removed): register again. */
  heartbeatAgent(
    agent: string,
    state: { readonly running: readonly TaskId[]; readonly leaseMs: number; readonly draining: boolean },
  ): Promise<boolean>;
  removeAgent(agent: string): Promise<void>;
  /** Agents whose lease has not run out; `queue`: those that serve it and do not drain. */
  listAgents(query?: { readonly queue?: string }): Promise<readonly AgentRow[]>;
  /** Queues that were created, and those that jobs or agents name. `default` and `services` always are. */
  listQueues(): Promise<readonly QueueRow[]>;
  createQueue(name: string): Promise<void>;
  /** Makes the queue, should it not be there; what already runs goes on. Returns what holds from now on. */
  setQueueLimits(queue: string, edit: QueueLimitsEdit): Promise<QueueLimits>;
  /** What waits in a queue, in the order in which it will be taken. */
  listQueued(queue: string): Promise<readonly QueuedJob[]>;
  /** Withdraws everything that waits; says what. Steps of runs are executed by their runs then, or wait for the next agent. */
  clearQueue(queue: string): Promise<readonly TaskId[]>;

  /**
   * Calls back after each commit, of this process or another one, at most 50 ms later; several commits
   * may be one call. It only wakes: the reader reads again. Returns what ends it.
   */
  watch(listener: () => void): () => void;
}

export interface NewTask {
  readonly id: TaskId;
  readonly project: string;
  readonly name: string;
  readonly type: TaskType;
  readonly parent?: TaskId;
  readonly run?: RunId;
  readonly step?: StepName;
  readonly edit: TaskEdit;
  /** Values that the record refers to (a diff, a launch): pinned as long as the task exists. */
  readonly values?: readonly { readonly hash: Digest; readonly bytes: Uint8Array }[];
}

export interface TaskQuery {
  readonly project?: string;
  readonly name?: string;
  readonly idPrefix?: string;
  readonly tags?: readonly string[];
  readonly status?: readonly TaskStatus[];
  readonly type?: readonly TaskType[];
  readonly parent?: TaskId;
  readonly run?: RunId;
  /** Default false: steps of runs are left out. */
  readonly steps?: boolean;
  readonly limit?: number;
  /** For paging: only tasks created before this one. */
  readonly before?: TaskId;
}

/** `step`: of a run; `spec` says all. `task`: a record of its own. `controller`: a whole run. */
export type JobKind = 'step' | 'task' | 'controller';

export interface NewJob {
  readonly task: TaskId;
  readonly kind: JobKind;
  readonly queue: string;
  readonly priority: number;
  /** What it needs of an agent; default nothing. */
  readonly resources?: Resources;
  /** Of a step. */
  readonly run?: {
    readonly id: RunId;
    readonly epoch: number;
    readonly step: StepName;
    readonly attempt: number;
    /**
     * Also when an agent has completed it: its run never took that outcome, and asks for another one since the
     * step's inputs are others now.
     */
    readonly again?: true;
  };
  /** What to execute (opaque here), for steps. */
  readonly spec?: Uint8Array;
  /** Tells whether a job that is already there is the same one: the fingerprint of the step. */
  readonly identity?: string;
  /** Blobs and small values the spec refers to, kept until the task goes. */
  readonly pins?: readonly { readonly hash: Digest; readonly size: number; readonly bytes?: Uint8Array }[];
}

/** Where a task is to wait, and as what. */
export type QueuePlace = Pick<NewJob, 'queue' | 'priority' | 'resources'>;

/** The owner of a run, at the time it took it: refused once somebody else has. */
export interface RunOwnership {
  readonly run: RunId;
  readonly epoch: number;
}

export interface QueuedJob {
  readonly task: TaskId;
  readonly attempt: number;
  readonly kind: JobKind;
  readonly queue: string;
  readonly priority: number;
  /** Without those of which it needs 0; keys in order. */
  readonly resources: Resources;
  readonly run: RunId | undefined;
  readonly step: StepName | undefined;
  readonly enqueuedAt: string;
}

export interface NextQueued {
  readonly job: QueuedJob | undefined;
  /**
   * Without a job: milliseconds after which the rate of a queue lets go one that waits. Nothing is committed
   * when that time has passed, so nobody is woken. Undefined: a commit tells when to look again.
   */
  readonly retryMs: number | undefined;
}

export interface ClaimRefused {
  readonly ok: false;
  /**
   * `gone`: somebody else was faster, or it does not wait any more. `limit`: its queue is at its limit.
   * `resources`: it needs more than is free of the offers.
   */
  readonly reason: 'gone' | 'limit' | 'resources';
  /** Of `limit`, when it is the rate: milliseconds until another one may be begun. */
  readonly retryMs?: number;
}

export interface Job extends QueuedJob {
  readonly spec: Uint8Array | undefined;
  /** Attempts that were lost with their agents before. */
  readonly lost: number;
  /**
   * Processes of lost attempts of this task that may have outlived them. They lead a process group, and
   * execute nothing else. Whoever claims the job ends those of its host before it executes anything.
   */
  readonly survivors: readonly ProcessIdentity[];
}

export type TaskOutput =
  | { readonly kind: 'log'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'report'; readonly report: Report }
  /** Visible at once; the same name again replaces it. */
  | { readonly kind: 'artifact'; readonly artifact: StoredArtifact };
export type TaskOutputRow = TaskOutput & {
  /** Dense within an attempt, from 0. */
  readonly seq: number;
  readonly attempt: number;
  readonly ts: string;
};

export interface NewEnding {
  readonly task: TaskId;
  readonly fence: number;
  readonly status: 'completed' | 'failed' | 'aborted';
  readonly error?: ErrorRecord;
  /** Replace what the attempt uploaded before under the same names; the others stay. */
  readonly artifacts: readonly StoredArtifact[];
  /** Whatever else the follower has to know (opaque here). */
  readonly document?: Uint8Array;
}
export interface TaskEnding {
  readonly attempt: number;
  readonly fence: number;
  readonly status: 'completed' | 'failed' | 'aborted';
  readonly error: ErrorRecord | undefined;
  readonly document: Uint8Array | undefined;
}

export interface AttemptState {
  readonly attempt: number;
  readonly status: TaskStatus;
  readonly queue: string | undefined;
  readonly identity: string | undefined;
  readonly agent: string | undefined;
  readonly executor: ProcessIdentity | undefined;
  readonly leaseExpired: boolean;
  /** Attempts that were lost or handed back: their numbers, and why. */
  readonly lost: readonly {
    readonly attempt: number;
    readonly reason: string;
    readonly agent: string | undefined;
    /** What executed it when it was lost; undefined: nothing did yet, or it was handed back. */
    readonly executor: ProcessIdentity | undefined;
  }[];
  /** Rows of output of this attempt. */
  readonly outputs: number;
}

export interface TaskStop {
  readonly reason: 'timeout' | 'stopped';
  readonly message: string;
}

export interface NewAgent {
  /** Unique: `host:pid` and a random part. */
  readonly id: string;
  readonly identity: ProcessIdentity;
  readonly queues: readonly string[];
  readonly concurrency: number;
  /** All that it offers to jobs, in use or not. */
  readonly resources: Resources;
  readonly leaseMs: number;
  readonly version: string;
}
export interface AgentRow extends NewAgent {
  readonly running: readonly TaskId[];
  readonly draining: boolean;
  readonly startedAt: string;
  readonly seenAt: string;
}

export interface QueueRow {
  readonly name: string;
  readonly waiting: number;
  readonly running: number;
  readonly agents: number;
  /** ISO; the job that has waited longest. */
  readonly oldest: string | undefined;
  readonly limits: QueueLimits;
}
