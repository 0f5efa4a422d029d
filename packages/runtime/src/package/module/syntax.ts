import type { AnyNode, Expression, Node, Pattern } from 'acorn';

/** `@expression`, on a class or a class element. acorn's own types have none. */
export interface Decorator extends Node {
  readonly type: 'Decorator';
  readonly expression: Expression;
}

/** What the parser adds to classes and class elements. */
export interface Decorated {
  readonly decorators?: readonly Decorator[];
  /** `accessor name = …`. */
  readonly accessor?: boolean;
}

export type SyntaxNode = AnyNode | Decorator;

export const decoratorsOf = (node: Node): readonly Decorator[] => (node as Decorated).decorators ?? [];

/** Where a node begins with its decorators. */
export function startOf(node: Node): number {
  const first = decoratorsOf(node)[0];
  return first === undefined ? node.start : Math.min(node.start, first.start);
}

/** acorn says null where something is left out, its types undefined as well. */
export const isPresent = <T>(value: T | null | undefined): value is T =>
  value !== null && value !== undefined;

export type FunctionNode = Extract<
  SyntaxNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>;
export type ClassNode = Extract<SyntaxNode, { type: 'ClassDeclaration' | 'ClassExpression' }>;

export function isFunctionNode(node: Node): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}

/** Functions with a `this` of their own. */
export const bindsThis = (node: Node): boolean =>
  isFunctionNode(node) && node.type !== 'ArrowFunctionExpression';

export const isClassNode = (node: Node): node is ClassNode =>
  node.type === 'ClassDeclaration' || node.type === 'ClassExpression';

function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

export function children(node: Node): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) found.push(item);
    } else if (isNode(value)) found.push(value);
  }
  return found;
}

/** Visits in source order; `false` leaves out what is below. */
export function walk(
  node: Node,
  visit: (node: SyntaxNode, parent: SyntaxNode | undefined) => boolean | void,
  parent?: SyntaxNode,
): void {
  if (visit(node as SyntaxNode, parent) === false) return;
  for (const child of children(node)) walk(child, visit, node as SyntaxNode);
}

/** Names that a binding pattern declares. */
export function patternNames(pattern: Pattern | null | undefined, names: string[] = []): string[] {
  switch (pattern?.type) {
    case 'Identifier':
      names.push(pattern.name);
      break;
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        patternNames(property.type === 'RestElement' ? property.argument : property.value, names);
      }
      break;
    case 'ArrayPattern':
      for (const element of pattern.elements) patternNames(element, names);
      break;
    case 'AssignmentPattern':
      patternNames(pattern.left, names);
      break;
    case 'RestElement':
      patternNames(pattern.argument, names);
      break;
  }
  return names;
}

/** The name of a non-computed key: `x`, `'x'`, `#x`. */
export function keyName(node: { readonly computed?: boolean; readonly key: Node }): string | undefined {
  const key = node.key as SyntaxNode;
  if (key.type === 'PrivateIdentifier') return `#${key.name}`;
  if (node.computed === true) return undefined;
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}

/** `a.b` and `a['b']`: the name. */
export function memberName(node: SyntaxNode): string | undefined {
  if (node.type !== 'MemberExpression') return undefined;
  const { property } = node;
  if (property.type === 'PrivateIdentifier') return `#${property.name}`;
  if (!node.computed) return property.type === 'Identifier' ? property.name : undefined;
  return property.type === 'Literal' && typeof property.value === 'string' ? property.value : undefined;
}

/** The string of a literal or of a template without expressions. */
export function literalString(node: Node | null | undefined): string | undefined {
  const syntax = node as SyntaxNode | null | undefined;
  if (syntax?.type === 'Literal' && typeof syntax.value === 'string') return syntax.value;
  if (syntax?.type === 'TemplateLiteral' && syntax.expressions.length === 0) {
    return syntax.quasis[0]?.value.cooked ?? undefined;
  }
  return undefined;
}
