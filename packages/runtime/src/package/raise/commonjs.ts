import type { Program } from 'acorn';
import type MagicString from 'magic-string';
import { keyName, literalString, memberName, walk, type SyntaxNode } from '../module/syntax.js';

/**
 * CommonJS as tsc writes it becomes an ES module again: `require` at the top level becomes `import`,
 * `exports.x` a variable that is exported. Only files that say `__esModule` are touched.
 */
export function raiseCommonJs(options: {
  readonly program: Program;
  readonly edit: MagicString;
  readonly isCommonJsPackage: (specifier: string) => boolean;
}): void {
  const { program, edit } = options;
  if (!program.body.some((statement) => isModuleMark(statement))) return;
  const exported = new Map<string, string>();
  const declared = new Set<string>();
  const taken = new Set<SyntaxNode>();
  for (const statement of program.body) {
    if (isModuleMark(statement)) {
      edit.remove(statement.start, statement.end);
      continue;
    }
    if (statement.type === 'VariableDeclaration') {
      requires(statement, options);
      continue;
    }
    if (statement.type !== 'ExpressionStatement') continue;
    const expression = statement.expression as SyntaxNode;
    const star = starExport(expression);
    if (star !== undefined)
      edit.overwrite(statement.start, statement.end, `export * from ${JSON.stringify(star)};`);
    const getter = reExport(expression);
    if (getter !== undefined) {
      edit.remove(statement.start, statement.end);
      const [object, member] = getter.value.split('.');
      if (member === undefined) exported.set(getter.name, getter.value);
      else {
        edit.appendLeft(statement.start, `const ${variable(getter.name)} = ${object}.${member};`);
        exported.set(getter.name, variable(getter.name));
      }
    }
    const bare = literalString((expression as { readonly arguments?: readonly SyntaxNode[] }).arguments?.[0]);
    if (expression.type === 'CallExpression' && isRequire(expression) && bare !== undefined) {
      edit.overwrite(statement.start, statement.end, `import ${JSON.stringify(bare)};`);
    }
    assignment({ statement, expression, exported, declared, taken, edit });
  }
  walk(program, (node) => {
    if (node.type !== 'MemberExpression' || taken.has(node)) return;
    const name = exportsMember(node);
    if (name !== undefined) edit.overwrite(node.start, node.end, exported.get(name) ?? variable(name));
  });
  const names = [...exported].map(([name, local]) => (name === local ? name : `${local} as ${name}`));
  edit.append(`\nexport { ${names.join(', ')} };\n`);
}

const variable = (name: string): string => (name === 'default' ? '__exports_default' : `__exports_${name}`);

/** `exports.x = value`, and the chain `exports.a = exports.b = void 0` that only announces names. */
function assignment(options: {
  readonly statement: SyntaxNode;
  readonly expression: SyntaxNode;
  readonly exported: Map<string, string>;
  readonly declared: Set<string>;
  readonly taken: Set<SyntaxNode>;
  readonly edit: MagicString;
}): void {
  const { statement, expression, exported, declared, taken, edit } = options;
  const targets: SyntaxNode[] = [];
  let value = expression;
  while (value.type === 'AssignmentExpression' && exportsMember(value.left as SyntaxNode) !== undefined) {
    targets.push(value.left as SyntaxNode);
    value = value.right as SyntaxNode;
  }
  if (targets.length === 0) return;
  for (const target of targets) taken.add(target);
  if (value.type === 'UnaryExpression' && value.operator === 'void') {
    edit.remove(statement.start, statement.end);
    return;
  }
  const name = exportsMember(targets[0]!)!;
  if (value.type === 'Identifier') {
    exported.set(name, value.name);
    edit.remove(statement.start, statement.end);
    return;
  }
  if (value.type === 'AssignmentExpression') {
    // `exports.P = P = __decorate(…)`: what remains of it assigns the local class.
    if (value.left.type === 'Identifier') exported.set(name, value.left.name);
    edit.remove(statement.start, value.start);
    return;
  }
  const local = variable(name);
  exported.set(name, local);
  edit.overwrite(statement.start, targets[0]!.end, declared.has(local) ? local : `let ${local}`);
  declared.add(local);
}

