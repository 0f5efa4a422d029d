import type { Node } from 'acorn';
import type { Drivers } from '../module/drivers.js';
import { valueOf } from '../module/drivers.js';
import type { Item, ItemFact, Reference } from '../module/module.js';
import {
  bindsThis,
  decoratorsOf,
  isClassNode,
  keyName,
  memberName,
  startOf,
  walk,
  type Decorated,
  type Decorator,
  type SyntaxNode,
  isPresent,
} from '../module/syntax.js';

/** A class of the user's, by members: what each of them refers to and what it reads through `this`. */
export interface ClassShape {
  readonly item: Item;
  readonly node: Extract<SyntaxNode, { type: 'ClassDeclaration' | 'ClassExpression' }>;
  readonly members: readonly Member[];
  readonly byName: ReadonlyMap<string, readonly Member[]>;
  /** Class decorators of the user's own. */
  readonly decorators: readonly Decorator[];
}

export interface Member {
  readonly node: SyntaxNode & { readonly start: number; readonly end: number };
  /** `undefined`: computed, or a static block. `#x` for private names. */
  readonly name: string | undefined;
  readonly static: boolean;
  readonly kind: 'constructor' | 'method' | 'accessor' | 'field' | 'static-block';
  readonly step: boolean;
  readonly parameter: boolean;
  /** The user's own. */
  readonly decorators: readonly Decorator[];
  readonly uses: readonly MemberUse[];
}

/** What a member does with `this`, `super` and its class. */
export type MemberUse =
  | {
      readonly kind: 'this' | 'super' | 'class';
      readonly name: string;
      readonly change: 'none' | 'assigned' | 'mutated';
      readonly offset: number;
    }
  /** `this` (or the class) as a value, or indexed dynamically: anything may be read. */
  | { readonly kind: 'this-escapes' | 'class-escapes'; readonly offset: number }
  /** `super(…)`. */
  | { readonly kind: 'super-call'; readonly offset: number };

export function classNode(item: Item): ClassShape['node'] | undefined {
  if (item.kind === 'class') return item.node as ClassShape['node'];
  const value = valueOf(item);
  return value?.type === 'ClassExpression' ? value : undefined;
}

export function classShape(item: Item, drivers: Drivers): ClassShape | undefined {
  const node = classNode(item);
  if (node === undefined) return undefined;
  const names = new Set([...item.declares, ...(!isPresent(node.id) ? [] : [node.id.name])]);
  const members = node.body.body.map((element) => member(item, element as Member['node'], names, drivers));
  const byName = new Map<string, Member[]>();
  for (const each of members) {
    if (each.name !== undefined) byName.set(each.name, [...(byName.get(each.name) ?? []), each]);
  }
  return {
    item,
    node,
    members,
    byName,
    decorators: decoratorsOf(node).filter(
      (decorator) => !drivers.isFrameworkDecorator(item.module, decorator),
    ),
  };
}

export const referencesWithin = (item: Item, node: Node): Reference[] => within(item.references, node);
export const factsWithin = (item: Item, node: Node): ItemFact[] => within(item.facts, node);

/** What lies inside a node, of a list that is sorted by offset. */
function within<T extends { readonly offset: number }>(sorted: readonly T[], node: Node): T[] {
  const start = startOf(node);
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.offset < start) low = middle + 1;
    else high = middle;
  }
  const found: T[] = [];
  for (let at = low; at < sorted.length && sorted[at]!.offset < node.end; at += 1) found.push(sorted[at]!);
  return found;
}

function member(item: Item, node: Member['node'], names: ReadonlySet<string>, drivers: Drivers): Member {
  const framework = decoratorsOf(node).map((decorator) => drivers.decoratorName(item.module, decorator));
  const frameworkDecorators = new Set(
    decoratorsOf(node).filter((_decorator, index) => framework[index] !== undefined),
  );
  const isStatic = 'static' in node && node.static === true;
  return {
    node,
    name: node.type === 'StaticBlock' ? undefined : keyName(node as never),
    static: isStatic || node.type === 'StaticBlock',
    kind: kindOf(node),
    step: framework.includes('Step'),
    parameter: framework.includes('Parameter'),
    decorators: decoratorsOf(node).filter((decorator) => !frameworkDecorators.has(decorator)),
    uses: usesIn(node, isStatic, names, frameworkDecorators),
  };
}

function kindOf(node: SyntaxNode): Member['kind'] {
  if (node.type === 'StaticBlock') return 'static-block';
  if (node.type !== 'MethodDefinition') return 'field';
  if (node.kind === 'constructor') return 'constructor';
  return node.kind === 'method' ? 'method' : 'accessor';
}

