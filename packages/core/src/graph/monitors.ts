import type { PipelineDefinition } from '../model/definition.js';
import type { Diagnostic } from '../model/errors.js';
import { diagnostic } from './diagnose.js';
import type { GraphNode } from './graph.js';

/**
 * A run has one artifact of a name: where several steps (or elements of one) show theirs under the same
 * name, the one that ends last stays. Metrics of one name add up to one curve, which is often meant.
 */
export function checkMonitors(
  definition: PipelineDefinition,
  nodes: Iterable<GraphNode>,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const shownBy = new Map<string, GraphNode>();
  for (const node of nodes) {
    const at = node.definition.source ?? definition.source;
    for (const { to } of node.definition.options.monitor.artifacts) {
      const other = shownBy.get(to);
      const message = node.mapped
        ? `each element of step \`${node.name}\` shows an artifact \`${to}\` on the run: the last one stays`
        : other === undefined
          ? undefined
          : `steps \`${other.name}\` and \`${node.name}\` both show an artifact \`${to}\` on the run: the last one stays`;
      shownBy.set(to, node);
      if (message === undefined) continue;
      const help = node.mapped
        ? 'show an artifact of a step that takes the list'
        : `give one of them a name of its own: ['${to}', '${node.name} ${to}']`;
      found.push(diagnostic({ code: 'monitored-twice', severity: 'warning', message, at, help }));
    }
  }
  return found;
}
