import type { ArgumentShape } from './inputs.js';
import type { StepDefinition } from '../model/definition.js';
import type { StepName } from '../model/ids.js';

/**
 * The graph of a pipeline: steps as nodes, references and `parents` as edges. Immutable; a pipeline
 * function or a mapped step adds nodes by making a new node against the known names.
 */
export interface GraphNode {
  readonly name: StepName;
  readonly definition: StepDefinition;
  readonly inputs: ArgumentShape;
  /** In order of first mention, without repeats. */
  readonly parents: readonly StepName[];
  readonly children: readonly StepName[];
  /** Has an `each()` among its inputs. */
  readonly mapped: boolean;
}

export interface Graph {
  readonly nodes: ReadonlyMap<StepName, GraphNode>;
  /** Parents before children; ties in order of declaration. */
  readonly order: readonly StepName[];
}