function usesIn(
  element: SyntaxNode,
  isStatic: boolean,
  names: ReadonlySet<string>,
  skipped: ReadonlySet<Decorator>,
): MemberUse[] {
  const uses: MemberUse[] = [];
  const self = isStatic || element.type === 'StaticBlock' ? ('class' as const) : ('this' as const);
  const escapes = (kind: 'this' | 'class', offset: number): void => {
    uses.push({ kind: `${kind}-escapes`, offset });
  };
  const parents = new Map<SyntaxNode, SyntaxNode>();
  // A function with a `this` of its own hides ours, a nested class too; the class's name stays visible.
  const visit = (node: SyntaxNode, parent: SyntaxNode | undefined, hidden: boolean): void => {
    if (parent !== undefined) parents.set(node, parent);
    if (node.type === 'Decorator' && skipped.has(node)) return;
    if (node.type === 'ThisExpression' && !hidden) use(node, self, parent);
    else if (node.type === 'Super' && !hidden) superUse(node, parent);
    else if (
      node.type === 'PrivateIdentifier' &&
      parent?.type === 'MemberExpression' &&
      parent.object.type !== 'ThisExpression'
    ) {
      uses.push({ kind: self, name: `#${node.name}`, change: 'none', offset: node.start });
    } else if (node.type === 'Identifier' && names.has(node.name) && !isPropertyName(node, parent)) {
      use(node, 'class', parent);
    }
    const hides =
      (bindsThis(node) && !(parent === element && element.type === 'MethodDefinition')) ||
      (isClassNode(node) && node !== element);
    walkChildren(node, (child) => visit(child, node, hidden || hides));
  };
  const use = (node: SyntaxNode, kind: 'this' | 'class', parent: SyntaxNode | undefined): void => {
    if (parent?.type === 'MemberExpression' && parent.object === node) {
      const name = memberName(parent);
      if (name === undefined) return escapes(kind, node.start);
      if (kind === 'this' && name === 'constructor') return escapes('class', node.start);
      if (kind === 'class' && name === 'prototype') return escapes('class', node.start);
      uses.push({ kind, name, change: changeOf(parent, parents), offset: node.start });
      return;
    }
    if (parent?.type === 'VariableDeclarator' && parent.init === node && parent.id.type === 'ObjectPattern') {
      const keys = parent.id.properties.map((property) =>
        property.type === 'Property' ? keyName(property) : undefined,
      );
      if (keys.every((key) => key !== undefined)) {
        for (const name of keys) uses.push({ kind, name, change: 'none', offset: node.start });
        return;
      }
    }
    escapes(kind, node.start);
  };
  const superUse = (node: SyntaxNode, parent: SyntaxNode | undefined): void => {
    if (parent?.type === 'CallExpression') uses.push({ kind: 'super-call', offset: node.start });
    const name = parent === undefined ? undefined : memberName(parent);
    if (name !== undefined) uses.push({ kind: 'super', name, change: 'none', offset: node.start });
    else if (parent?.type === 'MemberExpression') escapes('this', node.start);
  };
  visit(element, undefined, false);
  return uses;
}

function walkChildren(node: SyntaxNode, visit: (child: SyntaxNode) => void): void {
  walk(node, (child) => {
    if (child === node) return true;
    visit(child);
    return false;
  });
}

function isPropertyName(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent?.type === 'MemberExpression') return parent.property === node && !parent.computed;
  if (parent?.type === 'Property') return parent.key === node && !parent.computed && !parent.shorthand;
  if (parent?.type === 'MethodDefinition' || parent?.type === 'PropertyDefinition') {
    return parent.key === node && !parent.computed;
  }
  return parent !== undefined && isClassNode(parent) && (parent as { id?: unknown }).id === node;
}

/** Is `this.x` (the member expression) assigned, or something inside its value changed? */
function changeOf(
  access: SyntaxNode,
  parents: ReadonlyMap<SyntaxNode, SyntaxNode>,
): 'none' | 'assigned' | 'mutated' {
  let at = access;
  let parent = parents.get(at);
  let depth = 0;
  while (parent?.type === 'MemberExpression' && parent.object === at) {
    at = parent;
    parent = parents.get(at);
    depth += 1;
  }
  const changed = depth === 0 ? ('assigned' as const) : ('mutated' as const);
  switch (parent?.type) {
    case 'AssignmentExpression':
      return parent.left === at ? changed : 'none';
    case 'UpdateExpression':
      return changed;
    case 'UnaryExpression':
      return parent.operator === 'delete' ? changed : 'none';
    case 'ArrayPattern':
    case 'RestElement':
      return changed;
    case 'AssignmentPattern':
      return parent.left === at ? changed : 'none';
    case 'Property':
      return parents.get(parent)?.type === 'ObjectPattern' ? changed : 'none';
    case 'ForOfStatement':
    case 'ForInStatement':
      return parent.left === at ? changed : 'none';
    case 'CallExpression':
      return parent.callee === at && depth > 0 && CHANGING.has(memberName(at) ?? '') ? 'mutated' : 'none';
    default:
      return 'none';
  }
}

const CHANGING = new Set([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'reverse',
  'fill',
  'set',
  'add',
  'delete',
  'clear',
]);

export const isAccessor = (node: SyntaxNode): boolean => (node as Decorated).accessor === true;
