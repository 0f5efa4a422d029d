import type { RunId, StepEnd, StepName } from '@run-pipeline/core/model';
import { isSuccess, RunPipelineError } from '@run-pipeline/core/model';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { didYouMean } from '@run-pipeline/core/model';
import { explainChanges } from '../../fingerprint/index.js';
import type { Project } from '../../project/project.js';

/** Why a step of a run executed, was cached or was skipped: one line, then what its fingerprint holds. */
export interface StepExplanation {
  readonly step: StepName;
  readonly status: StepEnd['status'];
  readonly why: readonly string[];
  readonly fingerprint: string | undefined;
  readonly cachedFrom: RunId | undefined;
  /** What changed since the last run that had this step. */
  readonly changes: readonly string[];
  readonly comparedWith: RunId | undefined;
  readonly parts: readonly PreimagePart[];
  /** The ancestors that executed although they had run before, nearest the source first. */
  readonly ancestors: readonly { readonly step: StepName; readonly why: readonly string[] }[];
}

export async function explainStep(project: Project, run: RunId, step: string): Promise<StepExplanation> {
  const events = await project.store.readEvents(run, { types: ['run.start', 'step.add', 'step.end'] });
  const parents = new Map<string, readonly StepName[]>();
  const elements: StepName[] = [];
  const ends = new Map<string, StepEnd>();
  let pipeline: { readonly project: string; readonly pipeline: string } | undefined;
  for (const event of events) {
    if (event.type === 'run.start') pipeline = { project: event.project, pipeline: event.pipeline };
    if (event.type === 'run.start' || event.type === 'step.add') {
      for (const node of event.steps) {
        parents.set(node.name, node.parents);
        if (node.of === step) elements.push(node.name);
      }
    }
    if (event.type === 'step.end') ends.set(event.step, event);
  }
  const end = ends.get(step);
  if (end === undefined || pipeline === undefined) {
    const known = parents.has(step)
      ? `step ${step} of this run has not ended`
      : `this run has no step ${step}${didYouMean(step, parents.keys())}`;
    throw new RunPipelineError({ kind: 'usage', code: 'unknown-step', message: known });
  }
  const now = await project.store.readPreimage(run, end.step);
  const before = await project.store.latestPreimage({ ...pipeline, step, beforeRun: run });
  return {
    step: end.step,
    status: end.status,
    why: end.why.length > 0 ? end.why : elementReasons(elements, ends),
    fingerprint: end.fingerprint,
    cachedFrom: end.cachedFrom,
    changes: now === undefined || before === undefined ? [] : explainChanges(before.parts, now.parts),
    comparedWith: before?.run,
    parts: now?.parts ?? [],
    ancestors: executedAncestors(step, parents, ends),
  };
}

/** A mapped step only gathers: it was executed because of those of its elements that were. */
function elementReasons(
  elements: readonly StepName[],
  ends: ReadonlyMap<string, StepEnd>,
): readonly string[] {
  return elements.flatMap((name) => {
    const end = ends.get(name);
    return end === undefined || end.why.length === 0 ? [] : [`${name}: ${end.why.join('; ')}`];
  });
}

function executedAncestors(
  step: string,
  parents: ReadonlyMap<string, readonly StepName[]>,
  ends: ReadonlyMap<string, StepEnd>,
): StepExplanation['ancestors'] {
  const seen = new Set<string>();
  const found: { readonly step: StepName; readonly why: readonly string[] }[] = [];
  const open = [...(parents.get(step) ?? [])];
  while (open.length > 0) {
    const name = open.pop();
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    open.push(...(parents.get(name) ?? []));
    const end = ends.get(name);
    if (end !== undefined && end.status !== 'cached' && isSuccess(end.status))
      found.unshift({ step: name, why: end.why });
  }
  return found;
}
