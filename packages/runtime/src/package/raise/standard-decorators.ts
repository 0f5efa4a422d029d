import type { Program } from 'acorn';
import type MagicString from 'magic-string';
import {
  isClassNode,
  isPresent,
  keyName,
  literalString,
  walk,
  type ClassNode,
  type SyntaxNode,
} from '../module/syntax.js';

/**
 * tsc puts a class with standard decorators into a function that is called at once; the decorators are
 * lists in variables, applied by `__esDecorate` in a static block. The class is taken out of it again.
 * Tells whether it found any.
 */
export function raiseStandardDecorators(program: Program, text: string, edit: MagicString): boolean {
  let found = false;
  for (const statement of program.body) {
    const declaration = (statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement) as
      SyntaxNode | null | undefined;
    if (declaration?.type !== 'VariableDeclaration' || declaration.declarations.length !== 1) continue;
    const [declarator] = declaration.declarations;
    const wrapper = wrapperOf(declarator?.init as SyntaxNode | null | undefined);
    if (wrapper === undefined || declarator?.id.type !== 'Identifier') continue;
    raiseClass({ name: declarator.id.name, declaration, wrapper, text, edit });
    found = true;
  }
  return found;
}

/** The body of `(() => { … __esDecorate(…) … return P = _classThis; })()`. */
function wrapperOf(init: SyntaxNode | null | undefined): SyntaxNode | undefined {
  if (init?.type !== 'CallExpression' || init.arguments.length > 0) return undefined;
  const callee = init.callee as SyntaxNode;
  if (callee.type !== 'ArrowFunctionExpression' || callee.body.type !== 'BlockStatement') return undefined;
  let isDecorated = false;
  walk(callee.body, (node) => {
    if (isCall(node, '__esDecorate')) isDecorated = true;
    return !isDecorated;
  });
  return isDecorated ? (callee.body as SyntaxNode) : undefined;
}

function raiseClass(options: {
  readonly name: string;
  readonly declaration: SyntaxNode;
  readonly wrapper: SyntaxNode;
  readonly text: string;
  readonly edit: MagicString;
}): void {
  const { name, declaration, wrapper, text, edit } = options;
  const lists = new Map<string, readonly SyntaxNode[]>();
  const values = new Map<string, SyntaxNode>();
  const applied: {
    readonly list: string;
    readonly kind: string;
    readonly member: string;
    readonly isStatic: boolean;
  }[] = [];
  let node: ClassNode | undefined;
  const selves = new Set(['_classThis']);
  walk(wrapper, (each, parent) => {
    if (node === undefined && isClassNode(each)) {
      node = each;
      // `return _a = class P {…}, …`: the class calls itself `_a`.
      if (parent?.type === 'AssignmentExpression' && parent.left.type === 'Identifier')
        selves.add(parent.left.name);
    }
    const [target, value] = assigned(each);
    if (target !== undefined && value?.type === 'ArrayExpression')
      lists.set(target, value.elements as SyntaxNode[]);
    if (target !== undefined && value !== undefined) values.set(target, value);
    const application =
      each.type === 'CallExpression' && isCall(each, '__esDecorate') ? decorates(each) : undefined;
    if (application !== undefined) applied.push(application);
  });
  if (node === undefined) return;
  const decoratorsOf = (list: string): string =>
    (lists.get(list) ?? []).map((each) => `@(${text.slice(each.start, each.end)}) `).join('');
  const before = applied.filter((each) => each.kind === 'class').map((each) => decoratorsOf(each.list));
  edit.overwrite(declaration.start, node.start, before.join(''));
  edit.remove(node.end, declaration.end);
  if (!isPresent(node.id)) edit.appendLeft(node.start + 'class'.length, ` ${name}`);
  const base = node.superClass;
  if (base?.type === 'Identifier' && base.name === '_classSuper') {
    const value = values.get('_classSuper');
    if (value !== undefined) edit.overwrite(base.start, base.end, text.slice(value.start, value.end));
  }
  for (const element of node.body.body as SyntaxNode[]) {
    if (element.type === 'StaticBlock') {
      if (isOwnBlock(element)) edit.remove(element.start, element.end);
      continue;
    }
    const own = applied.find(
      (each) =>
        each.kind !== 'class' &&
        each.member === keyName(element as never) &&
        'static' in element &&
        each.isStatic === element.static,
    );
    if (own !== undefined) edit.appendLeft(element.start, decoratorsOf(own.list));
    walk(element, (each, parent) => {
      if (each.type === 'ExpressionStatement' && isCall(each.expression as SyntaxNode, '__runInitializers')) {
        edit.remove(each.start, each.end);
        return false;
      }
      if (isInitialiser(each) && !(parent !== undefined && isInitialiser(parent))) unwrap(each, edit);
      if (each.type === 'Identifier' && selves.has(each.name)) edit.overwrite(each.start, each.end, name);
      return true;
    });
  }
}

