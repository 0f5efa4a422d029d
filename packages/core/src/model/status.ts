/** What a step or a task is at. `published` is for templates only. */
export type StepStatus =
  'created' | 'queued' | 'running' | 'completed' | 'failed' | 'aborted' | 'cached' | 'skipped';

/** How a node ended. */
export type StepOutcomeStatus = 'completed' | 'cached' | 'failed' | 'aborted' | 'skipped';

export type TaskStatus = StepStatus | 'published';

/** What a task that is no step may be at. */
export const OWN_TASK_STATUSES = [
  'created',
  'queued',
  'running',
  'completed',
  'failed',
  'aborted',
  'published',
] as const satisfies readonly TaskStatus[];

/** `lost`: the run's process is gone and nobody took over; `resume` continues it. */
export type RunStatus = 'queued' | 'running' | 'completed' | 'failed' | 'aborted' | 'lost';

export type RunOutcomeStatus = 'completed' | 'failed' | 'aborted';

export const isSuccess = (status: StepStatus): boolean => status === 'completed' || status === 'cached';
