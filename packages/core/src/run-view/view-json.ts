import type { StepName } from '../model/ids.js';
import { emptyRunView, type RunView, type StepView } from './view.js';

/** A `RunView` as plain JSON, for a reader in another process. */
export type RunViewJson = Omit<RunView, 'steps' | 'artifacts'> & {
  readonly steps: readonly StepView[];
  readonly artifacts: readonly (NonNullable<ReturnType<RunView['artifacts']['get']>> & {
    readonly name: string;
  })[];
};

export function viewToJson(view: RunView): RunViewJson {
  return {
    ...view,
    steps: [...view.steps.values()],
    artifacts: [...view.artifacts].map(([name, shown]) => ({ name, ...shown })),
  };
}

/** The other way. The result is private: `applyEvent` may change it. */
export function viewFromJson(json: RunViewJson): RunView {
  const { steps, artifacts, reports, counts, ...rest } = json;
  return {
    ...emptyRunView(json.id),
    ...rest,
    counts: { ...counts },
    reports: [...reports],
    steps: new Map(
      steps.map((step) => [step.name satisfies StepName, { ...step, reports: [...step.reports] }]),
    ),
    artifacts: new Map(artifacts.map(({ name, ...shown }) => [name, shown])),
  };
}
