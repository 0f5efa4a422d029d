import type { SourceLocation, StepCode } from '@run-pipeline/core/model';
import { calleeReference, isFunctionValue, stepArgument, valueOf } from '../module/drivers.js';
import type { Item, Module } from '../module/module.js';
import { isFunctionNode, keyName, walk, type SyntaxNode } from '../module/syntax.js';
import { referencesWithin } from '../slice/class-members.js';
import type { SliceEntry } from '../slice/slice.js';
import { captures } from './captures.js';
import { notFound, type FindContext, type Found } from './found-step.js';
import type { FunctionIndex } from './function-index.js';

/**
 * Finds the code of a function step: first by the place of the call that registered it, which gives
 * the function's expression; for a registration in a loop, or anything else that is computed, by
 * comparing the function's own text with the functions of the user's modules.
 */
export function findFunction(options: {
  readonly context: FindContext;
  readonly key: string;
  readonly code: Extract<StepCode, { kind: 'function' }>;
  /** The place of the call in the user's source. */
  readonly place: SourceLocation | undefined;
  readonly file: string | undefined;
  readonly index: FunctionIndex;
}): Found {
  const { context, key, place, index } = options;
  const file = place?.file ?? options.file;
  if (file === undefined) {
    return notFound({
      code: 'source-unknown',
      message: `cannot tell in which file step ${key} is written`,
      help: 'pass `source: import.meta.url` to the controller or to step()',
    });
  }
  const loaded = context.program.loaded(file);
  if (loaded?.kind === 'failed') return { ok: false, diagnostic: loaded.diagnostic };
  const module = loaded?.kind === 'module' ? loaded.module : undefined;
  const call = module === undefined || place === undefined ? undefined : index.callAt(module, place);
  const argument =
    module === undefined || call === undefined ? undefined : functionArgument(context, module, call);
  const entry =
    module === undefined || argument === undefined ? undefined : entryOf(context, module, argument);
  if (entry !== undefined) return checked(key, entry);
  return byText({ ...options, file });
}

/** The expression that gives the function in `step(…, f)` or `addFunctionStep({ function: f })`. */
function functionArgument(context: FindContext, module: Module, call: SyntaxNode): SyntaxNode | undefined {
  if (call.type !== 'CallExpression' || call.arguments.some((argument) => argument.type === 'SpreadElement'))
    return undefined;
  const callee = call.callee as SyntaxNode;
  const isStepMethod =
    callee.type === 'MemberExpression' &&
    callee.property.type === 'Identifier' &&
    callee.property.name === 'addFunctionStep';
  if (isStepMethod) {
    const [options] = call.arguments;
    if (options?.type !== 'ObjectExpression') return undefined;
    for (const property of options.properties) {
      if (property.type !== 'Property' || keyName(property) !== 'function') continue;
      return property.method ? (property as SyntaxNode) : (property.value as SyntaxNode);
    }
    return undefined;
  }
  const reference = calleeReference(callee);
  const isStep = reference !== undefined && context.program.frameworkName(module, reference) === 'step';
  return isStep ? stepArgument(call) : undefined;
}

/** What an expression at a place stands for; undefined when only running the program could tell. */
function entryOf(context: FindContext, module: Module, node: SyntaxNode): SliceEntry | undefined {
  const item = module.itemAt(node.start);
  if (item === undefined) return undefined;
  switch (node.type) {
    case 'Identifier':
      return refersToModule(item, node) ? entryOfName(context, module, node.name) : undefined;
    case 'MemberExpression':
      return entryOfMember(context, module, item, node);
    case 'Property':
      return { kind: 'expression', module, item, node, functionNode: node.value as SyntaxNode };
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return { kind: 'expression', module, item, node, functionNode: node };
    case 'CallExpression':
      return { kind: 'expression', module, item, node, functionNode: wrappedFunction(node) };
    default:
      return undefined;
  }
}

const refersToModule = (item: Item, node: SyntaxNode): boolean =>
  referencesWithin(item, node).some((reference) => reference.offset === node.start);

