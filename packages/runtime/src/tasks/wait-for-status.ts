import {
  RunPipelineError,
  taskId,
  type ErrorRecord,
  type SourceLocation,
  type TaskStatus,
} from '@run-pipeline/core/model';
import type { Store } from '@run-pipeline/core/ports';
import { labelOf } from './task-operations.js';
import { readTaskView, type TaskView } from './task-view.js';

/** The task that was waited for did not come to what was wanted. */
export class TaskFailed extends Error {
  override readonly name = 'TaskFailed';
  readonly status: TaskStatus;
  readonly error: ErrorRecord | undefined;

  constructor(task: TaskView) {
    const { error } = task;
    super(
      `the task ${labelOf(task)} ${task.status === 'failed' ? 'failed' : `is ${task.status}`}` +
        (error === undefined ? '' : `: ${error.name}: ${error.message}`),
    );
    this.status = task.status;
    this.error = error;
  }
}

/** Woken by the store's commits; a task whose process is gone is noticed by its lease. */
export async function waitForStatus(
  store: Store,
  id: string,
  options: {
    readonly wanted: readonly TaskStatus[];
    readonly raiseOn: readonly TaskStatus[];
    /** Milliseconds. */
    readonly timeout: number | undefined;
    readonly signal: AbortSignal | undefined;
    readonly at: SourceLocation | undefined;
  },
): Promise<TaskView> {
  const { wanted, raiseOn, timeout, signal, at } = options;
  const ended = new AbortController();
  const timer =
    timeout === undefined ? undefined : setTimeout(() => ended.abort(timedOut(id, timeout, at)), timeout);
  const stop = (): void => ended.abort(signal?.reason);
  if (signal?.aborted === true) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  let wake: () => void = () => undefined;
  const unwatch = store.watch(() => wake());
  // Nobody may be left who would write: a lease runs out in silence.
  const look = setInterval(() => wake(), LOOK_MS);
  ended.signal.addEventListener('abort', () => wake(), { once: true });
  try {
    for (;;) {
      // Made before the look: what is committed after it wakes.
      const woken = new Promise<void>((resolve) => (wake = resolve));
      ended.signal.throwIfAborted();
      const task = await readTaskView(store, id);
      if (task === undefined) throw gone(id, at);
      if (wanted.includes(task.status)) return task;
      if (raiseOn.includes(task.status)) throw new TaskFailed(task);
      if (task.leaseExpired) await store.recoverTasks();
      await woken;
    }
  } finally {
    clearTimeout(timer);
    clearInterval(look);
    unwatch();
    signal?.removeEventListener('abort', stop);
  }
}

const LOOK_MS = 1000;

const timedOut = (id: string, timeout: number, at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'run',
    code: 'timeout',
    message: `the task ${taskId(id)} did not come to the wanted status within ${timeout} ms`,
    at,
  });

const gone = (id: string, at: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'unknown-task',
    message: `the task ${taskId(id)} is not there any more`,
    at,
  });
