import type { StepView } from '@run-pipeline/core/run-view';
import type { LiveRun } from '../data/live-run.js';

/** What every tab of the step panel gets. The attempt that is looked at is `useAttempt`. */
export interface StepTabProps {
  readonly live: LiveRun;
  /** As it is now; another object after every change of the step. `reports` alone grows in place. */
  readonly step: StepView;
  /** Opens another step in the panel; the tab stays. */
  readonly onSelect: (step: string) => void;
}
