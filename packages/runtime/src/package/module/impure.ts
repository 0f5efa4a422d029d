import { memberName, type SyntaxNode } from './syntax.js';

/** Members of well-known objects whose result differs from one evaluation to the next. */
const MEMBERS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Math', new Set(['random'])],
  ['Date', new Set(['now'])],
  ['performance', new Set(['now'])],
  ['process', new Set(['hrtime', 'uptime'])],
  ['crypto', new Set(['randomUUID', 'getRandomValues', 'randomBytes', 'randomInt'])],
]);

const FROM_CRYPTO = new Set(['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues']);
/** Packages whose every call makes a new identifier. */
const ID_PACKAGES = new Set(['uuid', 'nanoid', 'ulid', 'cuid', '@paralleldrive/cuid2', 'ksuid']);

/**
 * `randomUUID()`, `Math.random()`, `new Date()` …: the text to show, else undefined. `specifierOf`
 * tells from where a name is imported.
 */
export function impureCall(
  node: SyntaxNode,
  specifierOf: (name: string) => string | undefined,
): string | undefined {
  if (node.type === 'NewExpression') {
    const isNow =
      node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0;
    return isNow ? 'new Date()' : undefined;
  }
  if (node.type !== 'CallExpression') return undefined;
  const callee = node.callee as SyntaxNode;
  if (callee.type === 'Identifier') {
    const specifier = specifierOf(callee.name);
    if (specifier === undefined) return callee.name === 'Date' ? 'Date()' : undefined;
    const isImpure =
      (/^(?:node:)?crypto$/.test(specifier) && FROM_CRYPTO.has(callee.name)) ||
      ID_PACKAGES.has(specifier.split('/')[0] ?? '');
    return isImpure ? `${callee.name}()` : undefined;
  }
  const member = memberName(callee);
  if (callee.type !== 'MemberExpression' || member === undefined) return undefined;
  const object = callee.object as SyntaxNode;
  const name = object.type === 'Identifier' ? object.name : memberName(object);
  return name !== undefined && MEMBERS.get(name)?.has(member) === true ? `${name}.${member}()` : undefined;
}
