import type { Module } from './module.js';
import { isPresent, keyName, literalString, memberName, type SyntaxNode } from './syntax.js';

/** What an expression stands for: the global object, `process` (or its module), `process.env`. */
export type EnvironmentHolder = 'global' | 'process' | 'env';

/** `name` undefined: which variable is read cannot be told. */
export interface EnvironmentRead {
  readonly offset: number;
  readonly name: string | undefined;
}

type Pattern = Extract<SyntaxNode, { type: 'ObjectPattern' }>;

export const isProcessModule = (specifier: string | undefined): boolean =>
  specifier === 'process' || specifier === 'node:process';

/**
 * What of the environment is read by way of the expression `node`. A `process` or an `env` that gets out of
 * sight (as an argument, under another name) may be asked for any variable. The global object gets about too
 * often for that, and only what is written in one expression with it is seen.
 */
export function environmentReads(
  holder: EnvironmentHolder,
  node: SyntaxNode,
  parentOf: (node: SyntaxNode) => SyntaxNode | undefined,
): readonly EnvironmentRead[] {
  const parent = parentOf(node);
  if (parent === undefined) return [];
  const passedOn = (): readonly EnvironmentRead[] => environmentReads(holder, parent, parentOf);
  switch (parent.type) {
    case 'MemberExpression':
      if (parent.object !== node) break;
      return ofMember(holder, parent, parentOf);
    case 'ChainExpression':
      return passedOn();
    case 'VariableDeclarator':
      return ofTarget(holder, parent.id as SyntaxNode);
    case 'AssignmentExpression':
      if (parent.right !== node) return [];
      return [
        ...ofTarget(holder, parent.left as SyntaxNode),
        ...(parentOf(parent)?.type === 'ExpressionStatement' ? [] : passedOn()),
      ];
    case 'AssignmentPattern':
      return ofTarget(holder, parent.left as SyntaxNode);
    case 'LogicalExpression':
      return parent.operator === '&&' && parent.left === node ? [] : passedOn();
    case 'ConditionalExpression':
      return parent.test === node ? [] : passedOn();
    case 'BinaryExpression':
      if (parent.operator !== 'in' || parent.right !== node || holder !== 'env') return [];
      return [{ offset: node.start, name: literalString(parent.left) }];
    case 'UnaryExpression':
    case 'IfStatement':
    case 'ExpressionStatement':
      return [];
  }
  return outOfSight(holder, node);
}

const outOfSight = (holder: EnvironmentHolder, { start }: SyntaxNode): readonly EnvironmentRead[] =>
  holder === 'global' ? [] : [{ offset: start, name: undefined }];

/** What a member of a holder is; undefined: nothing that leads to the environment. */
function heldBy(holder: 'global' | 'process', name: string): EnvironmentHolder | undefined {
  if (holder === 'process') return name === 'env' ? 'env' : name === 'default' ? 'process' : undefined;
  return name === 'process' ? 'process' : /^global(?:This)?$/.test(name) ? 'global' : undefined;
}

function ofMember(
  holder: EnvironmentHolder,
  member: SyntaxNode,
  parentOf: (node: SyntaxNode) => SyntaxNode | undefined,
): readonly EnvironmentRead[] {
  const name = memberName(member);
  if (holder === 'env') return [{ offset: member.start, name }];
  if (name === undefined) return outOfSight(holder, member);
  const held = heldBy(holder, name);
  return held === undefined ? [] : environmentReads(held, member, parentOf);
}

/** What a holder is assigned to: a name, or a pattern that takes it apart. */
function ofTarget(holder: EnvironmentHolder, target: SyntaxNode): readonly EnvironmentRead[] {
  return target.type === 'ObjectPattern' ? ofPattern(holder, target) : outOfSight(holder, target);
}

/** `const { A, B = 'x' } = process.env`, `const { env: { A } } = process`. */
function ofPattern(holder: EnvironmentHolder, pattern: Pattern): readonly EnvironmentRead[] {
  return pattern.properties.flatMap((property) => {
    const name = property.type === 'Property' ? keyName(property) : undefined;
    if (property.type !== 'Property' || name === undefined) return outOfSight(holder, property);
    if (holder === 'env') return [{ offset: property.start, name }];
    const held = heldBy(holder, name);
    if (held === undefined) return [];
    const value = property.value as SyntaxNode;
    const target = value.type === 'AssignmentPattern' && isPresent(value.left) ? value.left : value;
    return ofTarget(held, target as SyntaxNode);
  });
}

/**
 * Where a module passes `process` or its `env` on to others, which then read it under a name that does not
 * tell; undefined: nowhere.
 */
export function passesEnvironmentOn(module: Module): number | undefined {
  for (const exported of module.exports.values()) {
    if (exported.kind === 'from' && isProcessModule(exported.specifier)) return exported.offset;
    if (exported.kind !== 'local') continue;
    const [item] = module.bindings.get(exported.name) ?? [];
    if (isProcessModule(item?.importing?.specifier)) return item!.start;
  }
  return module.starExports.some(isProcessModule) ? 0 : undefined;
}
