import type { Expression, Program } from 'acorn';
import type MagicString from 'magic-string';
import { isPresent, keyName, walk, type ClassNode, type SyntaxNode } from '../module/syntax.js';

/**
 * `let P = class P {…}; __decorate([a, b], P.prototype, "m", null); P = __decorate([c], P);` becomes
 * `@(c) class P { @(a) @(b) m() {…} }`. Tells whether it found any.
 */
export function raiseLegacyDecorators(program: Program, text: string, edit: MagicString): boolean {
  const classes = new Map<string, { readonly node: ClassNode; readonly statement: SyntaxNode }>();
  for (const statement of program.body) {
    for (const [name, node] of declaredClass(statement)) classes.set(name, { node, statement });
  }
  const raised = new Map<string, Set<string>>();
  for (const statement of program.body) {
    if (statement.type !== 'ExpressionStatement') continue;
    const decorated = decoration(statement.expression as SyntaxNode);
    const owner = decorated === undefined ? undefined : classes.get(decorated.className);
    if (decorated === undefined || owner === undefined) continue;
    const target = decorated.member === undefined ? owner.node : memberOf(owner.node, decorated);
    if (target === undefined) continue;
    const texts = decorated.decorators.map((each) => `@(${text.slice(each.start, each.end)}) `);
    edit.appendLeft(target.start, texts.join(''));
    edit.remove(statement.start, statement.end);
    const aliases = raised.get(decorated.className) ?? new Set<string>();
    for (const alias of decorated.aliases) aliases.add(alias);
    raised.set(decorated.className, aliases);
  }
  for (const [name, aliases] of raised) declare({ ...classes.get(name)!, name, aliases, edit });
  return raised.size > 0;
}

/** `let P = class P {…}`, `let P = P_1 = class P {…}`, `class P {…}`. */
function declaredClass(statement: SyntaxNode): [string, ClassNode][] {
  if (statement.type === 'ClassDeclaration') return [[statement.id?.name ?? '', statement]];
  if (statement.type === 'ExportNamedDeclaration') {
    return isPresent(statement.declaration) ? declaredClass(statement.declaration as SyntaxNode) : [];
  }
  if (statement.type !== 'VariableDeclaration' || statement.declarations.length !== 1) return [];
  const [declarator] = statement.declarations;
  if (declarator?.id.type !== 'Identifier') return [];
  let init = declarator.init as SyntaxNode | null | undefined;
  while (init?.type === 'AssignmentExpression') init = init.right as SyntaxNode;
  return init?.type === 'ClassExpression' ? [[declarator.id.name, init]] : [];
}

interface Decoration {
  readonly className: string;
  readonly member: string | undefined;
  readonly isStatic: boolean;
  readonly decorators: readonly SyntaxNode[];
  /** `P = P_1 = __decorate(…)`: what else the class is called inside itself. */
  readonly aliases: readonly string[];
}

const DECORATE = /^(?:__decorate(?:Class)?|_ts_decorate)$/;
const METADATA = /^(?:__metadata|_ts_metadata)$/;

function decoration(expression: SyntaxNode): Decoration | undefined {
  if (expression.type === 'AssignmentExpression') {
    const inner = decoration(expression.right as SyntaxNode);
    const name = expression.left.type === 'Identifier' ? expression.left.name : undefined;
    if (inner === undefined || name === undefined || name === inner.className) return inner;
    return { ...inner, aliases: [...inner.aliases, name] };
  }
  if (expression.type !== 'CallExpression' || !DECORATE.test(nameOf(expression.callee as SyntaxNode) ?? '')) {
    return undefined;
  }
  const [list, target, key] = expression.arguments as (Expression | undefined)[];
  if (list?.type !== 'ArrayExpression' || target === undefined) return undefined;
  const decorators = (list.elements as readonly SyntaxNode[]).filter(
    (each) => !(each.type === 'CallExpression' && METADATA.test(nameOf(each.callee as SyntaxNode) ?? '')),
  );
  const member = key?.type === 'Literal' ? String(key.value) : undefined;
  if (target.type === 'Identifier') {
    return { className: target.name, member, isStatic: true, decorators, aliases: [] };
  }
  if (target.type !== 'MemberExpression' || target.object.type !== 'Identifier') return undefined;
  return { className: target.object.name, member, isStatic: false, decorators, aliases: [] };
}

/** `f`, and `tslib_1.f` as `(0, tslib_1.f)`. */
function nameOf(callee: SyntaxNode): string | undefined {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'SequenceExpression') return nameOf(callee.expressions.at(-1) as SyntaxNode);
  return callee.type === 'MemberExpression' && callee.property.type === 'Identifier'
    ? callee.property.name
    : undefined;
}

function memberOf(node: ClassNode, decorated: Decoration): SyntaxNode | undefined {
  return node.body.body.find(
    (element) =>
      element.type !== 'StaticBlock' &&
      element.static === decorated.isStatic &&
      keyName(element as never) === decorated.member,
  ) as SyntaxNode | undefined;
}

/** A decorated class expression becomes a declaration; its inner aliases become its name. */
function declare(options: {
  readonly node: ClassNode;
  readonly statement: SyntaxNode;
  readonly name: string;
  readonly aliases: ReadonlySet<string>;
  readonly edit: MagicString;
}): void {
  const { node, statement, name, edit } = options;
  const aliases = new Set(options.aliases);
  if (statement.type === 'VariableDeclaration') {
    const init = statement.declarations[0]?.init as SyntaxNode | null | undefined;
    if (init?.type === 'AssignmentExpression' && init.left.type === 'Identifier') aliases.add(init.left.name);
    edit.remove(statement.start, node.start);
    if (!isPresent(node.id)) edit.appendLeft(node.start + 'class'.length, ` ${name}`);
  }
  if (aliases.size === 0) return;
  for (const element of node.body.body as SyntaxNode[]) {
    // `static { P_1 = this; }`
    const only = element.type === 'StaticBlock' && element.body.length === 1 ? element.body[0] : undefined;
    const assigned = only?.type === 'ExpressionStatement' ? only.expression : undefined;
    if (
      assigned?.type === 'AssignmentExpression' &&
      assigned.left.type === 'Identifier' &&
      aliases.has(assigned.left.name)
    ) {
      edit.remove(element.start, element.end);
      continue;
    }
    walk(element, (each) => {
      if (each.type === 'Identifier' && aliases.has(each.name)) edit.overwrite(each.start, each.end, name);
    });
  }
}
