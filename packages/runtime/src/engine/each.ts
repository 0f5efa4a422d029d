import type { ArgumentShape } from '@run-pipeline/core/graph';
import type { InputNode } from '@run-pipeline/core/references';
import { isSuccess, type ErrorRecord, type StepName } from '@run-pipeline/core/model';
import { changeStatus } from './callbacks.js';
import { newNode, type NodeState, type RunContext } from './context.js';
import { readInput, type ResolveContext } from './inputs.js';
import { adoptMappedName, standEnded } from './recorded.js';
import { endNode } from './end-node.js';

/**
 * A mapped step: one node per element of its `each()` lists. The lists are split once, here; an
 * element's fingerprint holds the element and not its index, so reordering re-runs nothing. The
 * mapped node itself ends when its elements have, and executes nothing of its own.
 */
export async function runMapped(context: RunContext, node: NodeState): Promise<void> {
  const started = performance.now();
  const shapes = await splitInputs(context, node.inputs);
  if (!shapes.ok) {
    await endNode(context, node, { status: 'failed', attempt: 0, durationMs: 0, artifacts: [], why: [], error: shapes.error });
    return;
  }
  const recorded = adoptMappedName(context, node);
  const elements = shapes.shapes.map((inputs, index) =>
    newNode({
      run: context.row.id,
      key: `${node.key}[${index}]`,
      definition: node.definition,
      inputs,
      parents: node.parents,
      mapped: false,
      of: node,
      announced: false,
    }),
  );
  for (const element of elements) {
    element.name = `${node.name}[${element.key.slice(node.key.length + 1, -1)}]` as StepName;
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
  await endNode(context, node, { ...gathered(elements), durationMs: Math.round(performance.now() - started) });
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

type Split =
  | { readonly ok: true; readonly shapes: readonly ArgumentShape[] }
  | { readonly ok: false; readonly error: ErrorRecord };

/** Several `each` zip; unequal lengths fail. */
export async function splitInputs(context: ResolveContext, shape: ArgumentShape): Promise<Split> {
  if (shape.kind === 'none') return { ok: true, shapes: [] };
  const entries: readonly (readonly [string, InputNode])[] =
    shape.kind === 'named' ? shape.values : shape.values.map((value, index) => [String(index), value] as const);
  const lists = new Map<string, readonly InputNode[]>();
  for (const [name, node] of entries) {
    if (node.kind !== 'each') continue;
    const list = await splitList(context, node.list);
    if (list === undefined) {
      return { ok: false, error: eachError(`each() of input ${inputName(shape, name)} takes a list`) };
    }
    lists.set(name, list);
  }
  const lengths = new Set([...lists.values()].map((list) => list.length));
  if (lengths.size > 1) {
    const told = [...lists].map(([name, list]) => `${inputName(shape, name)} has ${list.length}`).join(', ');
    return { ok: false, error: eachError(`each() lists of one step must be equally long: ${told}`) };
  }
  const [length = 0] = lengths;
  const shapes = Array.from({ length }, (_, index): ArgumentShape => {
    const values = entries.map(([name, node]) => [name, lists.get(name)?.[index] ?? node] as const);
    return shape.kind === 'named' ? { kind: 'named', values } : { kind: 'positional', values: values.map(([, value]) => value) };
  });
  return { ok: true, shapes };
}

async function splitList(context: ResolveContext, list: InputNode): Promise<readonly InputNode[] | undefined> {
  if (list.kind === 'list') return list.items;
  if (list.kind === 'reference' && list.reference.kind === 'return' && list.reference.path.length === 0) {
    const { step, name } = list.reference;
    const elements = context.nodes.get(step)?.elements;
    // Elements of another mapped step are passed on by reference: nothing is read here.
    if (elements !== undefined) {
      return elements.map((element) => ({
        kind: 'reference',
        reference: { kind: 'return', step: element.key, name, path: [], text: `${element.key}.${name}` },
      }));
    }
  }
  const value = await readInput(context, list);
  return Array.isArray(value) ? value.map((item: unknown) => ({ kind: 'literal', value: item })) : undefined;
}

const eachError = (message: string): ErrorRecord => ({ name: 'EachError', code: 'each', message });
const inputName = (shape: ArgumentShape, name: string): string =>
  shape.kind === 'positional' ? `${Number(name) + 1}` : name;
