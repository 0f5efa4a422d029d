import type { ArtifactRecord, Report } from '../model/artifact.js';
import type { ErrorRecord } from '../model/errors.js';
import type { Fingerprint, RunId, StepName, TaskId } from '../model/ids.js';
import type { RunStatus, StepStatus } from '../model/status.js';

/**
 * What a run looks like after some of its events: the state that the terminal, `show` and the page
 * render. `applyEvent` changes the view in place, at constant cost, but replaces the `StepView` of a
 * step that changed: whoever keeps one can compare by identity. `reports` alone grows in place.
 */
export interface RunView {
  readonly id: RunId;
  pipeline: string;
  project: string;
  version: string;
  number: number;
  /** `queued` before the first event. `lost` is set by readers that know the owner is gone. */
  status: RunStatus;
  parameters: { readonly [name: string]: unknown };
  /** ISO time of the first event; undefined while queued. */
  startedAt: string | undefined;
  finishedAt: string | undefined;
  /** Milliseconds; undefined until the run ended. */
  durationMs: number | undefined;
  /** Why the run failed, where it is not the failure of a step alone. */
  error: ErrorRecord | undefined;
  /** `examples/iris.ts#IrisPipeline`. */
  source: string | undefined;
  /** In the order in which the nodes were added. */
  readonly steps: Map<StepName, StepView>;
  readonly counts: Record<StepStatus, number>;
  /** What steps reported and the run shows as its own; grows in place. */
  readonly reports: { readonly from: StepName; readonly report: Report }[];
  /** Artifacts of steps that the run shows as its own, by its name for them. */
  readonly artifacts: Map<string, { readonly from: StepName; readonly artifact: ArtifactRecord }>;
  /** Of the last event; -1 before the first. */
  lastSeq: number;
}

export interface StepView {
  readonly name: StepName;
  readonly parents: readonly StepName[];
  /** The mapped step that this node is an element of. */
  readonly of?: StepName;
  readonly status: StepStatus;
  /** Executions that were started. */
  readonly attempts: number;
  /** ISO time at which the first attempt started; absent for cached and skipped ones. */
  readonly startedAt?: string;
  /** ISO time at which the current attempt started. */
  readonly attemptStartedAt?: string;
  readonly finishedAt?: string;
  /** Milliseconds. */
  readonly durationMs?: number;
  /** Of a cached step: what its execution took when it was executed. */
  readonly savedMs?: number;
  readonly fingerprint?: Fingerprint;
  /** The run that executed what the cache gave. */
  readonly cachedFrom?: RunId;
  /** The task that is executed or that made the artifacts, where it is not `RUN.STEP`. */
  readonly task?: TaskId;
  readonly artifacts: readonly ArtifactRecord[];
  /** Why it ran, was taken from the cache, or was skipped: sentences. */
  readonly why: readonly string[];
  /** Of the last attempt that failed, also while the next one is under way. */
  readonly error?: ErrorRecord;
  /** npm name to exact version. */
  readonly dependencies?: { readonly [name: string]: string };
  /** In order of arrival; grows in place. */
  readonly reports: readonly Report[];
  /** Where the current or last attempt ran. */
  readonly host?: string;
  readonly pid?: number;
  /** The agent; absent: the run itself. */
  readonly agent?: string;
  /** Where it waits for an agent, or waited last. */
  readonly queue?: string;
  /** What it did when, in order; absent until it did anything. */
  readonly spans?: readonly StepSpan[];
}

/** A stretch of a step's time: waiting in a queue, executing, waiting for the next attempt. */
export interface StepSpan {
  readonly kind: 'queue' | 'run' | 'retry';
  readonly attempt: number;
  /** ISO times; without an end it goes on. */
  readonly from: string;
  readonly to?: string;
  /** An execution that failed, was aborted, or whose process was lost. */
  readonly failed?: true;
}

/** A run of which nothing is known yet. */
export function emptyRunView(id: RunId): RunView {
  return {
    id,
    pipeline: '',
    project: '',
    version: '',
    number: 0,
    status: 'queued',
    parameters: {},
    startedAt: undefined,
    finishedAt: undefined,
    durationMs: undefined,
    error: undefined,
    source: undefined,
    steps: new Map(),
    counts: { created: 0, queued: 0, running: 0, completed: 0, failed: 0, aborted: 0, cached: 0, skipped: 0 },
    reports: [],
    artifacts: new Map(),
    lastSeq: -1,
  };
}
