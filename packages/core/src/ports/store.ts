import type { ArtifactRecord, Report, StoredArtifact } from '../model/artifact.js';
import type { ErrorRecord } from '../model/errors.js';
import type { RunEvent } from '../model/events.js';
import type { Digest, Fingerprint, RunId, StepName, TaskId } from '../model/ids.js';
import type { RunStatus, TaskStatus } from '../model/status.js';
import type { ProcessIdentity } from './process-identity.js';
import type { NewTask, TaskStore } from './task-store.js';

/**
 * Where runs, events, tasks, cache entries and small values live. Every operation is atomic and
 * durable when its promise resolves; there is no `transaction(callback)`, so that a remote store can
 * keep the same promises. What can be expected to go wrong (stale owner, lost claim) is data.
 *
 * Invariants (the conformance suite checks them):
 * - A run has an owner and an epoch; a commit with an older epoch changes nothing (`stale-epoch`).
 * - Fences rise; a commit with an older fence of that task changes nothing (`stale-fence`).
 * - Everything of one `Commit` is visible together or not at all.
 * - A committed artifact pins its blob; `collect` never frees a pinned one.
 * - Time is the store's own clock, never the caller's.
 */
export interface Store extends TaskStore {
  // ── runs ──
  /**
   * Makes the run, gives it the next number of its pipeline (per project) and epoch 1. A task of its id is
   * its controller: that one has the run from then on.
   */
  createRun(run: NewRun): Promise<RunRow>;
  getRun(id: RunId): Promise<RunRow | undefined>;
  /** Newest first. `idPrefix`, `pipeline`+`number` are how people name runs. */
  findRuns(query: RunQuery): Promise<readonly RunRow[]>;
  /** How many runs there are of each pipeline that has any. */
  countRuns(): Promise<
    readonly { readonly project: string; readonly pipeline: string; readonly runs: number }[]
  >;
  /**
   * Compare and swap: the caller becomes owner with epoch `expectedEpoch + 1`, or learns who is.
   * Claims of fingerprints that the run held are released: who held them is gone or fenced off.
   */
  takeRun(
    run: RunId,
    options: { readonly expectedEpoch: number; readonly owner: ProcessIdentity },
  ): Promise<
    | { readonly ok: true; readonly epoch: number; readonly lastSeq: number }
    | { readonly ok: false; readonly current: RunRow }
  >;
  /** Renews the owner's lease; false when the epoch is stale. */
  heartbeatRun(run: RunId, epoch: number): Promise<boolean>;
  /** Sets the mark that asks the owner to stop (from another process). */
  requestStop(run: RunId, reason: string): Promise<boolean>;

  // ── the one way to change a run ──
  commit(commit: Commit): Promise<CommitResult>;

  readEvents(run: RunId, options?: EventQuery): Promise<readonly RunEvent[]>;
  /** The artifacts of a step of a run as committed (its `step.end`), with inline bytes. */
  readArtifacts(run: RunId, step: StepName): Promise<readonly StoredArtifact[]>;
  /** What is known of an artifact with this content, wherever it was produced last: its type, its file's name. */
  describeArtifact(hash: Digest): Promise<ArtifactRecord | undefined>;
  /** Bytes of a small value that rode in a commit. */
  readValue(hash: Digest): Promise<Uint8Array | undefined>;
  readValues(hashes: readonly Digest[]): Promise<ReadonlyMap<Digest, Uint8Array>>;

