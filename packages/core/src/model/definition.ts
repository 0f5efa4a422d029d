import type { Resources } from './resources.js';
import type { SourceLocation } from './source.js';

/**
 * What a user's file declares, whichever of the writings it uses. `define` produces it, `graph`
 * validates it, the engine runs it. It holds live functions and therefore never crosses a process.
 */
export interface PipelineDefinition {
  readonly kind: 'class' | 'controller' | 'function';
  readonly name: string;
  readonly project: string;
  /** `undefined`: the store assigns latest + 1. */
  readonly version: string | undefined;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  readonly parameters: readonly ParameterDefinition[];
  /** Empty for a pipeline function: its nodes come while its body runs. */
  readonly steps: readonly StepDefinition[];
  readonly options: PipelineOptions;
  /** Of a pipeline function. Called with the resolved parameters. */
  readonly body?: (parameters: Readonly<Record<string, unknown>>) => unknown;
  /** Where it is declared. */
  readonly source: SourceLocation | undefined;
  /** The object the user holds (class, controller, pipeline function): identity only. */
  readonly subject: object;
}

export interface PipelineOptions {
  readonly cache: CacheOption;
  readonly queue: string | undefined;
  readonly abortOnFailure: boolean;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly concurrency: number | undefined;
  readonly env: readonly string[];
  readonly secrets: readonly string[];
  readonly retry: RetryPolicy;
}

export type ParameterType =
  'string' | 'number' | 'integer' | 'boolean' | 'json' | 'date' | 'file' | 'directory';

export interface ParameterDefinition {
  readonly name: string;
  readonly description: string | undefined;
  readonly type: ParameterType;
  /** A Standard Schema (zod, valibot, arktype …); wins over `type`. */
  readonly schema: StandardSchema | undefined;
  readonly required: boolean;
  readonly default: unknown;
  readonly source: SourceLocation | undefined;
}

/** https://standardschema.dev, the part that is used. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult | Promise<StandardResult>;
  };
}
export type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

export interface StepDefinition {
  /** As the user wrote it; the graph checks it. */
  readonly name: string;
  readonly code: StepCode;
  /** As declared: references are still strings, `each()` and `file()` markers still markers. */
  readonly inputs: DeclaredInputs;
  /** `undefined`: one artifact `result`. `[]`: nothing is kept. */
  readonly returns: readonly string[] | undefined;
  /** Explicit parents, in addition to those that references make. */
  readonly parents: readonly string[];
  readonly options: StepOptions;
  readonly source: SourceLocation | undefined;
}

export type DeclaredInputs =
  | { readonly kind: 'none' }
  /** One value a parameter of the function, in order. */
  | { readonly kind: 'positional'; readonly values: readonly unknown[] }
  /** By name: the parameters' names (controller) or the keys of the one destructured object parameter. */
  | { readonly kind: 'named'; readonly values: Readonly<Record<string, unknown>> };

/**
 * How the slicer finds a step's code. `file` is absolute when known. Positions are those of the
 * call or decorator in the source the user wrote.
 */
export type StepCode =
  | {
      readonly kind: 'method';
      /** The class whose instance runs it (the most derived one). */
      readonly owner: abstract new () => object;
      readonly className: string;
      readonly method: string;
      readonly file: string | undefined;
    }
  | {
      readonly kind: 'function';
      readonly function: (...args: never[]) => unknown;
      /** Where `addFunctionStep(…)` or `step(…)` was called. */
      readonly call: SourceLocation | undefined;
      readonly file: string | undefined;
    }
  /**
   * A task template (`addStep`): it is cloned, the clone is executed. The step's declared inputs are
   * named: `Section/name` for a parameter, `CONFIGURATION_INPUT + name` and `TASK_INPUT + field` for
   * what `configurationOverrides` and `taskOverrides` set. Its artifacts are those that it uploads.
   */
  | {
      readonly kind: 'task';
      readonly base:
        { readonly id: string } | { readonly project: string | undefined; readonly name: string };
      /** False: the base task itself is executed (it must be a draft). */
      readonly clone: boolean;
      /** Where `addStep(…)` was called. */
      readonly call: SourceLocation | undefined;
      readonly file: string | undefined;
    };

/** Code of the user's file: what can be packaged. */
export type SlicedCode = Exclude<StepCode, { readonly kind: 'task' }>;

/** Prefixes of a template step's inputs that are no parameters. A section's name holds no colon. */
export const CONFIGURATION_INPUT = 'configuration:';
export const TASK_INPUT = 'task:';

