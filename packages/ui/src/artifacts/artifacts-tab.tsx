import type { StepTabProps } from '../step-tab/step-tab.js';
import { ArtifactList } from './artifact-list.js';

/** What the step gave: each artifact, and the one that is looked at. */
export default function ArtifactsTab({ step }: StepTabProps) {
  return (
    <ArtifactList
      artifacts={step.artifacts}
      none={
        step.finishedAt === undefined
          ? 'None yet'
          : step.status === 'skipped'
            ? 'It did not run'
            : 'It gave none'
      }
    />
  );
}
