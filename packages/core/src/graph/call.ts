import { HANDLE, type HandleTarget } from '../define/issue.js';
import { RunPipelineError, type Diagnostic } from '../model/errors.js';
import type { InputNode, Reference } from '../references/reference.js';
import { diagnostic } from './diagnose.js';
import { compileInputs, type ArgumentShape } from './inputs.js';
import type { SourceLocation } from '../model/source.js';

/**
 * The arguments of a step's call in a pipeline function. Handles, also inside arrays and plain objects,
 * become references; everything else is a value, strings that look like references too.
 *
 * @param options.returnsOf The declared returns of an issued node, by its name.
 * @param options.at Place of the call, for diagnostics.
 */
export function compileCall(options: {
  readonly args: readonly unknown[];
  readonly returnsOf: (node: string) => readonly string[] | undefined;
  readonly at?: SourceLocation | undefined;
}): { readonly shape: ArgumentShape; readonly diagnostics: readonly Diagnostic[] } {
  const { args, returnsOf, at } = options;
  const { shape, problems } = compileInputs(
    { kind: 'positional', values: args },
    {
      parse: false,
      substitute: (value) => {
        const target = handleTarget(value);
        return target === undefined ? undefined : handleInput(target, returnsOf(target.node.name));
      },
    },
  );
  const diagnostics = problems.map(({ code, message, help }) =>
    diagnostic({ code, message: message.replace(/^inputs/, 'arguments'), at, help }),
  );
  return { shape, diagnostics };
}

/**
 * What passing a handle on passes: the return it names; of a whole step its one value, or an object of
 * its several returns.
 */
export function handleInput(target: HandleTarget, returns: readonly string[] | undefined): InputNode {
  const step = target.node.name;
  const reference = (name: string): InputNode => {
    const value: Reference = { kind: 'return', step, name, path: [], text: `$<${step}.${name}>` };
    return { kind: 'reference', reference: value };
  };
  if (target.returnName !== undefined) return reference(target.returnName);
  const [first, ...more] = returns ?? ['result'];
  if (first === undefined) return { kind: 'literal', value: undefined };
  if (more.length === 0) return reference(first);
  const entries = [first, ...more].map((name) => [name, reference(name)] as const);
  return { kind: 'object', entries, returnsOf: step };
}

/** The names of explicit parents of a call: handles, or names. */
export function parentNames(parents: readonly unknown[]): readonly string[] {
  return parents.map((parent) => {
    if (typeof parent === 'string') return parent;
    const target = typeof parent === 'object' && parent !== null ? handleTarget(parent) : undefined;
    if (target !== undefined) return target.node.name;
    throw new RunPipelineError({
      kind: 'definition',
      code: 'unknown-parent',
      message: `a parent is a handle or the name of a node, not a ${parent === null ? 'null' : typeof parent}`,
      help: 'pass what calling the step returned: train.with({ parents: [split] })(…)',
    });
  });
}

// Not `instanceof` and no other property: a handle refuses to be looked at.
const handleTarget = (value: object): HandleTarget | undefined =>
  HANDLE in value ? (value as { readonly [HANDLE]: HandleTarget })[HANDLE] : undefined;
