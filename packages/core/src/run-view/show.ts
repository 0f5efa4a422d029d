import type { ArtifactRecord } from '../model/artifact.js';
import type { ErrorRecord } from '../model/errors.js';
import type { StepName } from '../model/ids.js';
import type { RunStatus, StepStatus } from '../model/status.js';
import { runMetrics, type RunMetric } from './metrics.js';
import type { RunView, StepView } from './view.js';

/** What `show RUN --json` prints. What is not known yet is null; only keys with `?` may be missing. */
export interface ShownRun {
  readonly id: string;
  readonly pipeline: string;
  readonly project: string;
  readonly version: string;
  readonly number: number;
  readonly status: RunStatus;
  readonly parameters: { readonly [name: string]: unknown };
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly steps: readonly ShownStep[];
  /** What steps reported and the run shows as its own (`monitorMetrics`). */
  readonly metrics?: readonly RunMetric[];
  /** The same of artifacts (`monitorArtifacts`), under the run's names for them. */
  readonly artifacts?: readonly (ArtifactRecord & { readonly from: StepName })[];
}

export interface ShownStep {
  readonly name: string;
  readonly status: StepStatus;
  readonly parents: readonly string[];
  readonly attempts: number;
  readonly fingerprint: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly cachedFrom?: string;
  readonly dependencies: { readonly [name: string]: string };
  readonly artifacts: readonly ArtifactRecord[];
  readonly error?: ErrorRecord;
}

export function showRun(view: RunView): ShownRun {
  const metrics = runMetrics(view);
  const artifacts = [...view.artifacts.values()].map(({ from, artifact }) => ({ ...artifact, from }));
  return {
    id: view.id,
    pipeline: view.pipeline,
    project: view.project,
    version: view.version,
    number: view.number,
    status: view.status,
    parameters: view.parameters,
    startedAt: view.startedAt ?? null,
    finishedAt: view.finishedAt ?? null,
    steps: Array.from(view.steps.values(), showStep),
    ...(metrics.length === 0 ? {} : { metrics }),
    ...(artifacts.length === 0 ? {} : { artifacts }),
  };
}

function showStep(step: StepView): ShownStep {
  return {
    name: step.name,
    status: step.status,
    parents: step.parents,
    attempts: step.attempts,
    fingerprint: step.fingerprint ?? null,
    startedAt: step.startedAt ?? null,
    finishedAt: step.finishedAt ?? null,
    ...(step.cachedFrom === undefined ? {} : { cachedFrom: step.cachedFrom }),
    dependencies: step.dependencies ?? {},
    artifacts: step.artifacts,
    ...(step.error === undefined ? {} : { error: step.error }),
  };
}