  // ── tasks ──
  /**
   * Takes the right to execute one attempt; the fence is the store's. Refused while another holds a
   * live lease (unless that one belongs to an older epoch of the same run), when the task has
   * completed, and when the claim's epoch is stale (`holder` is then the run's owner). `survivors`: as of a `Job`;
   * none but when agents had it before.
   */
  claimTask(
    claim: TaskClaim,
  ): Promise<
    | { readonly ok: true; readonly fence: number; readonly survivors: readonly ProcessIdentity[] }
    | { readonly ok: false; readonly holder: ProcessIdentity }
  >;
  heartbeatTask(task: TaskId, fence: number, leaseMs: number): Promise<boolean>;
  /** A step of a run that somebody has claimed; nothing else. */
  getTask(task: TaskId): Promise<TaskRow | undefined>;
  /** The same, in the order in which they were claimed. */
  listTasks(query: {
    readonly run?: RunId;
    readonly status?: readonly TaskStatus[];
  }): Promise<readonly TaskRow[]>;

  // ── cache ──
  findCacheEntry(fingerprint: Fingerprint): Promise<CacheEntry | undefined>;
  findCacheEntries(fingerprints: readonly Fingerprint[]): Promise<ReadonlyMap<Fingerprint, CacheEntry>>;
  /** The newest entry or execution of this step in this pipeline: what `why` compares with. */
  latestPreimage(step: {
    readonly project: string;
    readonly pipeline: string;
    readonly step: string;
    readonly beforeRun?: RunId;
  }): Promise<PreimageRow | undefined>;
  latestPreimages(pipeline: {
    readonly project: string;
    readonly pipeline: string;
    readonly beforeRun?: RunId;
  }): Promise<ReadonlyMap<string, PreimageRow>>;
  /** The parts of the fingerprint of a step of a run. */
  readPreimage(run: RunId, step: StepName): Promise<PreimageRow | undefined>;
  dropCacheEntry(fingerprint: Fingerprint): Promise<void>;
  /** Single flight: the holder executes, others wait without holding a slot. */
  claimFingerprint(
    fingerprint: Fingerprint,
    holder: {
      readonly run: RunId;
      readonly step: StepName;
      readonly owner: ProcessIdentity;
      readonly leaseMs: number;
    },
  ): Promise<
    | { readonly ok: true }
    | { readonly ok: false; readonly run: RunId; readonly step: StepName; readonly owner: ProcessIdentity }
  >;
  heartbeatFingerprints(run: RunId, leaseMs: number): Promise<void>;
  /** Only what this owner holds: the run may belong to another process by now. */
  releaseFingerprint(fingerprint: Fingerprint, run: RunId, owner: ProcessIdentity): Promise<void>;

  // ── what a run keeps beside its events: parameters, definition, packages ──
  /** Anything the controller needs to resume: opaque bytes by name. */
  putRunDocument(run: RunId, name: string, bytes: Uint8Array): Promise<void>;
  readRunDocument(run: RunId, name: string): Promise<Uint8Array | undefined>;
  /** The same of many runs; those without it are left out. */
  readRunDocuments(runs: readonly RunId[], name: string): Promise<ReadonlyMap<RunId, Uint8Array>>;

  /** A random key of this store, for HMACs of environment values. Never leaves it otherwise. */
  secretKey(): Promise<Uint8Array>;

  /** Deletes rows by policy, in one transaction, and tells which blobs nothing references any more. */
  collect(policy: CollectPolicy): Promise<Collected>;
  /** Whether anything references these blobs, at this moment. */
  pinned(hashes: readonly Digest[]): Promise<ReadonlySet<Digest>>;

  /** Changes whenever another process or this one committed: to wake a reader, who then re-reads. */
  changeCounter(): Promise<number>;
  close(): Promise<void>;
}

