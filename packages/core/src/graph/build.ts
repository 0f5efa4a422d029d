import { overrideLabel } from '../define/template-step.js';
import type { PipelineDefinition } from '../model/definition.js';
import type { Diagnostic } from '../model/errors.js';
import { stepName, type StepName } from '../model/ids.js';
import type { Reference } from '../references/reference.js';
import { checkReferences } from './check-references.js';
import { diagnostic } from './diagnose.js';
import type { Graph, GraphNode } from './graph.js';
import { compileInputs, shapeReferences } from './inputs.js';
import { checkMonitors } from './monitors.js';
import { checkNames } from './names.js';
import { makeNode } from './node.js';
import { findCycles, topologicalOrder } from './order.js';

/**
 * From a definition to its graph, or to everything that is wrong with it: nothing may run before all
 * of it was checked. There is a graph exactly when no diagnostic is an error. Costs linear time in
 * steps and references. The graph of a pipeline function is empty: its nodes come while it runs.
 */
export function buildGraph(definition: PipelineDefinition): {
  readonly graph?: Graph;
  readonly diagnostics: readonly Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [...checkNames(definition)];
  if (definition.kind !== 'function' && definition.steps.length === 0) {
    const message = `pipeline \`${definition.name}\` has no steps`;
    const help =
      definition.kind === 'class'
        ? 'put @Step() on a public method'
        : 'add one with addFunctionStep(…) or addStep(…)';
    diagnostics.push(
      diagnostic({ code: 'no-steps', severity: 'warning', message, at: definition.source, help }),
    );
  }

  const nodes = new Map<StepName, GraphNode>();
  const references = new Map<StepName, readonly Reference[]>();
  for (const step of definition.steps) {
    const { shape, problems } = compileInputs(
      step.inputs,
      step.code.kind === 'task' ? { labelOf: overrideLabel } : {},
    );
    for (const { code, message, help } of problems) {
      const at = step.source ?? definition.source;
      diagnostics.push(diagnostic({ code, message: `step \`${step.name}\`: ${message}`, at, help }));
    }
    // Of two steps with one name the first stands, so that the rest can be checked.
    const name = stepName(step.name);
    if (nodes.has(name)) continue;
    const found = shapeReferences(shape);
    references.set(name, found);
    nodes.set(name, makeNode({ definition: step, inputs: shape, references: found }));
  }
  for (const item of checkReferences({ definition, nodes, references })) diagnostics.push(item);

  diagnostics.push(...checkMonitors(definition, nodes.values()));

  const { graph, cycles } = connect(nodes);
  for (const cycle of cycles) diagnostics.push(cycleDiagnostic(definition, cycle));
  return diagnostics.some((item) => item.severity === 'error') ? { diagnostics } : { graph, diagnostics };
}

/** Children and order. Unknown parents, and a node as its own parent, were reported and are left out. */
function connect(nodes: ReadonlyMap<StepName, GraphNode>): {
  readonly graph: Graph;
  readonly cycles: readonly (readonly GraphNode[])[];
} {
  const list = [...nodes.values()];
  const numbers = new Map(list.map((node, index) => [node.name, index]));
  const parents = list.map((node, index) =>
    node.parents.flatMap((parent) => {
      const number = numbers.get(parent);
      return number === undefined || number === index ? [] : [number];
    }),
  );
  const { order, children } = topologicalOrder(parents);
  const nodeAt = (index: number): GraphNode => list[index] as GraphNode;
  const connected = list.map((node, index): [StepName, GraphNode] => [
    node.name,
    { ...node, children: (children[index] ?? []).map((child) => nodeAt(child).name) },
  ]);
  return {
    graph: { nodes: new Map(connected), order: order.map((index) => nodeAt(index).name) },
    cycles: order.length === list.length ? [] : findCycles(parents, order).map((cycle) => cycle.map(nodeAt)),
  };
}

function cycleDiagnostic(definition: PipelineDefinition, cycle: readonly GraphNode[]): Diagnostic {
  const names = cycle.map((node) => node.name);
  const shown: readonly string[] =
    names.length <= 12 ? names : [...names.slice(0, 8), `(${names.length - 10} more)`, ...names.slice(-2)];
  const [first] = cycle;
  return diagnostic({
    code: 'cycle',
    message: `steps depend on each other in a cycle: ${[...shown, names[0] ?? ''].join(' -> ')}`,
    at: first?.definition.source ?? definition.source,
    help: 'remove one of these references or parents',
    related: cycle
      .slice(1, 12)
      .map((node) => ({ message: `\`${node.name}\` is here`, at: node.definition.source })),
  });
}
