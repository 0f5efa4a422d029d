import type { StepDefinition } from '../model/definition.js';
import { stepName, type StepName } from '../model/ids.js';
import { elementOf } from '../references/parse.js';
import type { Reference } from '../references/reference.js';
import type { GraphNode } from './graph.js';
import { inputNodes, shapeReferences, type ArgumentShape } from './inputs.js';

/**
 * A node from a definition and its compiled inputs: its parents are what the references name, in order
 * of first mention, then the explicit ones. It has no children yet, and is not checked.
 */
export function makeNode(options: {
  readonly definition: StepDefinition;
  readonly inputs: ArgumentShape;
  /** Default: the definition's. */
  readonly name?: string;
  /** Default: the definition's. */
  readonly parents?: readonly string[];
  /**
   * Elements of mapped steps (`score[0]`) as parents of their own, where nodes come while running.
   * Default false: the mapped step is the parent.
   */
  readonly elementsAreNodes?: boolean;
  /** The references of the inputs, if the caller has collected them. */
  readonly references?: readonly Reference[];
}): GraphNode {
  const {
    definition,
    inputs,
    name = definition.name,
    parents = definition.parents,
    elementsAreNodes = false,
  } = options;
  const found = new Set<StepName>();
  for (const reference of options.references ?? shapeReferences(inputs)) {
    if (reference.kind === 'parameter') continue;
    const step = elementsAreNodes ? reference.step : (elementOf(reference.step)?.step ?? reference.step);
    found.add(stepName(step));
  }
  for (const parent of parents) found.add(stepName(parent));
  return {
    name: stepName(name),
    definition,
    inputs,
    parents: [...found],
    children: [],
    mapped: inputNodes(inputs).some((node) => node.kind === 'each'),
  };
}
