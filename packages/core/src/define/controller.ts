import type {
  ParameterDefinition,
  ParameterType,
  PipelineDefinition,
  StepDefinition,
} from '../model/definition.js';
import type { SourceLocation } from '../model/source.js';
import { callSite } from './call-site.js';
import { callbackOf } from './callback-scope.js';
import { type Duration, durationMs } from './duration.js';
import { type AddFunctionStepOptions, functionStep } from './function-step.js';
import { type Run, type RunOptions, runHost } from './host.js';
import { OptionReader, declarationError, describeValue } from './option-reader.js';
import {
  PARAMETER_OPTIONS,
  type ParameterOptions,
  type ValueOfType,
  parameterDefinition,
} from './parameter.js';
import {
  CONTROLLER_OPTIONS,
  type PipelineHead,
  type SharedPipelineOptions,
  pipelineHead,
} from './pipeline-options.js';
import { type DagNode, dagOf } from './pipeline-dag.js';
import {
  type ClonePipelineOptions,
  type CreateDraftOptions,
  type PipelineTask,
  type PipelineTaskQuery,
  clonePipeline,
  createDraft,
  enqueuePipeline,
  findPipeline,
} from './pipeline-task.js';
import { registry } from './registry.js';
import { type RunNode, RunNodes } from './run-nodes.js';
import { checkedRunOptions } from './run-options.js';
import type { RetryDeclaration } from './retry.js';
import { type AddStepOptions, type TaskOverrides, templateStep } from './template-step.js';
import type {
  AddedParameter,
  AddedStep,
  AddedTemplate,
  CheckedFields,
  CheckedKwargs,
  CheckedOverrides,
  CheckedReturns,
  KwargsOf,
  Open,
} from './typed-controller.js';

/** Of `new PipelineController(…)`. */
export interface PipelineControllerOptions extends SharedPipelineOptions {
  readonly name: string;
  /** Gives every step the tag `pipe: NAME`. Default false. */
  readonly addPipelineTags?: boolean;
  /** Default of the steps' `retryOnFailure`. */
  readonly retryOnFailure?: RetryDeclaration;
}

/** Of `addParameter`. */
export interface AddParameterOptions<Name extends string, Value, Type extends ParameterType> extends Omit<
  ParameterOptions,
  'type'
> {
  readonly name: Name;
  /** How a value given as text is understood. Default: as the default's type tells, else `string`. */
  readonly type?: Type;
  /** Without one the parameter is required. */
  readonly default?: Value;
}

/** Of `start()`: the command's flags in camelCase. */
export interface StartOptions extends Omit<RunOptions, 'queue' | 'remote'> {
  /** The controller itself goes to an agent on this queue. */
  readonly queue?: string;
}

/** Of `startLocally()`. */
export interface StartLocallyOptions extends Omit<RunOptions, 'remote' | 'local'> {
  /** False: the steps go to their queues (or to `queue`), the controller stays here. Default true. */
  readonly runPipelineStepsLocally?: boolean;
}

/**
 * A pipeline put together by calls, as ClearML's `PipelineController`. Statements and chains both
 * work; in a chain, `tsc` knows every step and rejects a reference to an unknown one.
 *
 * @throws RunPipelineError for an unknown option or one of a wrong type, at the call.
 * @example
 * ```ts
 * import { PipelineController } from 'run-pipeline';
 *
 * const load = (url: string) => [url.length, 1, 2];
 * const sum = (rows: number[]) => rows.reduce((a, b) => a + b, 0);
 *
 * const pipe = new PipelineController({ name: 'total', project: 'examples', version: '1.0.0' });
 * pipe.addParameter({ name: 'url', description: 'where from', default: 'https://example.com' });
 * pipe.addFunctionStep({
 *   name: 'load',
 *   function: load,
 *   functionKwargs: { url: '$<pipeline.url>' },
 *   functionReturn: ['rows'],
 *   cacheExecutedStep: true,
 * });
 * pipe.addFunctionStep({ name: 'sum', function: sum, functionKwargs: { rows: '$<load.rows>' } });
 * const run = await pipe.start();
 * console.log(run.status, await run.get('sum'));
 * ```
 */
export class PipelineController<Steps = Open, Parameters = {}> {
  readonly #head: PipelineHead & { readonly name: string };
  readonly #addPipelineTags: boolean;
  readonly #parameters: ParameterDefinition[] = [];
  readonly #steps: StepDefinition[] = [];
  #defaultQueue: string | undefined;
  #current: Execution | undefined;

