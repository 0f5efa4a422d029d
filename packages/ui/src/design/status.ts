import type { RunStatus, TaskStatus } from '@run-pipeline/core/model';

/** One vocabulary of statuses, for steps, tasks and runs. */
export type AnyStatus = TaskStatus | RunStatus;

/** In the order in which they are counted and filtered: what needs attention first. */
export const STEP_STATUSES = [
  'failed',
  'aborted',
  'running',
  'queued',
  'completed',
  'cached',
  'skipped',
  'created',
] as const;

export const RUN_STATUSES = ['running', 'failed', 'lost', 'aborted', 'queued', 'completed'] as const;

/** The word people read; `created` is the only one that says too little by itself. */
export const statusWord = (status: AnyStatus): string => (status === 'created' ? 'not started' : status);

export const statusColour = (status: AnyStatus): string => `var(--${status})`;
