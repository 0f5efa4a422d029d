import type { GitState } from '../model/task.js';
import type { RunStatus, StepStatus } from '../model/status.js';
import type { RunViewJson } from '../run-view/view-json.js';

/** One line of the list of runs: cheap to make for thousands of them. */
export interface RunListItem {
  readonly id: string;
  readonly pipeline: string;
  readonly project: string;
  readonly version: string;
  readonly number: number;
  readonly status: RunStatus;
  /** `examples/iris.ts#IrisPipeline`. */
  readonly source: string;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** What the run says itself that it took, in milliseconds. */
  readonly durationMs?: number;
  readonly parameters: { readonly [name: string]: unknown };
  readonly counts: Readonly<Record<StepStatus, number>>;
  /**
   * By name: last values that the run shows as its own (monitors), and single values of steps; one that
   * several steps report is told apart as `step.name`.
   */
  readonly metrics: { readonly [name: string]: number };
  /** The commit of the project that it was started from. */
  readonly git?: Pick<GitState, 'commit' | 'branch'> & {
    /** Absent where it is not known. */
    readonly dirty?: boolean;
  };
  readonly parent?: string;
  /** The first line of why it failed. */
  readonly error?: string;
  /** The agent that its controller runs on. */
  readonly agent?: string;
  readonly queue?: string;
  /** It was asked to stop, and why. */
  readonly stopRequested?: string;
}

export interface RunListQuery {
  /**
   * Words of the query bar, joined by blanks: `status:failed project:examples pipeline:iris branch:main
   * lr<0.01 accuracy>=0.9 text`. All must fit; of several `status:` any. `NAME` before an operator is a
   * parameter, a metric, `number` or `duration` (seconds). A word without operator is looked for in
   * pipeline, id, source and error. Quotes keep blanks: `pipeline:"my pipe"`.
   */
  readonly q?: string;
  readonly project?: string;
  /** From the reply before. */
  readonly cursor?: string;
  /** Default 50, at most 500. */
  readonly limit?: number;
}

export interface RunList {
  /** Fewer than asked for, or none, when few fit: as many were looked at as a moment allows; `next` goes on. */
  readonly runs: readonly RunListItem[];
  /** Undefined: these were the last ones. */
  readonly next?: string;
  /** All runs that there are, and all projects, for the empty states and the menu. */
  readonly total: number;
  readonly projects: readonly string[];
  /** Parameters and metrics that occur, for completion in the query bar. */
  readonly names: { readonly parameters: readonly string[]; readonly metrics: readonly string[] };
  /** Words of the query that mean nothing, with what is wrong; they were left out. */
  readonly problems: readonly string[];
}

/** A run at one moment. What comes after `view.lastSeq` is told by the stream. */
export interface RunSnapshot {
  /**
   * Scalars of a series with more than 1,000 points are thinned out; the last one is always there. Previews
   * are short in a run of hundreds of steps.
   */
  readonly view: RunViewJson;
  readonly item: RunListItem;
  /** Its process is gone: `npx run-pipeline resume …` continues it. */
  readonly resume?: string;
  readonly host?: string;
  readonly pid?: number;
  readonly createdAt: string;
  /** Runs of the same pipeline, newest first, at most 20: to compare with. */
  readonly siblings: readonly { readonly id: string; readonly number: number; readonly status: RunStatus }[];
}

export interface RunNamesQuery {
  readonly ids?: string;
}

/** Those that are not there any more are left out. */
export interface RunNames {
  readonly names: readonly { readonly id: string; readonly pipeline: string; readonly number: number }[];
}
