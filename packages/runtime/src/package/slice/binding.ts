import type { ArgumentBinding, Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import type { Module } from '../module/module.js';
import { isFunctionNode, type SyntaxNode } from '../module/syntax.js';
import type { PackageRequest } from '../packager.js';
import { suggestion } from './suggestion.js';

/**
 * How declared inputs become arguments: a list positionally; names by the function's own parameter
 * names, or as the one object that it takes.
 */
export function argumentBinding(options: {
  readonly request: PackageRequest;
  readonly functionNode: SyntaxNode | undefined;
  /** Of the function. */
  readonly module: Module;
  readonly at: SourceLocation;
}): { readonly binding: ArgumentBinding } | { readonly diagnostic: Diagnostic } {
  const { request, functionNode, module, at } = options;
  const { inputs } = request;
  if (inputs.kind !== 'named') return { binding: { kind: 'positional' } };
  if (functionNode === undefined || !isFunctionNode(functionNode)) {
    const count = request.code.kind === 'function' ? request.code.function.length : 1;
    if (count <= 1) return { binding: { kind: 'object' } };
    return problem(
      at,
      'unknown-parameters',
      `the parameter names of step ${request.name ?? request.key} cannot be read from its source`,
      'give it a function that takes one object, or a function written out where it is declared',
    );
  }
  // Names never reach `...rest`.
  const declared = functionNode.params.filter((parameter) => parameter.type !== 'RestElement');
  const parameters = declared.map((parameter) => {
    const target = parameter.type === 'AssignmentPattern' ? parameter.left : parameter;
    if (target.type === 'Identifier') return module.writtenName(target);
    return target.type === 'ObjectPattern' ? '{}' : undefined;
  });
  if (parameters.length === 1 && parameters[0] === '{}') return { binding: { kind: 'object' } };
  const unknown = inputs.names.filter((name) => !parameters.includes(name));
  // `(options) => options.data`: one parameter that none of the names is meant for.
  if (parameters.length === 1 && unknown.length === inputs.names.length && request.writing !== 'controller') {
    return { binding: { kind: 'object' } };
  }
  const names = parameters.filter((name) => name !== undefined && name !== '{}') as string[];
  if (unknown.length > 0) {
    const hint = suggestion(unknown[0]!, names);
    return problem(
      at,
      'unknown-argument',
      `step ${request.name ?? request.key} has no parameter ${unknown.map((name) => `"${name}"`).join(', ')}${hint === undefined ? '' : `; did you mean "${hint}"?`}`,
      names.length === 0
        ? 'its function takes no parameters by name'
        : `its parameters are ${names.join(', ')}`,
    );
  }
  return { binding: { kind: 'by-name', parameters: parameters.map((name) => name ?? '') } };
}

const problem = (
  at: SourceLocation,
  code: string,
  message: string,
  help: string,
): { readonly diagnostic: Diagnostic } => ({
  diagnostic: { code, severity: 'error', message, at, help },
});