function assigned(node: SyntaxNode): [string | undefined, SyntaxNode | undefined] {
  if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') {
    return [node.id.name, (node.init ?? undefined) as SyntaxNode | undefined];
  }
  if (node.type === 'AssignmentExpression' && node.left.type === 'Identifier') {
    return [node.left.name, node.right as SyntaxNode];
  }
  return [undefined, undefined];
}

/** `__esDecorate(this, null, _m_decorators, { kind: "method", name: "m", static: false, … }, …)`. */
function decorates(
  call: Extract<SyntaxNode, { type: 'CallExpression' }>,
): { list: string; kind: string; member: string; isStatic: boolean } | undefined {
  const [, , list, context] = call.arguments;
  if (list?.type !== 'Identifier' || context?.type !== 'ObjectExpression') return undefined;
  const value = (name: string): SyntaxNode | undefined => {
    const found = context.properties.find(
      (property) => property.type === 'Property' && keyName(property) === name,
    );
    return found?.type === 'Property' ? (found.value as SyntaxNode) : undefined;
  };
  const isStatic = value('static');
  return {
    list: list.name,
    kind: literalString(value('kind')) ?? '',
    member: literalString(value('name')) ?? '',
    isStatic: isStatic?.type === 'Literal' && isStatic.value === true,
  };
}

/** A static block that tsc added. */
function isOwnBlock(block: SyntaxNode): boolean {
  let isOwn = false;
  walk(block, (node) => {
    if (isCall(node, '__esDecorate') || isCall(node, '__runInitializers')) isOwn = true;
    if (
      node.type === 'AssignmentExpression' &&
      node.left.type === 'Identifier' &&
      node.left.name === '_classThis'
    )
      isOwn = true;
    return !isOwn;
  });
  return isOwn;
}

const isCall = (node: SyntaxNode, name: string): boolean =>
  node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === name;

/** `__runInitializers(…)`, and `(__runInitializers(this, _extra), value)`. */
function isInitialiser(node: SyntaxNode): boolean {
  return (
    isCall(node, '__runInitializers') ||
    (node.type === 'SequenceExpression' && isCall(node.expressions[0] as SyntaxNode, '__runInitializers'))
  );
}

/** Leaves only the value that the user wrote. */
function unwrap(node: SyntaxNode, edit: MagicString): void {
  let inner: SyntaxNode | undefined = node;
  while (inner !== undefined && isInitialiser(inner)) {
    inner =
      inner.type === 'SequenceExpression'
        ? (inner.expressions.at(-1) as SyntaxNode)
        : inner.type === 'CallExpression'
          ? (inner.arguments[2] as SyntaxNode | undefined)
          : undefined;
  }
  if (inner === undefined) {
    edit.overwrite(node.start, node.end, 'undefined');
    return;
  }
  edit.remove(node.start, inner.start);
  edit.remove(inner.end, node.end);
}
