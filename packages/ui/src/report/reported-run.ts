import { createContext, useContext } from 'react';
import { viewFromJson, type RunView, type StepView } from '@run-pipeline/core/run-view';
import { endOfId, shortRunName } from '../design/run-name.js';
import type { ReportArtifact, ReportData, ReportStep } from '@run-pipeline/core/wire';

/** A run as its report looks it up. */
export interface ReportedRun {
  readonly data: ReportData;
  readonly view: RunView;
  /** In the order of the graph, the elements of a mapped step behind it. */
  readonly steps: readonly StepView[];
  /** What is shown of a step beyond its view; undefined where it was left out. */
  details(step: string): ReportStep | undefined;
  /** What an artifact holds; undefined where it was left out. */
  content(hash: string): ReportArtifact | undefined;
  /** Of its element in the page. */
  idOf(step: string): string;
  /** `#3` of a run of the same pipeline, `train #3` of another one; of one that is gone the end of its id. */
  nameOf(run: string): string;
}

export function reportedRun(data: ReportData): ReportedRun {
  const view = viewFromJson(data.run.view);
  const details = new Map(data.steps.map((step) => [step.name, step]));
  const contents = new Map(data.artifacts.map((artifact) => [artifact.hash, artifact]));
  const steps = ordered(view);
  const places = new Map(steps.map(({ name }, index) => [name as string, index + 1]));
  const names = new Map([
    ...data.names.map((of) => [of.id, shortRunName(of, view.pipeline)] as const),
    ...data.run.siblings.map(({ id, number }) => [id, `#${number}`] as const),
  ]);
  return {
    data,
    view,
    steps,
    details: (step) => details.get(step),
    content: (hash) => contents.get(hash),
    idOf: (step) => `step-${places.get(step) ?? 0}`,
    nameOf: (run) => names.get(run) ?? endOfId(run),
  };
}

function ordered(view: RunView): readonly StepView[] {
  const elements = new Map<string, StepView[]>();
  for (const step of view.steps.values()) {
    if (step.of === undefined || !view.steps.has(step.of as StepView['name'])) continue;
    const list = elements.get(step.of);
    if (list === undefined) elements.set(step.of, [step]);
    else list.push(step);
  }
  const behind = new Set([...elements.values()].flat());
  return [...view.steps.values()]
    .filter((step) => !behind.has(step))
    .flatMap((step) => [step, ...(elements.get(step.name) ?? [])]);
}

interface Shown {
  readonly run: ReportedRun;
  /** Opens the details of a step. */
  readonly open: (step: string) => void;
}
export const ShownRun = createContext<Shown | undefined>(undefined);

export function useReportedRun(): Shown {
  const shown = useContext(ShownRun);
  if (shown === undefined) throw new Error('this is a part of a report');
  return shown;
}
