import { EmptyState } from '../design/empty-state.js';
import type { StepTabProps } from '../step-tab/step-tab.js';

export default function PlotsTab({ step }: StepTabProps) {
  return <EmptyState title={`Nothing of ${step.name} is shown here yet`} small />;
}
