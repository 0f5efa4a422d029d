import { hasEnded, type NodeState, type RunContext } from '../context.js';
import { runStep } from '../step/step.js';

/**
 * Starts each node when the last of its parents has ended. Counters, not polling: a node costs its
 * edges, whatever the size of the graph.
 */
export function createSchedule(
  context: RunContext,
  onFatal: (error: unknown) => void,
): { readonly add: (node: NodeState) => void; readonly start: (node: NodeState) => void } {
  const start = (node: NodeState): void => {
    runStep(context, node).catch(onFatal);
  };
  const add = (node: NodeState): void => {
    const open = node.parents.filter((parent) => !hasEnded(parent));
    node.waiting = open.length;
    for (const parent of open) parent.dependents.push(node);
    if (open.length === 0) start(node);
  };
  return { add, start };
}
