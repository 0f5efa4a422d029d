import { EmptyState } from '../design/empty-state.js';
import type { StepTabProps } from '../step-tab/step-tab.js';
import { ReportsView } from './reports-view.js';

/** What the step reported beside its returns. */
export default function PlotsTab({ step }: StepTabProps) {
  if (step.reports.length === 0)
    return (
      <EmptyState title={step.status === 'running' ? 'Nothing reported yet' : 'It reported nothing'} small>
        Steps report with <code>currentTask().logger</code>: scalars, tables, plots, images.
      </EmptyState>
    );
  return <ReportsView reports={step.reports} sync={step.name} />;
}
