import type {
  PipelineDefinition,
  RunEvent,
  RunId,
  RunOutcomeStatus,
  ErrorRecord,
} from '@run-pipeline/core/model';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import type { LoadedFile } from '../discover/discovery.js';
import type { Project } from '../project/project.js';

/** What to run, resolved at the door. */
export interface RunRequest {
  readonly project: Project;
  readonly definition: PipelineDefinition;
  /** Absent when a program calls `run(…)` itself. */
  readonly loaded: LoadedFile | undefined;
  /** `examples/iris.ts#IrisPipeline`, relative to the project's root. */
  readonly source: string;
  /** Launch values, as given. `textual` names those that are text of the command line; the rest are values. */
  readonly parameters: {
    readonly values: Readonly<Record<string, unknown>>;
    readonly textual: readonly string[];
  };
  readonly options: EngineOptions;
  /** Under which export the pipeline was found: how a resumed controller finds it again. */
  readonly exportName: string | undefined;
  /** The run this one repeats. */
  readonly parent: RunId | undefined;
  /** What packaging has to say that is no error. */
  readonly onWarning: (message: string) => void;
  /** Called for every event, after it is committed, in order. */
  readonly onEvent: (event: RunEvent) => void;
  /** First abort: graceful (steps are told through their signal). */
  readonly signal: AbortSignal;
}

export interface EngineOptions {
  /** Steps at once. Default: the pipeline's own option, else the number of cores. */
  readonly concurrency: number | undefined;
  /** Steps to execute although cached; `all`. */
  readonly refresh: 'none' | 'all' | readonly string[];
  readonly cache: boolean;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly only: string | undefined;
  /** Steps without a queue of their own go to agents on this queue. */
  readonly queue: string | undefined;
  /** Added to that of each step. */
  readonly priority: number;
  /** No step goes to a queue. */
  readonly local: boolean;
  /** Milliseconds from abort to SIGKILL. */
  readonly graceMs: number;
}

export interface RunResult {
  readonly id: RunId;
  readonly number: number;
  readonly status: RunOutcomeStatus;
  readonly error: ErrorRecord | undefined;
}

export type StartRun = (request: RunRequest) => Promise<RunResult>;

/** Continues a run whose process is gone, from its stored packages and controller. */
export type ResumeRun = (request: {
  readonly project: Project;
  readonly run: RunId;
  /** Default: this process. */
  readonly owner?: ProcessIdentity;
  /**
   * The caller holds the task of the run's controller: whoever else believes that it drives the run has lost
   * it. Asked right before the run is taken; false: it was given to somebody else meanwhile.
   */
  readonly stillHeld?: () => Promise<boolean>;
  /** Called once this process drives the run, before anything of it is told. */
  readonly onTaken?: () => void;
  /** Of a run that a program started: its controller is the program itself. */
  readonly definition?: PipelineDefinition;
  /** `queue`, `local` and `priority`: default as the run was launched. */
  readonly options: Pick<EngineOptions, 'concurrency' | 'graceMs'> &
    Partial<Pick<EngineOptions, 'queue' | 'local' | 'priority'>>;
  /** What is to be told that is no event: a queue without agents. */
  readonly onWarning: (message: string) => void;
  readonly onEvent: (event: RunEvent) => void;
  readonly signal: AbortSignal;
}) => Promise<RunResult>;

export interface Plan {
  readonly steps: readonly PlannedStep[];
  /** What the plan could not look at: `up to the first await that is not cached`. */
  readonly notes: readonly string[];
}
export interface PlannedStep {
  readonly name: string;
  readonly action: 'run' | 'cached' | 'depends';
  readonly reasons: readonly string[];
  /** The run the cached result comes from. */
  readonly from?: RunId;
}
/** What a run would do, without doing it: no run is recorded, no step is executed. */
export type PlanRun = (request: Omit<RunRequest, 'onEvent'>) => Promise<Plan>;