export interface NewRun {
  readonly id: RunId;
  readonly pipeline: string;
  readonly project: string;
  /** `undefined`: the highest integer version this pipeline ever had + 1 (`1`, `2`, …); `1.0.0` does not count. */
  readonly version: string | undefined;
  readonly owner: ProcessIdentity;
  readonly leaseMs: number;
  /** It waits for an agent that takes it over: status `queued`, its lease is over from the start. */
  readonly queued?: true;
  /**
   * With `queued`: the record of its controller, whose id is the run's, and the queue that it waits in, in
   * the same transaction: a run never waits without anybody to take it.
   */
  readonly controller?: {
    readonly task: Omit<NewTask, 'id' | 'run' | 'step'>;
    readonly queue: string;
    readonly priority: number;
  };
  /** `run`, or the run this one was made from. */
  readonly parent?: RunId;
  /** `iris.ts#IrisPipeline`. */
  readonly source: string;
  /**
   * What it takes to continue the run, kept in the same transaction: a run that exists can be resumed,
   * however early its process died. Values are small ones of the store; blobs are in the blob store.
   */
  readonly documents?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly values?: readonly { readonly hash: Digest; readonly bytes: Uint8Array }[];
  readonly blobs?: readonly { readonly hash: Digest; readonly size: number }[];
}

export interface RunRow {
  readonly id: RunId;
  readonly pipeline: string;
  readonly project: string;
  readonly version: string;
  readonly number: number;
  /** As committed; `lost` is told by readers from the owner's lease and liveness. */
  readonly status: RunStatus;
  readonly epoch: number;
  readonly owner: ProcessIdentity;
  /** The owner's lease has run out by the store's clock. */
  readonly leaseExpired: boolean;
  readonly lastSeq: number;
  readonly createdAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly source: string;
  readonly parent: RunId | undefined;
  readonly stopRequested: string | undefined;
  /**
   * It waits for an agent that takes it over (`NewRun.queued`; its controller was enqueued again, lost with
   * an agent or handed back): it has no owner, and is not lost.
   */
  readonly queued?: true;
}

export interface RunQuery {
  readonly idPrefix?: string;
  readonly pipeline?: string;
  readonly project?: string;
  readonly number?: number;
  /** As committed; `lost` finds those that have not ended and whose owner's lease has run out. */
  readonly status?: readonly RunStatus[];
  readonly limit?: number;
  /** Only runs created before this one: for paging. */
  readonly before?: RunId;
}

export interface EventQuery {
  /** Only events with a greater sequence number. */
  readonly afterSeq?: number;
  readonly limit?: number;
  readonly step?: StepName;
  /** An empty list finds nothing. */
  readonly types?: readonly RunEvent['type'][];
}

/** Everything one step forward of a run writes, together. */
export interface Commit {
  readonly run: RunId;
  readonly epoch: number;
  /** In order, `seq` dense from the last committed one. `run.start` and `run.end` move the run's row. */
  readonly events: readonly RunEvent[];
  /** Artifacts that a step now has (produced or taken from the cache): pins their blobs, keeps inline bytes. */
  readonly artifacts?: readonly { readonly step: StepName; readonly artifact: StoredArtifact }[];
  /**
   * Steps of this commit whose result was taken from the cache. Their artifacts (and those of their
   * reports) must still be there: a large one whose row is gone refuses the whole commit with
   * `missing-blob`. Renews the last use of the entries. Artifacts of all other steps are new: the
   * blob store already has the large ones.
   */
  readonly hits?: readonly { readonly step: StepName; readonly fingerprint: Fingerprint }[];
  /** Ends an attempt; refused when the fence is old. */
  readonly finish?: TaskFinish;
  readonly cacheEntry?: NewCacheEntry;
  /**
   * What the step's fingerprint was made of: for `why`. Kept once a fingerprint, so that a run of
   * hits writes only references.
   */
  readonly preimages?: readonly {
    readonly step: StepName;
    readonly fingerprint: Fingerprint;
    readonly parts: readonly PreimagePart[];
  }[];
  /** Small values without an artifact (inputs, parameters). */
  readonly values?: readonly { readonly hash: Digest; readonly bytes: Uint8Array }[];
}

export type CommitResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'stale-epoch' | 'stale-fence'; readonly message: string }
  /** An artifact that should be pinned has no row any more (gc was faster): treat the hit as a miss. */
  | {
      readonly ok: false;
      readonly reason: 'missing-blob';
      /** The first of `missing`. */
      readonly hash: Digest;
      /** Every hit that cannot be taken, so that a commit of many can be split at once. */
      readonly missing: readonly { readonly step: StepName; readonly hash: Digest }[];
      readonly message: string;
    };

