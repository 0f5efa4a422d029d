import {
  eachInputs,
  elementCount,
  elementInputs,
  elementName,
  type ArgumentShape,
} from '@run-pipeline/core/graph';
import type { InputNode, Reference } from '@run-pipeline/core/references';
import { isSuccess, type ErrorRecord } from '@run-pipeline/core/model';
import { changeStatus } from '../run/callbacks.js';
import { newNode, rename, type NodeState, type RunContext } from '../context.js';
import { readInput, type ResolveContext } from './inputs.js';
import { adoptMappedName, standEnded } from '../run/recorded.js';
import { endNode } from '../run/end-node.js';

/**
 * A mapped step: one node per element of its `each()` lists. The lists are split once, here; an
 * element's fingerprint holds the element and not its index, so reordering re-runs nothing. The
 * mapped node itself ends when its elements have, and executes nothing of its own.
 */
export async function runMapped(context: RunContext, node: NodeState): Promise<void> {
  const started = performance.now();
  const shapes = await splitInputs(context, node);
  const recorded = adoptMappedName(context, node);
  const elements = shapes.map((inputs, index) =>
    newNode({
      run: context.row.id,
      key: elementName(node.key, index),
      base: node.base,
      usual: elementName(node.name, index),
      definition: node.definition,
      inputs,
      parents: node.parents,
      mapped: false,
      of: node,
      announced: false,
    }),
  );
  for (const [index, element] of elements.entries()) {
    rename(context.row.id, element, elementName(node.name, index));
    context.nodes.set(element.key, element);
  }
  node.elements = elements;
  const fresh = context.recorded === undefined ? elements : [];
  for (const element of fresh) element.announced = true;
  if (fresh.length > 0) {
    await context.log.append({
      events: [
        {
          type: 'step.add',
          steps: fresh.map((element) => ({
            name: element.name,
            parents: element.parents.map((parent) => parent.name),
            of: node.name,
          })),
        },
      ],
    });
  }
  await changeStatus(context, node, 'running');
  for (const element of elements) context.schedule(element);
  await Promise.all(elements.map((element) => element.ended.promise));
  if (recorded !== undefined && isSuccess(recorded.status)) return standEnded(context, node, recorded);
  await endNode(context, node, {
    ...gathered(elements),
    durationMs: Math.round(performance.now() - started),
  });
}

function gathered(elements: readonly NodeState[]): {
  readonly status: 'completed' | 'cached' | 'failed' | 'aborted';
  readonly attempt: number;
  readonly artifacts: readonly [];
  readonly why: readonly string[];
  readonly error?: ErrorRecord;
} {
  const broken = elements.filter((element) => !isSuccess(element.status));
  const [first] = broken.filter((element) => element.status === 'failed').concat(broken);
  const count = `${broken.length} of ${elements.length} elements did not complete`;
  if (first !== undefined) {
    return {
      status: first.status === 'failed' ? 'failed' : 'aborted',
      attempt: 0,
      artifacts: [],
      why: [count],
      error: first.error ?? { name: 'Error', message: `${first.name} ${first.status}` },
    };
  }
  const allCached = elements.length > 0 && elements.every((element) => element.status === 'cached');
  return { status: allCached ? 'cached' : 'completed', attempt: 0, artifacts: [], why: [] };
}

/** The inputs of each element. Throws `each-list`, `each-length`. */
export async function splitInputs(
  context: ResolveContext,
  node: NodeState,
): Promise<readonly ArgumentShape[]> {
  const lists = new Map<string, readonly InputNode[]>();
  const values: { readonly label: string; readonly value: unknown }[] = [];
  for (const { label, list } of eachInputs(node.inputs)) {
    const { value, items } = await splitList(context, list);
    values.push({ label, value });
    lists.set(label, items);
  }
  return Array.from({ length: elementCount(node.name, values) }, (_, index) =>
    elementInputs(
      node.inputs,
      ({ label }) => lists.get(label)?.[index] ?? { kind: 'literal', value: undefined },
    ),
  );
}

async function splitList(
  context: ResolveContext,
  list: InputNode,
): Promise<{ readonly value: unknown; readonly items: readonly InputNode[] }> {
  if (list.kind === 'list') return { value: list.items, items: list.items };
  if (list.kind === 'reference' && list.reference.kind === 'return' && list.reference.path.length === 0) {
    const { step, name } = list.reference;
    const elements = context.nodes.get(step)?.elements;
    // Elements of another mapped step are passed on by reference: nothing is read here.
    if (elements !== undefined) {
      const items = elements.map((element): InputNode => {
        const text = `$<${element.key}.${name}>`;
        return { kind: 'reference', reference: { kind: 'return', step: element.key, name, path: [], text } };
      });
      return { value: items, items };
    }
  }
  const value = await readInput(context, list);
  const from = list.kind === 'reference' ? originOf(list.reference) : undefined;
  const items = isList(value)
    ? Array.from(value, (item): InputNode => ({
        kind: 'literal',
        value: item,
        ...(from === undefined ? {} : { from }),
      }))
    : [];
  return { value, items };
}

/** Without the element's place: a list in another order has the same elements. */
function originOf(reference: Reference): string | undefined {
  if (reference.kind === 'parameter') return `parameter ${reference.name}`;
  return reference.kind === 'return'
    ? [reference.step, reference.name, ...reference.path].join('.')
    : undefined;
}

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