/** `const x_1 = require('x')` and its interop wrappers. */
function requires(
  statement: Extract<SyntaxNode, { type: 'VariableDeclaration' }>,
  options: { readonly edit: MagicString; readonly isCommonJsPackage: (specifier: string) => boolean },
): void {
  const [declarator] = statement.declarations;
  if (statement.declarations.length !== 1 || declarator?.id.type !== 'Identifier') return;
  let init = declarator.init as SyntaxNode | null | undefined;
  let isWrapped = false;
  if (init?.type === 'CallExpression' && /^__import(?:Default|Star)$/.test(calleeName(init))) {
    isWrapped = calleeName(init) === '__importDefault';
    init = init.arguments[0] as SyntaxNode | undefined;
  }
  const specifier =
    init?.type === 'CallExpression' && isRequire(init) ? literalString(init.arguments[0]) : undefined;
  if (specifier === undefined) return;
  const { name } = declarator.id;
  const binding = !isWrapped && options.isCommonJsPackage(specifier) ? name : `* as ${name}`;
  options.edit.overwrite(
    statement.start,
    statement.end,
    `import ${binding} from ${JSON.stringify(specifier)};`,
  );
}

const calleeName = (node: SyntaxNode): string =>
  node.type === 'CallExpression' && node.callee.type === 'Identifier' ? node.callee.name : '';

const isRequire = (node: SyntaxNode): boolean => calleeName(node) === 'require';

function exportsMember(node: SyntaxNode): string | undefined {
  const isExports =
    node.type === 'MemberExpression' && node.object.type === 'Identifier' && node.object.name === 'exports';
  return isExports ? memberName(node) : undefined;
}

/** `Object.defineProperty(exports, "__esModule", { value: true })`. */
function isModuleMark(statement: SyntaxNode): boolean {
  const call = statement.type === 'ExpressionStatement' ? (statement.expression as SyntaxNode) : undefined;
  return call?.type === 'CallExpression' && literalString(call.arguments[1]) === '__esModule';
}

/** `__exportStar(require("./x"), exports)`. */
function starExport(expression: SyntaxNode): string | undefined {
  if (expression.type !== 'CallExpression' || !/^__exportStar$/.test(calleeName(expression)))
    return undefined;
  const [required] = expression.arguments as SyntaxNode[];
  return required?.type === 'CallExpression' && isRequire(required)
    ? literalString(required.arguments[0])
    : undefined;
}

/** `Object.defineProperty(exports, "x", { enumerable: true, get: function () { return x_1.y; } })`. */
function reExport(expression: SyntaxNode): { readonly name: string; readonly value: string } | undefined {
  if (
    expression.type !== 'CallExpression' ||
    memberName(expression.callee as SyntaxNode) !== 'defineProperty'
  )
    return undefined;
  const [target, key, descriptor] = expression.arguments as SyntaxNode[];
  const name = literalString(key);
  if (target?.type !== 'Identifier' || target.name !== 'exports' || name === undefined) return undefined;
  if (descriptor?.type !== 'ObjectExpression') return undefined;
  const get = descriptor.properties.find(
    (property) => property.type === 'Property' && keyName(property) === 'get',
  );
  const body =
    get?.type === 'Property' && get.value.type === 'FunctionExpression' ? get.value.body.body[0] : undefined;
  const value = body?.type === 'ReturnStatement' ? (body.argument as SyntaxNode | null) : undefined;
  if (value?.type === 'Identifier') return { name, value: value.name };
  const member = value?.type === 'MemberExpression' ? memberName(value) : undefined;
  return value?.type === 'MemberExpression' && value.object.type === 'Identifier' && member !== undefined
    ? { name, value: `${value.object.name}.${member}` }
    : undefined;
}