export interface TaskClaim {
  readonly task: TaskId;
  readonly run: RunId;
  readonly epoch: number;
  readonly step: StepName;
  readonly attempt: number;
  readonly executor: ProcessIdentity;
  readonly leaseMs: number;
  /** As of `NewJob.run`: also when an agent has completed it. */
  readonly again?: true;
}

export interface TaskFinish {
  readonly task: TaskId;
  readonly fence: number;
  readonly status: 'completed' | 'failed' | 'aborted';
  readonly error?: ErrorRecord;
}

export interface TaskRow {
  readonly task: TaskId;
  readonly run: RunId;
  readonly step: StepName;
  readonly attempt: number;
  readonly fence: number;
  readonly status: TaskStatus;
  readonly executor: ProcessIdentity;
  readonly leaseExpired: boolean;
  /** The agent that executes it, or did last: its process is not the run's to kill. */
  readonly agent?: string;
}

export interface NewCacheEntry {
  readonly fingerprint: Fingerprint;
  readonly project: string;
  readonly pipeline: string;
  readonly step: StepName;
  readonly task: TaskId;
  readonly artifacts: readonly StoredArtifact[];
  readonly reports: readonly Report[];
  readonly durationMs: number;
}

export interface CacheEntry extends NewCacheEntry {
  readonly run: RunId;
  /** ISO, the store's clock. */
  readonly createdAt: string;
  /** Milliseconds since it was made, by the store's clock: for `ttl`. */
  readonly ageMs: number;
}

/** One named part of a fingerprint, small enough to keep: `kind` says what, `hash` its identity. */
export interface PreimagePart {
  readonly kind:
    | 'format'
    | 'code'
    | 'symbol'
    | 'binding'
    | 'returns'
    | 'dependency'
    | 'input'
    | 'file'
    | 'parameter'
    | 'configuration'
    | 'env'
    | 'asset'
    | 'version'
    | 'platform'
    | 'key';
  /** `normalize`, `rows`, `lodash`, `MODE`. */
  readonly name: string;
  readonly hash: string;
  /** Printable, bounded: `0.01`, `4.17.21`. Never for `env`. */
  readonly shown?: string;
  /** `util.ts:14`, `through arquero`, the producing step. */
  readonly where?: string;
}

export interface PreimageRow {
  readonly run: RunId;
  readonly step: StepName;
  readonly fingerprint: Fingerprint;
  readonly parts: readonly PreimagePart[];
}

/**
 * Runs go when they are not among the `keepRuns` newest of their pipeline and (with `maxAgeMs`) older
 * than that; with neither, only `maxSize` removes runs. Cache entries outlive the runs that made them:
 * they go when they were not used for `maxAgeMs`, or to come down to `maxSize`. Never removed: a run
 * whose owner or worker holds a live lease, or that waits for an agent. Tasks of their own go when they
 * ended longer than `maxAgeMs` ago; never those that wait, run, were never started or are published. The
 * record of a step goes with its run, but stays as long as a cache entry names it.
 * With no option at all only unreferenced rows go.
 */
export interface CollectPolicy {
  /** Of each pipeline, keep at least this many newest runs. */
  readonly keepRuns?: number;
  readonly maxAgeMs?: number;
  /** Bytes of artifacts to keep at most: oldest runs and least recently used cache entries go first. */
  readonly maxSize?: number;
  readonly dryRun: boolean;
}
export interface Collected {
  readonly runs: readonly RunId[];
  /** Tasks of their own. */
  readonly tasks: number;
  readonly cacheEntries: number;
  readonly values: number;
  /** Blobs that no row references now. */
  readonly unreferenced: readonly { readonly hash: Digest; readonly size: number }[];
}
