import type { ArtifactRecord, Report } from './artifact.js';
import type { ErrorRecord } from './errors.js';
import type { Fingerprint, RunId, StepName, TaskId } from './ids.js';
import type { RunOutcomeStatus, StepOutcomeStatus } from './status.js';

/**
 * The state of a run is the list of its events; everything shown is a fold of them (`run-view`).
 * The shapes are public: `--json` prints them one a line. `seq` is per run, dense, and assigned by
 * the holder of the run's epoch.
 */
interface EventBase {
  readonly v: 1;
  readonly seq: number;
  /** ISO time. */
  readonly ts: string;
  readonly run: RunId;
}

export interface NodeSummary {
  readonly name: StepName;
  readonly parents: readonly StepName[];
  /** The mapped step that this node is an element of: `score` for `score[0]`. */
  readonly of?: StepName;
}

export interface RunStart {
  readonly type: 'run.start';
  readonly pipeline: string;
  readonly project: string;
  readonly version: string;
  readonly number: number;
  /** As plain JSON where it is that (the exact values are kept beside the run). */
  readonly parameters: { readonly [name: string]: unknown };
  readonly steps: readonly NodeSummary[];
  /** `examples/iris.ts#IrisPipeline`, relative to the project's root. */
  readonly source?: string;
}
/** Nodes that came while running: an element of a mapped step, a call in a pipeline function. */
export interface StepAdd {
  readonly type: 'step.add';
  readonly steps: readonly NodeSummary[];
}
/** It waits for an agent. */
export interface StepQueue {
  readonly type: 'step.queue';
  readonly step: StepName;
  readonly attempt: number;
  readonly queue: string;
  /** As of `step.start`. */
  readonly task?: TaskId;
}
export interface StepStart {
  readonly type: 'step.start';
  readonly step: StepName;
  /** Starts at 1. */
  readonly attempt: number;
  /** The task that is executed, where it is not `RUN.STEP`: a base task that is not cloned. */
  readonly task?: TaskId;
  /** The agent that executes it; absent: the run itself does. */
  readonly agent?: string;
  readonly host?: string;
  readonly pid?: number;
}
export interface StepLog {
  readonly type: 'step.log';
  readonly step: StepName;
  readonly attempt: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}
export interface StepReport {
  readonly type: 'step.report';
  readonly step: StepName;
  readonly attempt: number;
  readonly report: Report;
}
export interface StepRetry {
  readonly type: 'step.retry';
  readonly step: StepName;
  /** The attempt that failed. */
  readonly attempt: number;
  readonly error: ErrorRecord;
  readonly delayMs: number;
}
export interface StepEnd {
  readonly type: 'step.end';
  readonly step: StepName;
  readonly status: StepOutcomeStatus;
  /** The last attempt; 0 when it never started. */
  readonly attempt: number;
  readonly durationMs: number;
  /** Of a cached step: what its execution took when it was executed. */
  readonly savedMs?: number;
  readonly fingerprint?: Fingerprint;
  readonly cachedFrom?: RunId;
  /** The task that made the artifacts, where it is not `RUN.STEP`: of a cached step the one that was executed. */
  readonly task?: TaskId;
  readonly artifacts: readonly ArtifactRecord[];
  /** Why it ran (or was skipped), as sentences. */
  readonly why: readonly string[];
  readonly error?: ErrorRecord;
  /** Recorded npm dependencies, name to exact version. */
  readonly dependencies?: { readonly [name: string]: string };
}
/** What a step reported and the run shows as its own (`monitorMetrics`). */
export interface RunReport {
  readonly type: 'run.report';
  readonly from: StepName;
  readonly report: Report;
}
/** An artifact of a step that the run shows as its own (`monitorArtifacts`), under the run's name for it. */
export interface RunArtifact {
  readonly type: 'run.artifact';
  readonly from: StepName;
  readonly artifact: ArtifactRecord;
}
/** Another process took the run over; what was running is started again. */
export interface RunResume {
  readonly type: 'run.resume';
  readonly epoch: number;
}
export interface RunEnd {
  readonly type: 'run.end';
  readonly status: RunOutcomeStatus;
  readonly durationMs: number;
  readonly error?: ErrorRecord;
}

export type RunEventBody =
  | RunStart
  | StepAdd
  | StepQueue
  | RunReport
  | RunArtifact
  | StepStart
  | StepLog
  | StepReport
  | StepRetry
  | StepEnd
  | RunResume
  | RunEnd;

export type RunEvent = EventBase & RunEventBody;