  constructor(options: PipelineControllerOptions) {
    const at = callSite(new.target as never);
    const reader = new OptionReader({
      what: 'PipelineController',
      values: options,
      known: CONTROLLER_OPTIONS,
      at,
    });
    this.#head = {
      ...pipelineHead(reader, { retry: 'retryOnFailure' }),
      name: reader.requiredString('name'),
    };
    this.#addPipelineTags = reader.boolean('addPipelineTags') ?? false;
    registry().pipelines.push({ subject: this, definition: () => this.#definition() });
  }

  get name(): string {
    return this.#head.name;
  }

  get project(): string {
    return this.#head.project;
  }

  /** Steps without an `executionQueue` of their own go to agents on this queue. */
  setDefaultExecutionQueue(queue: string): this {
    const reader = new OptionReader({
      what: 'setDefaultExecutionQueue',
      values: { queue },
      known: ['queue'],
      at: callSite(this.setDefaultExecutionQueue),
    });
    reader.requiredString('queue');
    this.#defaultQueue = reader.queue()!;
    return this;
  }

  /** A parameter that steps refer to as `$<pipeline.NAME>`, and `--param NAME=value` sets. */
  addParameter<const Name extends string, Value = string, const Type extends ParameterType = never>(
    options: AddParameterOptions<Name, Value, Type>,
  ): PipelineController<
    AddedParameter<Steps>,
    Parameters & Record<Name, [Type] extends [never] ? Value : ValueOfType<Type>>
  > {
    const at = callSite(this.addParameter);
    const reader = new OptionReader({
      what: 'addParameter',
      values: options,
      known: ['name', 'default', ...PARAMETER_OPTIONS],
      at,
    });
    const name = reader.requiredString('name');
    if (this.#parameters.some((parameter) => parameter.name === name)) {
      throw reader.error('duplicate-parameter', `was called twice for the parameter "${name}"`);
    }
    this.#parameters.push(parameterDefinition({ name, reader, default: reader.raw('default') }));
    return this as never;
  }

  /** A step that calls a function. */
  addFunctionStep<
    const Name extends string,
    Args extends unknown[],
    R,
    const Kwargs extends KwargsOf<Steps, Parameters> = {},
    const Returns extends readonly string[] = readonly ['result'],
  >(
    options: AddFunctionStepOptions<
      Name,
      Args,
      R,
      Kwargs & CheckedKwargs<Steps, Parameters, Kwargs, Args>,
      Returns & CheckedReturns<Returns, Awaited<R>>
    >,
  ): PipelineController<AddedStep<Steps, Name, Returns, Awaited<R>>, Parameters> {
    this.#steps.push(functionStep(options, callSite(this.addFunctionStep)));
    return this as never;
  }

  /**
   * A step that executes a task: a clone of the base task, with the given overrides; the base task stays
   * as it is. Its artifacts are those that the task uploads, and are known when it has run: any name may
   * be referred to, as `$<NAME.ARTIFACT>` (the value, in a later function step) or
   * `$<NAME.artifacts.ARTIFACT.url>`.
   *
   * A pre-execute callback gets the overrides by their keys (`General/test_size`) and may change them.
   *
   * @throws RunPipelineError at the call: for an unknown option, no base task or two of them, a key of
   * `parameterOverride` without its section, `each()` or `file()` inside of an override. Whether the base
   * task exists is looked up when the pipeline runs, before its first step.
   * @example
   * ```ts
   * import { PipelineController } from 'run-pipeline';
   *
   * const pipe = new PipelineController({ name: 'pipeline demo', project: 'examples', version: '0.0.1' });
   * pipe.setDefaultExecutionQueue('default');
   * pipe.addStep({
   *   name: 'stage_data',
   *   baseTaskProject: 'examples',
   *   baseTaskName: 'pipeline step 1 dataset artifact',
   * });
   * pipe.addStep({
   *   name: 'stage_process',
   *   parents: ['stage_data'],
   *   baseTaskProject: 'examples',
   *   baseTaskName: 'pipeline step 2 process dataset',
   *   parameterOverride: {
   *     'General/dataset_url': '$<stage_data.artifacts.dataset.url>',
   *     'General/test_size': 0.25,
   *   },
   *   preExecuteCallback: (_pipe, node, parameters) => {
   *     console.log(`${node.name} is about to run with`, parameters);
   *     return true; // false skips the step and its children
   *   },
   *   postExecuteCallback: (_pipe, node) => console.log(`${node.name} ran as task ${node.executed}`),
   * });
   * pipe.addStep({
   *   name: 'stage_train',
   *   parents: ['stage_process'],
   *   baseTaskProject: 'examples',
   *   baseTaskName: 'pipeline step 3 train model',
   *   parameterOverride: { 'General/dataset_task_id': '$<stage_process.id>' },
   *   monitorMetrics: [['test', 'accuracy']],
   * });
   * const run = await pipe.start();
   * console.log(run.status);
   * ```
   */
  addStep<
    const Name extends string,
    const Overrides extends KwargsOf<Steps, Parameters> = {},
    const Configurations extends KwargsOf<Steps, Parameters> = {},
    const Fields extends TaskOverrides = {},
  >(
    options: AddStepOptions<
      Name,
      Overrides & CheckedOverrides<Steps, Parameters, Overrides>,
      Configurations & CheckedFields<Steps, Parameters, Configurations>,
      Fields & CheckedFields<Steps, Parameters, Fields>
    >,
  ): PipelineController<AddedTemplate<Steps, Name>, Parameters> {
    this.#steps.push(templateStep(options, this.project, callSite(this.addStep)));
    return this as never;
  }

  /**
   * Runs the pipeline and settles when the run has ended; a failed step does not reject it. With a
   * `queue` the controller itself goes to an agent on that queue.
   */
  start(options: StartOptions = {}): Promise<Run> {
    const { queue, ...rest } = options;
    return this.#run(queue === undefined ? rest : { ...rest, remote: queue }, callSite(this.start));
  }

  /**
   * Runs the controller here; the steps too, unless `runPipelineStepsLocally` is false: then each goes to its
   * `executionQueue`, the default queue, or `queue`. A step that has none of them is an error before
   * anything runs.
   */
  async startLocally(options: StartLocallyOptions = {}): Promise<Run> {
    const at = callSite(this.startLocally);
    const { runPipelineStepsLocally = true, ...rest } = options;
    if (!runPipelineStepsLocally) this.#checkQueues(rest.queue, at);
    return this.#run(runPipelineStepsLocally ? { ...rest, local: true } : rest, at);
  }

  /**
   * The pipeline as a task that is not run yet: its code is packaged and kept, its parameters can be
   * edited, and it can be cloned and enqueued later, from elsewhere too. Nothing runs.
   *
   * @throws RunPipelineError for an option, a parameter or a definition that cannot be.
   * @example
   * ```ts
   * import { PipelineController } from 'run-pipeline';
   *
   * const pipe = new PipelineController({ name: 'total', project: 'examples', version: '1.0.0' });
   * pipe.addParameter({ name: 'rows', default: 100 });
   * pipe.addFunctionStep({ name: 'half', function: (rows: number) => rows / 2, functionKwargs: { rows: '$<pipeline.rows>' } });
   *
   * const draft = await pipe.createDraft();
   * await draft.setParameter('rows', 200);
   * await PipelineController.enqueue(draft); // on `services`
   * console.log(await draft.waitForStatus());
   * ```
   */
  createDraft(options: CreateDraftOptions = {}): Promise<PipelineTask> {
    return createDraft(this, options, this.createDraft);
  }

  /**
   * A pipeline that was drafted or run, by its id, or the newest of a name.
   *
   * @throws RunPipelineError when there is none.
   */
  static get(query: PipelineTaskQuery): Promise<PipelineTask> {
    return findPipeline(query, PipelineController.get);
  }

  /** A new draft with the code and the parameters of another pipeline's task. */
  static clone(options: ClonePipelineOptions): Promise<PipelineTask> {
    return clonePipeline(options, PipelineController.clone);
  }

  /** Hands a draft to the agents of a queue; default `services`. */
  static enqueue(
    task: PipelineTask | string,
    options: { readonly queue?: string } = {},
  ): Promise<PipelineTask> {
    return enqueuePipeline(task, options, PipelineController.enqueue);
  }

  /**
   * Asks the current run to stop, and settles when it has; in a callback of that run at once, since the run
   * waits for its callbacks. Nothing to do when none runs.
   */
  async stop(): Promise<void> {
    const callback = callbackOf(this);
    if (callback !== undefined) {
      callback.stop('stopped by a callback');
      return;
    }
    const current = this.#current;
    current?.abort.abort(new Error('stopped'));
    await current?.settled;
  }

  isRunning(): boolean {
    if (callbackOf(this) !== undefined) return true;
    return this.#current !== undefined && this.#current.endedAt === undefined;
  }

  /** The last run has ended and completed (cached steps count). */
  isSuccessful(): boolean {
    return this.#current?.run?.status === 'completed';
  }

  /** Milliseconds since the run started, or that it took; 0 before. */
  elapsed(): number {
    const callback = callbackOf(this);
    if (callback !== undefined) return callback.elapsed();
    return this.#current === undefined ? 0 : (this.#current.endedAt ?? Date.now()) - this.#current.startedAt;
  }

  /**
   * Waits until the run has ended; false when `timeout` (`'10m'`, or milliseconds) passed before.
   *
   * @throws RunPipelineError in a callback of the run, without a timeout: both would wait for each other.
   */
  async wait(timeout?: Duration): Promise<boolean> {
    const limit = timeout === undefined ? undefined : durationMs(timeout);
    if (timeout !== undefined && limit === undefined) {
      throw declarationError({
        code: 'option-type',
        message: `wait() takes milliseconds, or a duration like '10m', not ${describeValue(timeout)}`,
        at: callSite(this.wait),
      });
    }
    const isInCallback = callbackOf(this) !== undefined;
    if (isInCallback && limit === undefined) {
      throw declarationError({
        code: 'wait-in-callback',
        message: 'wait() was called in a callback of the run that it waits for, which waits for the callback',
        help: 'Wait where the run was started: await pipe.start(). In a callback, pipe.stop() only asks.',
        at: callSite(this.wait),
      });
    }
    const settled = isInCallback ? NEVER_SETTLED : this.#current?.settled;
    if (settled === undefined) return true;
    if (limit === undefined) return settled.then(() => true);
    let timer: unknown;
    const expired = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), Math.min(limit, 2 ** 31 - 1));
    });
    const ended = await Promise.race([settled.then(() => true), expired]);
    clearTimeout(timer as never);
    return ended;
  }

  /** The steps declared so far and the parents of each. */
  getPipelineDag(): ReadonlyMap<string, DagNode> {
    return dagOf(this.#steps);
  }

  /** Steps of the current or last run that have ended, cached and skipped ones too. Empty before the first run. */
  getProcessedNodes(): readonly RunNode[] {
    return callbackOf(this)?.processedNodes() ?? this.#current?.nodes.processed() ?? [];
  }

  /** Steps of the current run that are executed, wait in a queue, or wait for their next attempt. */
  getRunningNodes(): readonly RunNode[] {
    return callbackOf(this)?.runningNodes() ?? this.#current?.nodes.running() ?? [];
  }

  #checkQueues(queue: string | undefined, at: SourceLocation | undefined): void {
    if (queue !== undefined || this.#defaultQueue !== undefined) return;
    const without = this.#steps.filter((step) => step.options.queue === undefined).map(({ name }) => name);
    if (without.length === 0) return;
    const more = without.length - MOST_NAMED;
    throw declarationError({
      code: 'no-queue',
      message:
        `${without.length === 1 ? 'the step' : 'the steps'} ` +
        without.slice(0, MOST_NAMED).join(', ') +
        `${more > 0 ? ` and ${more} more` : ''} of ${this.name} ` +
        `${without.length === 1 ? 'has' : 'have'} no queue to go to`,
      help: "pipe.setDefaultExecutionQueue('default'), \"executionQueue\" of a step, or startLocally({ runPipelineStepsLocally: false, queue: 'default' })",
      at,
    });
  }

  async #run(asked: RunOptions, at: SourceLocation | undefined): Promise<Run> {
    const options = checkedRunOptions('start()', asked, at);
    if (this.isRunning()) {
      throw declarationError({
        code: 'already-running',
        message: `the pipeline ${this.name} is running already`,
        help: 'await pipe.wait() first; run(pipe) starts another one beside it.',
        at,
      });
    }
    const abort = new AbortController();
    const signal =
      options.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, options.signal]);
    const nodes = new RunNodes();
    const promise = runHost().run(this, { ...options, signal }, (event) => nodes.observe(event));
    const current: Execution = {
      abort,
      nodes,
      startedAt: Date.now(),
      endedAt: undefined,
      run: undefined,
      settled: undefined!,
    };
    const settle = (run: Run | undefined) => {
      current.run = run;
      current.endedAt = Date.now();
    };
    current.settled = promise.then(settle, () => settle(undefined));
    this.#current = current;
    return promise;
  }

  #definition(): PipelineDefinition {
    const tag = `pipe: ${this.name}`;
    const steps = this.#addPipelineTags
      ? this.#steps.map((step) => ({
          ...step,
          options: { ...step.options, tags: [...new Set([...step.options.tags, tag])] },
        }))
      : [...this.#steps];
    return Object.freeze({
      ...this.#head,
      kind: 'controller',
      options: { ...this.#head.options, queue: this.#defaultQueue },
      parameters: [...this.#parameters],
      steps,
      subject: this,
    } satisfies PipelineDefinition);
  }
}

/** Of a pipeline with thousands of steps not all of them. */
const MOST_NAMED = 10;

/** A run does not end while one of its callbacks waits. */
const NEVER_SETTLED = new Promise<void>(() => {});

interface Execution {
  readonly abort: AbortController;
  readonly nodes: RunNodes;
  readonly startedAt: number;
  endedAt: number | undefined;
  run: Run | undefined;
  settled: Promise<void>;
}
