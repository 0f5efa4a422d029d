import { AsyncLocalStorage } from 'node:async_hooks';
import {
  fileMarker,
  HANDLE,
  isEach,
  setScopeLookup,
  type CallScope,
  type HandleTarget,
  type IssuedCall,
  type IssuedNode,
} from '@run-pipeline/core/define';
import { uniqueNodeName, type ArgumentShape } from '@run-pipeline/core/graph';
import type { InputNode } from '@run-pipeline/core/references';
import { isSuccess, StepFailed, type StepName } from '@run-pipeline/core/model';
import { newNode, type NodeState, type RunContext } from './context.js';
import { decodeStored } from './values.js';

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
  return {
    issue(call) {
      const parents = new Map<string, NodeState>();
      const toNode = (argument: unknown): InputNode => compileArgument(argument, options.nodes, parents);
      const inputs = compileCall(call, toNode);
      for (const parent of call.parents) {
        const node = parentNode(parent, options.nodes);
        parents.set(node.key, node);
      }
      const key = uniqueNodeName(call.label ?? call.step.name, taken);
      taken.add(key);
      const node = newNode({
        run: options.run,
        key,
        definition: call.step,
        inputs,
        parents: [...parents.values()],
        mapped: isMapped(inputs),
        announced: false,
      });
      options.nodes.set(key, node);
      options.add(node);
      return issuedNode(options, node);
    },
  };
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
export async function nodeValue(project: RunContext['project'], node: NodeState, returnName: string | undefined): Promise<unknown> {
  if (!isSuccess(node.status)) {
    const root = node.blockedBy ?? node;
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

/** A function is called with positional arguments; a lone object is bound by the package. */
function compileCall(call: IssuedCall, toNode: (argument: unknown) => InputNode): ArgumentShape {
  if (call.args.length === 0) return { kind: 'none' };
  return { kind: 'positional', values: call.args.map(toNode) };
}

const isMapped = (shape: ArgumentShape): boolean =>
  shape.kind === 'positional' && shape.values.some((value) => value.kind === 'each');

/** Finds handles inside arrays and plain objects; everything else is a value, strings included. */
function compileArgument(
  argument: unknown,
  nodes: ReadonlyMap<string, NodeState>,
  parents: Map<string, NodeState>,
  seen: readonly object[] = [],
): InputNode {
  const target = handleTarget(argument);
  if (target !== undefined) return handleInput(target, nodes, parents);
  if (typeof argument !== 'object' || argument === null) return { kind: 'literal', value: argument };
  const marker = fileMarker(argument);
  if (marker !== undefined) {
    return { kind: 'file', directory: marker.directory, path: { kind: 'literal', value: marker.path } };
  }
  if (isEach(argument)) return { kind: 'each', list: compileArgument(argument.each, nodes, parents, seen) };
  if (seen.includes(argument)) return { kind: 'literal', value: argument }; // cyclic: the codec decides
  const inner = [...seen, argument];
  if (Array.isArray(argument)) {
    const items = argument.map((item: unknown) => compileArgument(item, nodes, parents, inner));
    return items.every((item) => item.kind === 'literal') ? { kind: 'literal', value: argument } : { kind: 'list', items };
  }
  const prototype: unknown = Object.getPrototypeOf(argument);
  if (prototype !== Object.prototype && prototype !== null) return { kind: 'literal', value: argument };
  const entries = Object.entries(argument).map(
    ([key, value]) => [key, compileArgument(value, nodes, parents, inner)] as const,
  );
  return entries.every(([, value]) => value.kind === 'literal')
    ? { kind: 'literal', value: argument }
    : { kind: 'object', entries };
}

function handleTarget(value: unknown): HandleTarget | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return (value as { readonly [HANDLE]?: HandleTarget })[HANDLE];
}

function handleInput(
  target: HandleTarget,
  nodes: ReadonlyMap<string, NodeState>,
  parents: Map<string, NodeState>,
): InputNode {
  const node = knownNode(target, nodes);
  parents.set(node.key, node);
  const reference = (name: string): InputNode => ({
    kind: 'reference',
    reference: { kind: 'return', step: node.key, name, path: [], text: `${node.key}.${name}` },
  });
  if (target.returnName !== undefined) return reference(target.returnName);
  const { returns } = node.definition;
  if (returns === undefined) return reference('result');
  const [only] = returns;
  if (only === undefined) return { kind: 'literal', value: undefined };
  if (returns.length === 1) return reference(only);
  // The whole of several returns, by name.
  return { kind: 'object', entries: returns.map((name) => [name, reference(name)] as const) };
}

function parentNode(parent: unknown, nodes: ReadonlyMap<string, NodeState>): NodeState {
  const target = handleTarget(parent);
  if (target !== undefined) return knownNode(target, nodes);
  const node = typeof parent === 'string' ? nodes.get(parent) : undefined;
  if (node === undefined) throw new TypeError(`with({ parents }) takes handles or names of steps called before; got ${String(parent)}`);
  return node;
}

function knownNode(target: HandleTarget, nodes: ReadonlyMap<string, NodeState>): NodeState {
  const node = nodes.get(target.node.name);
  if (node === undefined) throw new TypeError(`the handle of step ${target.node.name} belongs to another run`);
  return node;
}

export const asStepName = (text: string): StepName => text as StepName;
