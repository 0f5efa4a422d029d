import type {
  ArgumentBinding,
  Digest,
  ErrorKind,
  ErrorRecord,
  ExternalImport,
  PackageEntry,
  Report,
  RunId,
  StepName,
  StoredArtifact,
  TaskConfigurations,
  TaskEdit,
  TaskId,
  TaskParameters,
  TaskType,
} from '@run-pipeline/core/model';
import type { ProjectCall, ProjectRelay } from '../project/relay.js';

/**
 * What the controller sends to a worker and what comes back: structured-clone data over child-process
 * IPC with `serialization: 'advanced'`. Values travel encoded: small ones inline, large ones through
 * the blob store.
 */
export interface TaskRequest {
  readonly task: TaskId;
  readonly run: RunId;
  readonly step: StepName;
  readonly attempt: number;
  readonly pipeline: string;
  readonly project: string;
  readonly package: {
    readonly hash: Digest;
    /** Absolute path of the module, with placeholders already replaced by file URLs. */
    readonly file: string;
    /** The file that holds its map: that module itself, or a `.map`. */
    readonly sourceMap: string | undefined;
    readonly externals: readonly ExternalImport[];
  };
  readonly entry: PackageEntry;
  readonly binding: ArgumentBinding;
  readonly arguments: ArgumentValues;
  /** `@Parameter` values of a class step, by name. */
  readonly parameters: readonly (readonly [string, InputValue])[];
  readonly returns: readonly string[] | undefined;
  /** Of an entry `script`: what `Task.init` attaches to, and what `connect` finds. */
  readonly script?: {
    readonly name: string;
    readonly project: string;
    readonly type: TaskType;
    readonly tags: readonly string[];
    readonly parameters: TaskParameters;
    readonly configurations: TaskConfigurations;
    /** Absolute path of the script, for `process.argv[1]`: what its `import.meta.url` says. Default: the package's. */
    readonly file?: string;
  };
  /** Where `Task.get` and `Task.query` look: paths of the project's state. */
  readonly state?: {
    readonly cwd: string;
    readonly root: string;
    readonly home: string;
    /** It cannot be opened from there: the task asks its supervisor. */
    readonly relay?: { readonly blobsDirectory: string } | undefined;
  };
  /** Environment of the task: the worker's own is replaced by it. */
  readonly env: Readonly<Record<string, string>>;
  /** Values to mask in console and errors. */
  readonly secrets: readonly string[];
  readonly cwd: string;
  /** Places in errors are told relative to this directory; default: `cwd`. */
  readonly placesFrom?: string;
  readonly blobs: { readonly kind: 'directory'; readonly path: string };
  readonly assetsDirectory: string | undefined;
  /** Where in it the names of assets start: the place of the step's source file. Default: at its top. */
  readonly assetsFrom?: string;
  /** Where the task may make a private directory for local copies; default: the system's. Exists. */
  readonly scratch?: string;
  /** Milliseconds; the controller enforces it, the worker tells the step through `signal`. */
  readonly timeout: number | undefined;
}

export type ArgumentValues =
  | { readonly kind: 'none' }
  | { readonly kind: 'positional'; readonly values: readonly InputValue[] }
  | { readonly kind: 'named'; readonly values: readonly (readonly [string, InputValue])[] };

/** An input as the worker gets it. Every decode is private: no two steps share an object. */
export type InputValue =
  /** Encoded by a codec: bytes inline, or to be read (and verified) from the blob store. */
  | {
      readonly kind: 'encoded';
      readonly codec: string;
      readonly codecVersion: number;
      readonly hash: Digest;
      readonly inline?: Uint8Array;
      readonly meta?: Readonly<Record<string, unknown>>;
      /** A path into the decoded value. */ readonly path?: readonly string[];
    }
  /** A parent failed and `skipChildrenOnFail` is false. */
  | { readonly kind: 'undefined' }
  | { readonly kind: 'list'; readonly items: readonly InputValue[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, InputValue])[] };

export type TaskOutcome =
  | {
      readonly status: 'completed';
      readonly artifacts: readonly StoredArtifact[];
      /** Why it must not enter the cache, if so (`reads through Task.get`). */
      readonly uncacheable?: string;
      /** `artifacts` beyond the returns, uploaded by the step, are in `artifacts` too. */
      readonly reports: readonly Report[];
      /** Inline bytes of what reports refer to (tables, plots, images up to INLINE_LIMIT). */
      readonly values: readonly { readonly hash: Digest; readonly bytes: Uint8Array }[];
    }
  | {
      readonly status: 'failed';
      readonly error: ErrorRecord;
      /** The error as it was thrown, as far as it can be cloned: for `retry.when`. */ readonly thrown?: unknown;
    }
  | { readonly status: 'aborted'; readonly reason: AbortCause; readonly error?: ErrorRecord };

