import type {
  CacheOption,
  Isolation,
  PostExecuteCallback,
  PreExecuteCallback,
  StatusChangeCallback,
  StepOptions,
} from '../model/definition.js';
import type { Resources } from '../model/resources.js';
import type { Duration } from './duration.js';
import { MONITOR_OPTIONS, type MonitorDeclaration, NO_MONITOR, monitorOptions } from './monitor.js';
import type { OptionReader } from './option-reader.js';
import { type RetryDeclaration, retryPolicy } from './retry.js';

/**
 * Whether results are kept and found again. `true`: until something that can change the result
 * changes. `ttl`: no longer than that. `version`: any change of it is a miss. `key`: a value that
 * stands for the step's inputs in place of the inputs themselves.
 */
export type CacheDeclaration =
  | boolean
  | {
      readonly ttl?: Duration;
      readonly version?: string | number;
      readonly key?: string | ((inputs: unknown) => unknown);
    };

/** The options that every step has, also one that executes a task. */
export interface EveryStepOptions extends MonitorDeclaration {
  /** Steps that must have ended before, in addition to those that references name. */
  readonly parents?: readonly string[];
  /** Names of environment variables the result depends on; a change is a cache miss. */
  readonly env?: readonly string[];
  /** Names of environment variables passed on, masked in the console, without effect on the cache. */
  readonly secrets?: readonly string[];
  /**
   * What the step needs of an agent: `{ cpu: 2, gpu: 1 }`. It gets the step when so much of each is free
   * there, and counts it as taken meanwhile. Has no effect on the cache, nor where no agent executes it.
   */
  readonly resources?: Resources;
  /** Which of several that could start is the first: higher is sooner. A whole number, default 0. */
  readonly priority?: number;
  readonly tags?: readonly string[];
  /** Runs before the fingerprint is taken; may edit `parameters`; `false` skips the step and its children. */
  readonly preExecuteCallback?: PreExecuteCallback;
  readonly postExecuteCallback?: PostExecuteCallback;
  readonly statusChangeCallback?: StatusChangeCallback;
}

/** The options that decorated steps, `step()` functions and steps of a controller's functions share. */
export interface SharedStepOptions extends EveryStepOptions {
  /** Files (or globs) that go along, relative to the source file: `['./model.onnx']`. */
  readonly assets?: readonly string[];
  /** `process` (default): a warm, recycled one; `fresh`: one of its own; `inline`: the run's, for breakpoints. */
  readonly isolation?: Isolation;
}

/** The short names: decorated classes and `step()` functions. */
export interface ShortStepOptions extends SharedStepOptions {
  /** Default: the pipeline's. */
  readonly cache?: CacheDeclaration;
  readonly retry?: RetryDeclaration;
  /** How long one execution may take, its time in a queue included: `'10m'`, or milliseconds. */
  readonly timeout?: Duration;
  /** Which agents execute it. */
  readonly queue?: string;
  /** The run completes although this step failed. Default false. */
  readonly continueOnFail?: boolean;
  readonly continueOnAbort?: boolean;
  /** `false`: children run, and get `undefined` for what is missing. Default true. */
  readonly skipChildrenOnFail?: boolean;
  readonly skipChildrenOnAbort?: boolean;
}

/** ClearML's name of each option that has one. */
export interface ClearNames {
  /** Default: the pipeline's. */
  readonly cacheExecutedStep?: CacheDeclaration;
  readonly executionQueue?: string;
  /** Seconds that one execution may take, its time in a queue included. */
  readonly timeLimit?: number;
  readonly retryOnFailure?: RetryDeclaration;
  readonly continueBehaviour?: ContinueBehaviour;
}

/** Of `addFunctionStep`. */
export interface ControllerStepOptions extends SharedStepOptions, ClearNames {}

/** Of `addStep`. A task brings its files along, and is executed in a process of its own. */
export interface TemplateStepOptions extends EveryStepOptions, ClearNames {}

/** What a failed or aborted step means for its run and its children. */
export interface ContinueBehaviour {
  readonly continueOnFail?: boolean;
  readonly continueOnAbort?: boolean;
  readonly skipChildrenOnFail?: boolean;
  readonly skipChildrenOnAbort?: boolean;
}

const CONTINUE = ['continueOnFail', 'continueOnAbort', 'skipChildrenOnFail', 'skipChildrenOnAbort'] as const;
const EVERY = [
  'parents',
  'env',
  'secrets',
  'resources',
  'priority',
  'tags',
  'preExecuteCallback',
  'postExecuteCallback',
  'statusChangeCallback',
  ...MONITOR_OPTIONS,
] as const;
const SHARED = [...EVERY, 'assets', 'isolation'] as const;
const CLEAR_NAMES = [
  'cacheExecutedStep',
  'executionQueue',
  'timeLimit',
  'retryOnFailure',
  'continueBehaviour',
] as const;
export const SHORT_STEP_OPTIONS = ['cache', 'retry', 'timeout', 'queue', ...CONTINUE, ...SHARED] as const;
export const CONTROLLER_STEP_OPTIONS = [...CLEAR_NAMES, ...SHARED] as const;
export const TEMPLATE_STEP_OPTIONS = [...CLEAR_NAMES, ...EVERY] as const;

