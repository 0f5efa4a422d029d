import type { MessagePort } from 'node:worker_threads';
import type {
  Digest,
  ErrorRecord,
  Report,
  StoredArtifact,
  TaskEdit,
  TaskType,
} from '@run-pipeline/core/model';
import type { QueuePlace } from '@run-pipeline/core/ports';
import type { PackedValue } from '../artifacts/index.js';

/**
 * Between a script that was started by hand and the thread that records its task. The thread renews the
 * lease and writes to the store, so that busy code neither looks dead nor waits for a disk. What the script
 * posted arrives although it never yields; only the thread waits.
 */
export interface RecorderData {
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
  readonly task: NewScriptTask;
}

export interface NewScriptTask {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the user's source; undefined: there is no file (`node -e`). */
  readonly file: string | undefined;
  readonly name: string;
  readonly project: string;
  readonly type: TaskType;
  readonly tags: readonly string[];
  readonly comment: string;
  readonly assets: readonly string[];
}

/** Places in the shared memory (32-bit). */
export const SHARED = {
  /** Size of what the thread has worked off, modulo 2^32: how far it is behind. */
  processed: 0,
  /** 1: it works nothing off any more. */
  over: 1,
  /** Grows with every answer. */
  answers: 2,
} as const;
export const SHARED_BYTES = 3 * Int32Array.BYTES_PER_ELEMENT;

/** What an artifact is made of. A path is read by the thread. */
export type Content =
  | { readonly kind: 'packed'; readonly packed: PackedValue }
  | { readonly kind: 'path'; readonly path: string; readonly directory: boolean };

/** From the script. `size` is what it counts for in `processed`. */
export type ToRecorder = { readonly size: number } & (
  | { readonly type: 'log'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'report'; readonly report: Report }
  /** The report lacks its artifact, which is made of this. */
  | {
      readonly type: 'report-content';
      readonly report: Omit<ReportWithArtifact, 'artifact'>;
      readonly name: string;
      readonly content: Content;
    }
  | { readonly type: 'upload'; readonly call: number; readonly name: string; readonly content: Content }
  | { readonly type: 'edit'; readonly edit: TaskEdit }
  /** Content that is to lie in the directory of this machine. */
  | { readonly type: 'bring'; readonly call: number; readonly hash: Digest }
  /** Resolved when everything before is in the store. */
  | { readonly type: 'flush'; readonly call: number }
  | {
      readonly type: 'end';
      readonly call: number;
      readonly status: 'completed' | 'failed' | 'aborted';
      readonly error?: ErrorRecord;
    }
  /** As if it had not been started: a draft, or a job. */
  | {
      readonly type: 'leave';
      readonly call: number;
      readonly job?: QueuePlace;
    }
);

export type ReportWithArtifact = Extract<Report, { readonly artifact: unknown }>;

/** From the thread. */
export type FromRecorder =
  | StartedScriptTask
  | { readonly type: 'refused'; readonly error: PortableError }
  | { readonly type: 'stored'; readonly call: number; readonly artifact: StoredArtifact }
  | { readonly type: 'done'; readonly call: number; readonly ok: boolean }
  | { readonly type: 'failed'; readonly call: number; readonly error: PortableError }
  /** Somebody asks the task to end; who has not done so after the grace period is ended. */
  | { readonly type: 'stop'; readonly message: string }
  /** For the user, once. */
  | { readonly type: 'warning'; readonly message: string }
  /** Nothing is recorded any more. */
  | { readonly type: 'over'; readonly message: string };

export interface StartedScriptTask {
  readonly type: 'started';
  readonly id: string;
  readonly fence: number;
  readonly root: string;
  readonly home: string;
  readonly blobsDirectory: string;
  /** There is a package that an agent could execute. */
  readonly hasPackage: boolean;
}

/** An error as plain data: classes do not cross threads. */
export interface PortableError {
  readonly own: boolean;
  readonly kind: string;
  readonly code: string;
  readonly name: string;
  readonly message: string;
  readonly help: string | undefined;
  readonly stack: string | undefined;
}
