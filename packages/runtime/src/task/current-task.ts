import { AsyncLocalStorage } from 'node:async_hooks';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { TaskLogger } from './logger.js';

/** The task that a step's code is running as. Get it with `currentTask()`. */
export interface CurrentTask {
  readonly id: string;
  /** The step's name in the run: `train`, `train_1`, `score[0]`. */
  readonly name: string;
  /** Id of the run. */
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
type Holder = { [STORAGE]?: AsyncLocalStorage<CurrentTask> };

/**
 * The task that this code runs as, inside any step and whatever it calls.
 *
 * @throws outside of a step: in a plain script, in a unit test that calls the function, in the controller
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
  const task = storage().getStore();
  if (task === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-current-task',
      message: 'currentTask() was called outside of a step: there is no task here',
      help: 'call it inside the function of a step (not at the top level of a module); in a unit test, pass what the function needs as arguments',
    });
  }
  return task;
}

/** Runs `work` as this task: `currentTask()` finds it there and in everything that `work` starts. */
export function runAsTask<T>(task: CurrentTask, work: () => T): T {
  return storage().run(task, work);
}

function storage(): AsyncLocalStorage<CurrentTask> {
  return ((globalThis as Holder)[STORAGE] ??= new AsyncLocalStorage<CurrentTask>());
}
