import { RunPipelineError } from '../model/errors.js';
import { describe } from '../references/resolve.js';
import type { InputNode } from '../references/reference.js';
import type { ArgumentShape } from './inputs.js';

/** An `each()` among the inputs, with what a message calls it. */
export interface EachInput {
  readonly label: string;
  readonly list: InputNode;
}

/** The lists that a mapped step zips, in order of its inputs. */
export function eachInputs(shape: ArgumentShape): readonly EachInput[] {
  const found: EachInput[] = [];
  const look = (label: string, node: InputNode): void => {
    if (node.kind === 'each') found.push({ label, list: node.list });
  };
  if (shape.kind === 'positional')
    for (const [index, node] of shape.values.entries()) look(`inputs[${index}]`, node);
  if (shape.kind === 'named') for (const [name, node] of shape.values) look(`inputs.${name}`, node);
  return found;
}

/**
 * How many nodes a mapped step becomes, from its lists once they are known. Throws `each-list` for what
 * is no list and `each-length` for lists of unequal length.
 *
 * @param lists As `eachInputs` gives them, each with its value.
 */
export function elementCount(
  step: string,
  lists: readonly { readonly label: string; readonly value: unknown }[],
): number {
  let length: number | undefined;
  let first = '';
  for (const { label, value } of lists) {
    const count = lengthOf(value);
    if (count === undefined) {
      throw new RunPipelineError({
        kind: 'run',
        code: 'each-list',
        message: `step \`${step}\`: ${label}: each() takes a list, not ${describe(value)}`,
        help: 'return an array from the step that it refers to',
      });
    }
    if (length !== undefined && count !== length) {
      throw new RunPipelineError({
        kind: 'run',
        code: 'each-length',
        message: `step \`${step}\`: several each() zip, but ${first} has ${length} elements and ${label} has ${count}`,
        help: 'make the lists equally long',
      });
    }
    if (length === undefined) first = label;
    length = count;
  }
  return length ?? 0;
}

/**
 * The inputs of one element: every `each()` replaced by what `pick` gives for its list. The fingerprint
 * is then the element's, and says nothing of its index.
 */
export function elementInputs(shape: ArgumentShape, pick: (input: EachInput) => InputNode): ArgumentShape {
  const lists = eachInputs(shape)[Symbol.iterator]();
  const replace = (node: InputNode): InputNode => {
    if (node.kind !== 'each') return node;
    const { value } = lists.next() as IteratorYieldResult<EachInput>;
    return pick(value);
  };
  switch (shape.kind) {
    case 'none':
      return shape;
    case 'positional':
      return { kind: 'positional', values: shape.values.map(replace) };
    case 'named':
      return { kind: 'named', values: shape.values.map(([name, node]) => [name, replace(node)] as const) };
    default:
      return shape satisfies never;
  }
}

/** Arrays and typed arrays; a `DataView` has no elements. */
function lengthOf(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  if (!ArrayBuffer.isView(value)) return undefined;
  return 'length' in value && typeof value.length === 'number' ? value.length : undefined;
}