function entryOfName(context: FindContext, module: Module, name: string): SliceEntry | undefined {
  const followed = context.program.follow(module, name);
  if (followed === undefined) return undefined;
  const { target, items } = followed;
  if (target.kind !== 'local') return { kind: 'name', module, name, functionNode: undefined };
  const [item] = items;
  if (item === undefined || item.kind === 'statement') return undefined;
  const step = context.drivers.stepCall(item);
  if (step !== undefined) {
    const inner = stepArgument(step);
    return inner === undefined ? undefined : entryOf(context, item.module, inner);
  }
  const value = valueOf(item);
  if (value?.type === 'Identifier' && refersToModule(item, value))
    return entryOfName(context, item.module, value.name);
  const functionNode =
    item.kind === 'function' ? item.node : value === undefined ? undefined : wrappedFunction(value);
  return { kind: 'name', module: target.module, name: target.name, functionNode };
}

/** `steps.one`: of an object literal, of a module, of a class, or `train.fn`. */
function entryOfMember(
  context: FindContext,
  module: Module,
  item: Item,
  node: SyntaxNode,
): SliceEntry | undefined {
  const reference = calleeReference(node);
  if (reference?.member === undefined || node.type !== 'MemberExpression') return undefined;
  if (!refersToModule(item, node.object as SyntaxNode)) return undefined;
  const followed = context.program.follow(module, reference.name);
  if (followed?.target.kind === 'namespace') {
    const target = context.program.exported(followed.target.module, reference.member);
    return target?.kind === 'local' ? entryOfName(context, target.module, target.name) : undefined;
  }
  const [owner] = followed?.items ?? [];
  if (owner === undefined) return undefined;
  const step = context.drivers.stepCall(owner);
  if (step !== undefined && reference.member === 'fn')
    return entryOfName(context, owner.module, owner.declares[0] ?? '');
  const value = valueOf(owner);
  if (value?.type === 'ObjectExpression') {
    const property = value.properties.find(
      (each) => each.type === 'Property' && keyName(each) === reference.member,
    );
    if (property?.type === 'Property' && !readsThis(property.value as SyntaxNode)) {
      const part = property.method ? (property as SyntaxNode) : (property.value as SyntaxNode);
      return entryOf(context, owner.module, part);
    }
  }
  return { kind: 'expression', module, item, node, functionNode: undefined };
}

function readsThis(node: SyntaxNode): boolean {
  let found = false;
  walk(node, (each) => {
    if (each.type === 'ThisExpression' || each.type === 'Super') found = true;
    return !found;
  });
  return found;
}

/** The function inside `withRetry(async (x) => …)`: its parameters are the step's. */
function wrappedFunction(node: SyntaxNode): SyntaxNode | undefined {
  if (isFunctionNode(node)) return node;
  if (node.type !== 'CallExpression' || node.callee.type === 'MemberExpression') return undefined;
  return node.arguments.map((argument) => argument as SyntaxNode).find(isFunctionNode);
}

function checked(key: string, entry: SliceEntry): Found {
  const diagnostic = entry.kind === 'expression' ? captures(key, entry) : undefined;
  return diagnostic === undefined ? { ok: true, entry, warnings: [] } : { ok: false, diagnostic };
}

function byText(options: Parameters<typeof findFunction>[0] & { readonly file: string }): Found {
  const { key, code, place, index } = options;
  const help = 'pass the function itself, declared at the top level of a module, as `function:`';
  const matches = index.like(code.function);
  const at = place ?? { file: options.file, line: 1, column: 1 };
  if (matches.length === 0) {
    return notFound({
      code: 'function-not-found',
      message: `cannot find the source of the function of step ${key}`,
      at,
      help,
    });
  }
  const [first, second] = matches;
  if (second !== undefined) {
    return {
      ok: false,
      diagnostic: {
        code: 'ambiguous-function',
        severity: 'error',
        message: `several functions have the text of the function of step ${key}`,
        at,
        related: matches.map((match) => ({
          message: 'one is here',
          at: match.module.locate(match.node.start),
        })),
        help,
      },
    };
  }
  return checked(key, entryOfFunction(first!));
}

/** A function that was found by its text: a declaration by its name, else the expression. */
function entryOfFunction(match: {
  readonly module: Module;
  readonly item: Item;
  readonly node: SyntaxNode;
  readonly property: SyntaxNode | undefined;
}): SliceEntry {
  const { module, item, node, property } = match;
  const isDeclared = item.node === node || (isFunctionValue(item) && valueOf(item) === node);
  const name = item.declares[0];
  if (isDeclared && name !== undefined) return { kind: 'name', module, name, functionNode: node };
  return { kind: 'expression', module, item, node: property ?? node, functionNode: node };
}