export type AbortCause = 'timeout' | 'stopped' | 'shutdown';
/** The `reason` of the signal that aborts an execution. */
export interface AbortReason {
  readonly reason: AbortCause;
}

/** Controller to worker. */
export type ToWorker =
  | {
      readonly type: 'run';
      readonly request: TaskRequest;
      /** To be written to both pipes when the task has ended. */ readonly mark: string;
    }
  /** Fires the step's AbortSignal; the group is killed after a grace period. */
  | { readonly type: 'abort'; readonly task: TaskId; readonly reason: AbortCause }
  /** To `ask`; `id` as there. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: ServiceAnswer }
  /** After `watch`: something in the store has changed. */
  | { readonly type: 'changed' }
  | { readonly type: 'exit' };

export type ServiceAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: PortableFailure };
/** An error with what makes it one of ours, where it is. */
export interface PortableFailure {
  readonly name: string;
  readonly message: string;
  readonly kind?: ErrorKind;
  readonly code?: string;
  readonly help?: string;
}

/** Worker to controller. Console output comes through the pipes, not through here. */
export type FromWorker =
  | { readonly type: 'ready'; readonly pid: number; readonly rss: number }
  /** Some at a time, in order. The pool puts them into the outcome. */
  | { readonly type: 'reports'; readonly task: TaskId; readonly reports: readonly ReportMessage[] }
  /** What the task says of itself (progress, tags, connected parameters); merged with what it said before. */
  | { readonly type: 'edit'; readonly task: TaskId; readonly edit: TaskEdit }
  /** What the task uploaded, as soon as it is stored; the same name again replaces it. In the outcome too. */
  | { readonly type: 'artifact'; readonly task: TaskId; readonly artifact: StoredArtifact }
  /** What the task wants of the project, which it cannot open. */
  | { readonly type: 'ask'; readonly task: TaskId; readonly id: number; readonly call: ProjectCall }
  /** It wants to hear of changes in the store, from now to its end. */
  | { readonly type: 'watch'; readonly task: TaskId }
  /** Last word of a process in which `process.exit()` was called; without an error: a script that ended well. */
  | {
      readonly type: 'exiting';
      readonly task: TaskId;
      readonly error?: ErrorRecord;
      readonly uncacheable?: string;
    }
  | {
      readonly type: 'done';
      readonly task: TaskId;
      /** Its `reports` and `values` are empty: they came before. */
      readonly outcome: TaskOutcome;
      /** Bytes, for recycling. */
      readonly rss: number;
      /** What the step left behind (timers, child processes, changed globals): not reused then. */
      readonly leftovers: readonly string[];
    };

export interface ReportMessage {
  readonly report: Report;
  /** Bytes of the artifact that the report refers to, when they are not in the blob store. */
  readonly inline?: Uint8Array;
}

/** The pool, as the engine sees it. */
export interface WorkerPool {
  /**
   * Executes one attempt. Resolves with what happened, also when the worker died (`failed`, code
   * `worker-lost`); rejects only for a bug. `onStart` is awaited after the worker is chosen and before
   * the request is sent: the engine claims the task there.
   */
  execute(options: {
    readonly request: TaskRequest;
    readonly isolation: 'process' | 'fresh' | 'inline';
    /** Workers are shared only between tasks with the same key (the dependency closure). */
    readonly closureKey: string;
    readonly ownWorker: boolean;
    /** Answers a task that cannot open the project itself (`state.relay`). */
    readonly service?: ProjectRelay | undefined;
    /** Aborted with an `AbortReason` as its reason; anything else counts as `stopped`. */
    readonly signal: AbortSignal;
    readonly onStart: (worker: {
      readonly pid: number;
      readonly startTime: string;
      readonly processGroup: number | undefined;
    }) => Promise<void>;
    /** A promise asks the worker's pipe to wait, so that a flood of output does not fill the memory. */
    readonly onLog: (chunk: {
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
    }) => void | Promise<void>;
    /** `inline`: the bytes of the artifact it refers to, when the blob store has not got them; in the outcome too. */
    readonly onReport: (report: Report, inline: Uint8Array | undefined) => void;
    readonly onEdit?: (edit: TaskEdit) => void;
    /** What the task uploads, while it runs; all of it is in the outcome too. */
    readonly onArtifact?: (artifact: StoredArtifact) => void;
  }): Promise<TaskOutcome>;
  /** Starts workers ahead of need. */
  warm(count: number): void;
  /** Ends all workers; kills what does not end within the grace period, or at once. */
  close(options?: { readonly atOnce: boolean }): Promise<void>;
}