export type Isolation = 'process' | 'fresh' | 'inline';

export type CacheOption =
  | false
  | {
      /** Milliseconds an entry stays good. */
      readonly ttl: number | undefined;
      /** Any change of it is a miss. */
      readonly version: string | undefined;
      /** Replaces the input part of the fingerprint. Called with the step's resolved inputs. */
      readonly key: ((inputs: unknown) => unknown) | undefined;
    };

export interface RetryPolicy {
  /** Further executions after the first. */
  readonly retries: number;
  /** Milliseconds before the first retry; doubles, with jitter, up to `maxBackoff`. */
  readonly backoff: number;
  readonly maxBackoff: number;
  /** Return false to give up. Runs in the controller. `attempt`: the one that failed, from 1. */
  readonly when: RetryDecision | undefined;
}
export type RetryDecision = (
  error: Error,
  attempt: number,
  pipe: CallbackPipeline,
  node: CallbackNode,
) => boolean | Promise<boolean>;

/** Resolved at the door: complete, no optional field. */
export interface StepOptions {
  /** `undefined`: the pipeline's. */
  readonly cache: CacheOption | undefined;
  readonly retry: RetryPolicy | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly queue: string | undefined;
  /** Higher is sooner. */
  readonly priority: number;
  readonly env: readonly string[];
  readonly secrets: readonly string[];
  /** Files relative to the source file, or globs of one. */
  readonly assets: readonly string[];
  readonly isolation: Isolation;
  readonly resources: Resources;
  readonly tags: readonly string[];
  readonly continueOnFail: boolean;
  readonly continueOnAbort: boolean;
  readonly skipChildrenOnFail: boolean;
  readonly skipChildrenOnAbort: boolean;
  readonly preExecuteCallback: PreExecuteCallback | undefined;
  readonly postExecuteCallback: PostExecuteCallback | undefined;
  readonly statusChangeCallback: StatusChangeCallback | undefined;
  /** What the run (its controller's task) shows of this step, once it has ended well. */
  readonly monitor: MonitorOptions;
}

export interface MonitorOptions {
  /** Scalars and single values: of the step, and as the run calls them. */
  readonly metrics: readonly { readonly from: MetricName; readonly to: MetricName }[];
  /** Artifacts (and models, which are artifacts): by the step's name, and as the run calls them. */
  readonly artifacts: readonly { readonly from: string; readonly to: string }[];
}
/** Without `series`: a single value. */
export interface MetricName {
  readonly title: string;
  readonly series?: string;
}

/** What a callback sees of a node at that moment: a copy, which does not change afterwards. */
export interface CallbackNode {
  /** `train`, `train_1`, `score[0]`. */
  readonly name: string;
  /** `created`, `queued`, `running`, `completed`, `failed`, `aborted`, `cached` or `skipped`. */
  readonly status: string;
  /** The current or last execution, from 1; 0 before the first. */
  readonly attempt: number;
  readonly parents: readonly string[];
  /** Of a step from a task: the id of the task that is cloned. */
  readonly baseTaskId: string | undefined;
  /**
   * Id of the task that the step is executed as (known before it is: `RUN.STEP`), or of the one whose
   * result it took from the cache.
   */
  readonly executed: string;
  /** The queue that it waits in, or waited in; undefined where the run executes it itself. */
  readonly queue: string | undefined;
}
/** The running pipeline, as callbacks see it. */
export interface CallbackPipeline {
  /** Id of the run. */
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly number: number;
  /** Asks the run to stop; returns at once, also from a callback. */
  stop(reason?: string): void;
}
/**
 * Runs once before each step is looked up in the cache or executed. `parameters` are the step's resolved
 * inputs, and may be edited in place: by the names of a function's parameters (by place, `0`, for inputs
 * that are a list), by `Section/name` for a step from a task. Returning false skips the step and everything
 * below it. One that throws fails the run.
 */
export type PreExecuteCallback = (
  pipe: CallbackPipeline,
  node: CallbackNode,
  parameters: Record<string, unknown>,
) => boolean | void | Promise<boolean | void>;
/** Runs once when a step has ended: executed or cached, well or not, but not skipped. One that throws fails the run. */
export type PostExecuteCallback = (pipe: CallbackPipeline, node: CallbackNode) => void | Promise<void>;
/** Runs when a step's status has become another one: `node.status`, from `previous`. One that throws fails the run. */
export type StatusChangeCallback = (
  pipe: CallbackPipeline,
  node: CallbackNode,
  previous: string,
) => void | Promise<void>;