export function shortStepOptions(reader: OptionReader): StepOptions {
  return Object.freeze({
    ...sharedOptions(reader),
    ...continueOptions(reader),
    cache: cacheOption(reader, 'cache'),
    retry: retryPolicy(reader, 'retry'),
    timeout: reader.duration('timeout'),
    queue: reader.queue(),
  });
}

export function controllerStepOptions(reader: OptionReader): StepOptions {
  return Object.freeze({
    ...sharedOptions(reader),
    ...continueOptions(reader.nested('continueBehaviour', CONTINUE)),
    cache: cacheOption(reader, 'cacheExecutedStep'),
    retry: retryPolicy(reader, 'retryOnFailure'),
    timeout: reader.seconds('timeLimit'),
    queue: reader.queue('executionQueue'),
  });
}

/** A script is evaluated once in a process, whatever else that process could do. */
export const templateStepOptions = (reader: OptionReader): StepOptions =>
  Object.freeze({ ...controllerStepOptions(reader), isolation: 'fresh' });

function continueOptions(reader: OptionReader) {
  return {
    continueOnFail: reader.boolean('continueOnFail') ?? false,
    continueOnAbort: reader.boolean('continueOnAbort') ?? false,
    skipChildrenOnFail: reader.boolean('skipChildrenOnFail') ?? true,
    skipChildrenOnAbort: reader.boolean('skipChildrenOnAbort') ?? true,
  };
}

type SharedResolved = Pick<
  StepOptions,
  | 'monitor'
  | 'env'
  | 'secrets'
  | 'assets'
  | 'isolation'
  | 'resources'
  | 'priority'
  | 'tags'
  | 'preExecuteCallback'
  | 'postExecuteCallback'
  | 'statusChangeCallback'
>;
const NOTHING: readonly string[] = Object.freeze([]);

/** What most steps have: made once, since a pipeline may have thousands of them. */
const SHARED_DEFAULTS: SharedResolved = Object.freeze({
  env: NOTHING,
  secrets: NOTHING,
  assets: NOTHING,
  isolation: 'process',
  resources: Object.freeze({}),
  priority: 0,
  tags: NOTHING,
  preExecuteCallback: undefined,
  postExecuteCallback: undefined,
  statusChangeCallback: undefined,
  monitor: NO_MONITOR,
});

function sharedOptions(reader: OptionReader): SharedResolved {
  if (!reader.hasAny(SHARED)) return SHARED_DEFAULTS;
  return {
    ...environmentOptions(reader),
    assets: reader.strings('assets') ?? [],
    isolation: reader.oneOf('isolation', ['process', 'fresh', 'inline']) ?? 'process',
    resources: reader.resources() ?? SHARED_DEFAULTS.resources,
    priority: reader.priority() ?? 0,
    tags: reader.strings('tags') ?? [],
    preExecuteCallback: reader.callable<PreExecuteCallback>('preExecuteCallback'),
    postExecuteCallback: reader.callable<PostExecuteCallback>('postExecuteCallback'),
    statusChangeCallback: reader.callable<StatusChangeCallback>('statusChangeCallback'),
    monitor: monitorOptions(reader),
  };
}

/** `env` and `secrets`: names of variables, never values. */
export function environmentOptions(reader: OptionReader): {
  readonly env: readonly string[];
  readonly secrets: readonly string[];
} {
  const env = reader.strings('env') ?? [];
  const secrets = reader.strings('secrets') ?? [];
  for (const name of [...env, ...secrets]) {
    if (name.includes('=') || name.includes('\0')) {
      throw reader.error('option-type', `takes names of environment variables, without values`);
    }
  }
  const both = env.find((name) => secrets.includes(name));
  if (both !== undefined) {
    throw reader.error(
      'env-and-secret',
      `names "${both}" as env and as a secret`,
      'Env enters the cache key, a secret does not.',
    );
  }
  return { env, secrets };
}

/** `undefined` when the declaration leaves it open. */
export function cacheOption(reader: OptionReader, key: string): CacheOption | undefined {
  const declared = reader.raw(key);
  if (declared === undefined || declared === false) return declared;
  if (declared === true) return { ttl: undefined, version: undefined, key: undefined };
  if (typeof declared !== 'object') {
    throw reader.error('option-type', `takes true, false or { ttl, version, key } as "${key}"`);
  }
  const options = reader.nested(key, ['ttl', 'version', 'key']);
  const version = options.raw('version');
  const inputKey = options.raw('key');
  return {
    ttl: options.duration('ttl'),
    version: typeof version === 'number' ? String(version) : options.string('version'),
    key: typeof inputKey === 'string' ? () => inputKey : options.callable('key'),
  };
}
