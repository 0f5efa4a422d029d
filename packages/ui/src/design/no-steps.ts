import type { RunStatus } from '@run-pipeline/core/model';

/** Why a run that has ended shows no step. */
export const noSteps = (status: RunStatus): string =>
  status === 'completed' ? 'Its pipeline called none.' : 'The run ended before any step was known.';
