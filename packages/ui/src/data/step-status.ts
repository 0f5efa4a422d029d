import type { StepStatus } from '@run-pipeline/core/model';

const STATUSES: Readonly<Record<StepStatus, true>> = {
  created: true,
  queued: true,
  running: true,
  completed: true,
  failed: true,
  aborted: true,
  cached: true,
  skipped: true,
};

export const isStepStatus = (text: string): text is StepStatus => Object.hasOwn(STATUSES, text);
