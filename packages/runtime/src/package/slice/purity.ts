import { valueOf } from '../module/drivers.js';
import type { Item, Module } from '../module/module.js';
import type { Program, Target } from '../module/program.js';
import { decoratorsOf, type SyntaxNode, isPresent } from '../module/syntax.js';
import { classNode } from './class-members.js';
import type { ModuleSlice, Slice } from './slice.js';

/**
 * Which modules of a slice do nothing but declare: their order of evaluation cannot be seen, so it
 * does not count for the code's identity (INVARIANTS 1).
 */
export class Purity {
  readonly #slice: Slice;
  readonly #program: Program;
  readonly #known = new Map<Module, boolean>();

  constructor(slice: Slice, program: Program) {
    this.#slice = slice;
    this.#program = program;
  }

  target(target: Target): boolean {
    switch (target.kind) {
      case 'local':
      case 'namespace':
        return this.module(target.module) && target.via.every((module) => this.module(module));
      case 'opaque':
        return target.file.endsWith('.json');
      case 'external':
        return (
          target.resolution.kind !== 'npm' || this.#declaresNoSideEffects(target.resolution.package.directory)
        );
      case 'unresolved':
        return true;
    }
  }

  module(module: Module): boolean {
    const known = this.#known.get(module);
    if (known !== undefined) return known;
    this.#known.set(module, true); // a cycle adds no effect of its own
    const slice = this.#slice.modules.get(module);
    const pure =
      slice === undefined ||
      ([...slice.items].every((item) => this.#item(item, slice)) &&
        slice.evaluated.every((each) =>
          each.kind === 'module' ? this.module(each.module) : this.target(each.target),
        ));
    this.#known.set(module, pure);
    return pure;
  }

  #item(item: Item, slice: ModuleSlice): boolean {
    if (item.kind === 'import') return this.target(this.#program.target(item));
    if (item.kind === 'function' || item.kind === 'bare-import') return true;
    if (slice.stepFunctions.has(item)) return true;
    const shape = classNode(item);
    if (shape !== undefined) {
      const kept = slice.classes.get(item);
      const members = kept === undefined ? shape.body.body : [...kept.kept].map((member) => member.node);
      const isDecorated =
        kept === undefined
          ? [shape, ...members].some((node) => decoratorsOf(node).length > 0)
          : kept.shape.decorators.length > 0 || [...kept.kept].some((member) => member.decorators.length > 0);
      const hasStatics = members.some(
        (member) => member.type === 'StaticBlock' || (member.type === 'PropertyDefinition' && member.static),
      );
      return (
        !isDecorated &&
        !hasStatics &&
        (!isPresent(shape.superClass) || shape.superClass.type === 'Identifier')
      );
    }
    const value = valueOf(item);
    return item.kind !== 'statement' && (value === undefined ? item.kind === 'variable' : isPure(value));
  }

  #declaresNoSideEffects(directory: string): boolean {
    return this.#program.files.readJson(`${directory}/package.json`)?.['sideEffects'] === false;
  }
}

const EMPTY_COLLECTIONS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet']);

/** Evaluating it neither does nor depends on anything outside. */
function isPure(node: SyntaxNode): boolean {
  const all = (nodes: readonly (object | null | undefined)[]): boolean =>
    nodes.every((each) => !isPresent(each) || isPure(each as SyntaxNode));
  switch (node.type) {
    case 'Literal':
    case 'Identifier':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return true;
    case 'TemplateLiteral':
      return all(node.expressions);
    case 'ArrayExpression':
      return all(node.elements);
    case 'ObjectExpression':
      return node.properties.every(
        (property) =>
          property.type === 'Property' && !property.computed && isPure(property.value as SyntaxNode),
      );
    case 'UnaryExpression':
      return node.operator !== 'delete' && all([node.argument]);
    case 'BinaryExpression':
    case 'LogicalExpression':
      return all([node.left, node.right]);
    case 'ConditionalExpression':
      return all([node.test, node.consequent, node.alternate]);
    case 'NewExpression':
      return (
        node.callee.type === 'Identifier' &&
        EMPTY_COLLECTIONS.has(node.callee.name) &&
        node.arguments.length === 0
      );
    default:
      return false;
  }
}
