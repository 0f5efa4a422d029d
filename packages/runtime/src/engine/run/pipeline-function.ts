import { AsyncLocalStorage } from 'node:async_hooks';
import { setScopeLookup, type CallScope, type IssuedNode } from '@run-pipeline/core/define';
import {
  compileCall,
  eachInputs,
  parentNames,
  shapeReferences,
  uniqueNodeName,
} from '@run-pipeline/core/graph';
import {
  definitionError,
  didYouMean,
  isSuccess,
  RunPipelineError,
  StepFailed,
} from '@run-pipeline/core/model';
import { newNode, type NodeState, type RunContext } from '../context.js';
import { decodeStored } from '../step/values.js';

/**
 * A pipeline function: its body runs in the controller, and each call of a step issues a node. Passing
 * a handle makes an edge and downloads nothing; awaiting one gives the value.
 */
const scopes = new AsyncLocalStorage<CallScope>();
setScopeLookup(() => scopes.getStore());

export const inScope = <T>(scope: CallScope, body: () => T): T => scopes.run(scope, body);

export function createCallScope(options: {
  readonly run: RunContext['row']['id'];
  readonly project: RunContext['project'];
  readonly nodes: Map<string, NodeState>;
  /** `recorded` names are not given to new calls: they belong to the calls that had them. */
  readonly reserved: ReadonlySet<string>;
  /** Tells of the node and starts it when its parents allow. */
  readonly add: (node: NodeState) => void;
  /** Called when the body awaits a value. */
  readonly onAwait?: (node: NodeState) => void;
}): CallScope {
  const taken = new Set<string>(options.reserved);
  const usualNames = new Set<string>();
  return {
    issue(call) {
      const { shape: inputs, diagnostics } = compileCall({
        args: call.args,
        returnsOf: (name) => known(options.nodes, name).definition.returns,
        at: call.step.source,
      });
      if (diagnostics.length > 0) throw definitionError(diagnostics);
      const names = [
        ...shapeReferences(inputs).flatMap((reference) =>
          reference.kind === 'parameter' ? [] : [reference.step],
        ),
        ...parentNames(call.parents),
      ];
      const parents = new Set(names.map((name) => known(options.nodes, name)));
      const base = call.label ?? call.step.name;
      const key = uniqueNodeName(base, taken);
      taken.add(key);
      const usual = uniqueNodeName(base, usualNames);
      usualNames.add(usual);
      const node = newNode({
        run: options.run,
        key,
        base,
        usual,
        definition: call.step,
        inputs,
        parents: [...parents],
        mapped: eachInputs(inputs).length > 0,
        announced: false,
      });
      options.nodes.set(key, node);
      options.add(node);
      return issuedNode(options, node);
    },
  };
}

function known(nodes: ReadonlyMap<string, NodeState>, name: string): NodeState {
  const node = nodes.get(name);
  if (node !== undefined) return node;
  throw new RunPipelineError({
    kind: 'definition',
    code: 'unknown-parent',
    message: `this run has no step "${name}"${didYouMean(name, nodes.keys())}`,
    help: 'Handles belong to the run that made them; names are those of steps called before.',
  });
}

function issuedNode(
  options: { readonly project: RunContext['project']; readonly onAwait?: (node: NodeState) => void },
  node: NodeState,
): IssuedNode {
  return {
    name: node.key,
    async value(returnName) {
      options.onAwait?.(node);
      await node.ended.promise;
      return nodeValue(options.project, node, returnName);
    },
  };
}

/** What awaiting a handle gives; a private decode each time. */
export async function nodeValue(
  project: RunContext['project'],
  node: NodeState,
  returnName: string | undefined,
): Promise<unknown> {
  if (!isSuccess(node.status)) {
    const root = node.blockedBy ?? node;
    root.thrown = true;
    throw new StepFailed(node.name, node.status, root.error);
  }
  if (node.elements !== undefined) {
    return Promise.all(node.elements.map((element) => nodeValue(project, element, returnName)));
  }
  const { returns } = node.definition;
  const read = async (name: string): Promise<unknown> => {
    const artifact = node.artifacts.get(name);
    return artifact === undefined ? undefined : decodeStored(project, artifact);
  };
  if (returnName !== undefined) return read(returnName);
  if (returns === undefined) return read('result');
  const [only] = returns;
  if (only === undefined) return undefined;
  if (returns.length === 1) return read(only);
  const values = await Promise.all(returns.map(async (name) => [name, await read(name)] as const));
  // The worker notes when the function returned a tuple: then awaiting gives a tuple.
  const tuple = node.artifacts.get(only)?.record.meta?.['tuple'] === true;
  return tuple ? values.map(([, value]) => value) : Object.fromEntries(values);
}
