import { AsyncLocalStorage } from 'node:async_hooks';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { TaskLogger } from './logger.js';

/** The task that a step's code is running as. Get it with `currentTask()`. */
export interface CurrentTask {
  readonly id: string;
  /** The step's name in the run: `train`, `train_1`, `score[0]`. */
  readonly name: string;
  /** Id of the run; of a task without a run, its own. */
  readonly run: string;
  /** Which execution this is; starts at 1. */
  readonly attempt: number;
  readonly pipeline: string;
  readonly project: string;
  /**
   * Aborts when the step runs into its timeout or the run is stopped. Pass it on (`fetch(url, { signal })`)
   * or check it in loops; what goes on after the grace period is killed.
   */
  readonly signal: AbortSignal;
  /** Scalars, tables, plots, images and texts beside the returns. */
  readonly logger: TaskLogger;
  /** The `@Parameter` values that a class step reads, by name; empty for function steps. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /**
   * Keeps a value as an artifact beside the returns; `$<step.artifacts.NAME.url>` refers to it. A string
   * that names an existing file or folder uploads that. The same name again replaces it.
   *
   * @param name letters, digits, `_` and `-`; not one of the step's returns
   * @throws when the name is taken by a return, or the value cannot be stored without loss
   * @example
   * ```ts
   * await currentTask().uploadArtifact('confusion', matrix);
   * ```
   */
  uploadArtifact(name: string, value: unknown): Promise<void>;
  /**
   * Absolute path of one of the step's `assets`.
   *
   * @param name as declared: `assets: ['./model.onnx']` is `model.onnx` or `./model.onnx`
   * @throws when the step has no such asset
   */
  assetPath(name: string): string;
}

// On globalThis: a package imports its own copy of this module (or the same one by another path).
const STORAGE = Symbol.for('run-pipeline.current-task');
/** The task of the whole process: a script, in a worker or started by hand. */
const PROCESS_TASK = Symbol.for('run-pipeline.process-task');
type Holder = { [STORAGE]?: AsyncLocalStorage<CurrentTask>; [PROCESS_TASK]?: CurrentTask };

/**
 * The task that this code runs as: inside any step and whatever it calls, and in a script after `Task.init`.
 *
 * @throws outside of a task: in a unit test that calls the function, in the controller of a pipeline
 * @example
 * ```ts
 * const { signal, logger } = currentTask();
 * for (let epoch = 0; epoch < 10 && !signal.aborted; epoch += 1) {
 *   const loss = 1 / (epoch + 1);
 *   logger.reportScalar({ title: 'loss', series: 'train', value: loss, iteration: epoch });
 * }
 * ```
 */
export function currentTask(): CurrentTask {
  const task = findCurrentTask();
  if (task === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-current-task',
      message: 'currentTask() was called outside of a step: there is no task here',
      help: 'call it inside the function of a step (not at the top level of a module), or after `await Task.init(…)` in a script; in a unit test, pass what the function needs as arguments',
    });
  }
  return task;
}

/** The task that this code runs as, if it is one. */
export function findCurrentTask(): CurrentTask | undefined {
  return storage().getStore() ?? (globalThis as Holder)[PROCESS_TASK];
}

/**
 * Makes a task that of the whole process, also of code that has lost its asynchronous context; returns how
 * to take it back.
 */
export function setProcessTask(task: CurrentTask): () => void {
  const holder = globalThis as Holder;
  const before = holder[PROCESS_TASK];
  holder[PROCESS_TASK] = task;
  return () => {
    if (before === undefined) delete holder[PROCESS_TASK];
    else holder[PROCESS_TASK] = before;
  };
}

/** Runs `work` as this task: `currentTask()` finds it there and in everything that `work` starts. */
export function runAsTask<T>(task: CurrentTask, work: () => T): T {
  return storage().run(task, work);
}

function storage(): AsyncLocalStorage<CurrentTask> {
  return ((globalThis as Holder)[STORAGE] ??= new AsyncLocalStorage<CurrentTask>());
}
