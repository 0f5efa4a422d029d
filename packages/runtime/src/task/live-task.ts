import type {
  StoredArtifact,
  TaskConfigurations,
  TaskEdit,
  TaskParameters,
  TaskType,
} from '@run-pipeline/core/model';
import { findCurrentTask, type CurrentTask } from './current-task.js';

/**
 * What stands behind the running task of this process: the worker that executes it, or the record in the
 * store of a script that was started by hand. `Task` talks to it; steps see only `CurrentTask`.
 */
export interface LiveTask {
  /** `worker`: somebody else watches over the task, and this process only tells. */
  readonly place: 'worker' | 'process';
  readonly name: string;
  readonly project: string;
  readonly type: TaskType;
  readonly tags: readonly string[];
  /** What was set from outside, and what `connect` recorded. */
  readonly parameters: TaskParameters;
  readonly configurations: TaskConfigurations;
  /** The project's state, for `Task.get` and `Task.query`; undefined: there is none to be reached. */
  readonly state: { readonly cwd: string; readonly root: string; readonly home: string } | undefined;
  /** Tells of changes; merged with those before, as `TaskEdit` says. */
  edit(edit: TaskEdit): void;
  /** As `CurrentTask.uploadArtifact`, and says what was stored. */
  upload(name: string, value: unknown): Promise<StoredArtifact>;
  /** What has been uploaded so far, the latest of each name. */
  uploaded(): ReadonlyMap<string, StoredArtifact>;
  /** A private copy of a value that this task uploaded. */
  decode(artifact: StoredArtifact): Promise<unknown>;
  /** The result depends on something that the fingerprint does not hold (INVARIANTS 3). */
  markUncacheable(reason: string): void;
}

const LIVE = Symbol.for('run-pipeline.live-task');

/** Puts what stands behind a task where the copy of this module that a package imports finds it. */
export function withLiveTask(task: CurrentTask, live: LiveTask): CurrentTask {
  return Object.freeze(Object.defineProperty({ ...task }, LIVE, { value: live }));
}

/** What stands behind the task that this code runs as, if it is one. */
export function liveTask(): LiveTask | undefined {
  const current = findCurrentTask();
  return current === undefined ? undefined : liveTaskOf(current);
}

export const liveTaskOf = (task: CurrentTask): LiveTask | undefined =>
  (task as { readonly [LIVE]?: LiveTask })[LIVE];

/**
 * Keeps the result of the running step out of the cache, and says why: it reads what can change without
 * its inputs changing. The first reason is told. Outside of a step it does nothing.
 */
export function markUncacheable(reason: string): void {
  liveTask()?.markUncacheable(reason);
}
