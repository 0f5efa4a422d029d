import type { StepDefinition } from '../model/definition.js';
import { compileInputWithProblems, elementOf, referencesOf } from '../references/index.js';

/** A step of a controller as `getPipelineDag()` tells it. */
export interface DagNode {
  readonly name: string;
  /** From references and from `parents`, in order of first mention. */
  readonly parents: readonly string[];
}

/** What is declared so far: nothing is checked, an unknown parent is listed as it is written. */
export function dagOf(steps: readonly StepDefinition[]): ReadonlyMap<string, DagNode> {
  return new Map(steps.map((step) => [step.name, { name: step.name, parents: parentsOf(step) }]));
}

function parentsOf(step: StepDefinition): readonly string[] {
  const values = step.inputs.kind === 'none' ? [] : Object.values(step.inputs.values);
  const referenced = values
    .flatMap((value) => referencesOf(compileInputWithProblems(value).node))
    .flatMap((reference) =>
      reference.kind === 'parameter' ? [] : [elementOf(reference.step)?.step ?? reference.step],
    );
  return [...new Set([...referenced, ...step.parents])];
}
