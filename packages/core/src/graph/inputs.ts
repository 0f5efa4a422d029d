import type { DeclaredInputs } from '../model/definition.js';
import {
  compileInputWithProblems,
  referencesOf,
  type CompileOptions,
  type InputProblem,
} from '../references/compile.js';
import type { InputNode, Reference } from '../references/reference.js';

/** The compiled counterpart of `DeclaredInputs`. */
export type ArgumentShape =
  | { readonly kind: 'none' }
  | { readonly kind: 'positional'; readonly values: readonly InputNode[] }
  | { readonly kind: 'named'; readonly values: readonly (readonly [string, InputNode])[] };

/** Finds the references of declared inputs; problems name the input: `inputs[0].rows`. */
export function compileInputs(
  inputs: DeclaredInputs,
  options: Omit<CompileOptions, 'label'> & {
    /** How a message calls a named input; default `inputs.NAME`. */
    readonly labelOf?: (name: string) => string;
  } = {},
): { readonly shape: ArgumentShape; readonly problems: readonly InputProblem[] } {
  const { labelOf = (name: string) => `inputs.${name}` } = options;
  const problems: InputProblem[] = [];
  const compile = (value: unknown, label: string): InputNode => {
    const compiled = compileInputWithProblems(value, { ...options, label });
    problems.push(...compiled.problems);
    return compiled.node;
  };
  switch (inputs.kind) {
    case 'none':
      return { shape: { kind: 'none' }, problems };
    case 'positional': {
      const values = inputs.values.map((value, index) => compile(value, `inputs[${index}]`));
      return { shape: { kind: 'positional', values }, problems };
    }
    case 'named': {
      const values = Object.keys(inputs.values).map(
        (name) => [name, compile(inputs.values[name], labelOf(name))] as const,
      );
      return { shape: { kind: 'named', values }, problems };
    }
    default:
      return inputs satisfies never;
  }
}

/** The inputs of a shape in order, without their names. */
export function inputNodes(shape: ArgumentShape): readonly InputNode[] {
  switch (shape.kind) {
    case 'none':
      return [];
    case 'positional':
      return shape.values;
    case 'named':
      return shape.values.map(([, node]) => node);
    default:
      return shape satisfies never;
  }
}

/** Every reference of the inputs, in order of mention. */
export function shapeReferences(shape: ArgumentShape): readonly Reference[] {
  const found: Reference[] = [];
  for (const node of inputNodes(shape)) for (const reference of referencesOf(node)) found.push(reference);
  return found;
}
