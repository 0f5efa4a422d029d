import { RunPipelineError } from '../model/errors.js';
import { stepName, type StepName } from '../model/ids.js';
import { elementOf } from '../references/parse.js';
import { suggestion } from '../references/suggest.js';
import type { Graph, GraphNode } from './graph.js';
import { shapeReferences } from './inputs.js';

/** Which part of the graph a run is about. */
export interface Selection {
  /** To be run (or taken from the cache), in the graph's order. */
  readonly selected: ReadonlySet<StepName>;
  /**
   * Not selected, but selected steps take their results: these must come from an earlier run. Parents
   * that only order (`parents`, without a reference) are not among them.
   */
  readonly reused: ReadonlySet<StepName>;
}

export interface SelectionOptions {
  /** This step and everything that depends on it. */
  readonly from?: string | undefined;
  /** This step and everything it depends on. With `from`: only what lies between the two. */
  readonly to?: string | undefined;
  /** This step alone. */
  readonly only?: string | undefined;
}

/** Throws a `usage` error for an unknown step, for `only` beside others, and when nothing is left. */
export function select(graph: Graph, options: SelectionOptions): Selection {
  const { from, to, only } = options;
  if (only !== undefined && (from !== undefined || to !== undefined)) {
    throw usage(
      'conflicting-selection',
      '--only cannot be combined with --from or --to',
      'leave one of them out',
    );
  }
  const chosen =
    only !== undefined
      ? new Set([find(graph, only, '--only')])
      : intersection(
          from === undefined ? undefined : reach(graph, find(graph, from, '--from'), (node) => node.children),
          to === undefined ? undefined : reach(graph, find(graph, to, '--to'), (node) => node.parents),
        );
  if (chosen === undefined) return { selected: new Set(graph.order), reused: new Set() };
  if (chosen.size === 0) {
    throw usage(
      'empty-selection',
      `\`${to}\` does not depend on \`${from}\``,
      'nothing lies between the two: swap them, or leave one out',
    );
  }
  const selected = new Set(graph.order.filter((name) => chosen.has(name)));
  const reused = new Set<StepName>();
  for (const name of selected) {
    for (const reference of shapeReferences(nodeOf(graph, name).inputs)) {
      if (reference.kind === 'parameter') continue;
      const step = stepName(elementOf(reference.step)?.step ?? reference.step);
      if (!selected.has(step)) reused.add(step);
    }
  }
  return { selected, reused };
}

function find(graph: Graph, name: string, flag: string): StepName {
  if (graph.nodes.has(stepName(name))) return stepName(name);
  const element = elementOf(name);
  if (element !== undefined && graph.nodes.has(stepName(element.step))) {
    throw usage('unknown-step', `${flag} takes a whole step, not one element`, `${flag} ${element.step}`);
  }
  throw usage('unknown-step', `${flag}: there is no step \`${name}\``, suggestion(name, graph.order, 'step'));
}

function reach(
  graph: Graph,
  start: StepName,
  next: (node: GraphNode) => readonly StepName[],
): ReadonlySet<StepName> {
  const found = new Set([start]);
  // A set is iterated in order of insertion, what is added on the way included.
  for (const name of found) for (const other of next(nodeOf(graph, name))) found.add(other);
  return found;
}

function nodeOf(graph: Graph, name: StepName): GraphNode {
  const node = graph.nodes.get(name);
  if (node === undefined) throw new TypeError(`the graph has no node ${name}`);
  return node;
}

function intersection<T>(
  a: ReadonlySet<T> | undefined,
  b: ReadonlySet<T> | undefined,
): ReadonlySet<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return new Set([...a].filter((item) => b.has(item)));
}

const usage = (code: string, message: string, help: string | undefined): RunPipelineError =>
  new RunPipelineError({ kind: 'usage', code, message, help });
