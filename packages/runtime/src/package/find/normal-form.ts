import type { Node } from 'acorn';
import { parseModule } from '../module/parser.js';
import { isFunctionNode, type SyntaxNode } from '../module/syntax.js';

/**
 * A function's syntax without positions, so that what `Function.prototype.toString()` gives for the
 * executed function can be found again in the source. `loose` also forgets the names of variables:
 * bundling may have renamed them.
 */
export function normalForm(node: Node, mode: 'exact' | 'loose'): string {
  return JSON.stringify(simplify(node, mode, true));
}

type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

const LEFT_OUT = new Set([
  'start',
  'end',
  'range',
  'loc',
  'raw',
  'optional',
  'directive',
  'expression',
  'decorators',
]);

function simplify(value: unknown, mode: 'exact' | 'loose', top: boolean): Plain {
  if (Array.isArray(value)) return value.map((item) => simplify(item, mode, false));
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof RegExp) return String(value);
  if (typeof value !== 'object' || value === null) return (value ?? null) as Plain;
  const node = value as Record<string, unknown>;
  // `keepNames` of a bundler.
  if (node['type'] === 'CallExpression' && (node['callee'] as { name?: string }).name === '__name') {
    return simplify((node['arguments'] as unknown[])[0], mode, top);
  }
  if (node['type'] === 'Identifier' && mode === 'loose') return '_';
  if (node['type'] === 'ExpressionStatement') return { statement: simplify(node['expression'], mode, false) };
  if (node['type'] === 'ArrowFunctionExpression' || isFunctionNode(value as Node)) {
    return {
      type: node['type'] === 'ArrowFunctionExpression' ? 'arrow' : 'function',
      async: node['async'] === true,
      generator: node['generator'] === true,
      params: simplify(node['params'], mode, false),
      body: simplify(node['body'], mode, false),
      ...(top ? {} : { id: simplify(node['id'] ?? null, mode, false) }),
    };
  }
  const result: Record<string, Plain> = {};
  for (const [key, child] of Object.entries(node)) {
    if (LEFT_OUT.has(key) || (mode === 'loose' && key === 'shorthand')) continue;
    result[key] = simplify(child, mode, false);
  }
  return result;
}

/** The function that a `toString()` text is of; undefined for native ones. */
export function parseFunctionText(text: string): SyntaxNode | undefined {
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) return undefined;
  const shapes: readonly [before: string, after: string][] = [
    ['(', ')'],
    ['({', '})'],
    ['(class { ', ' })'],
  ];
  for (const [before, after] of shapes) {
    try {
      const [statement] = parseModule(before + text + after).body;
      const expression =
        statement?.type === 'ExpressionStatement' ? (statement.expression as SyntaxNode) : undefined;
      const found = expression === undefined ? undefined : firstFunction(expression);
      if (found !== undefined) return found;
    } catch {
      // not this shape
    }
  }
  return undefined;
}

function firstFunction(node: SyntaxNode): SyntaxNode | undefined {
  if (isFunctionNode(node)) return node;
  if (node.type === 'ObjectExpression') {
    const [property] = node.properties;
    return property?.type === 'Property' ? firstFunction(property.value as SyntaxNode) : undefined;
  }
  if (node.type === 'ClassExpression') {
    const [element] = node.body.body;
    return element?.type === 'MethodDefinition' ? (element.value as SyntaxNode) : undefined;
  }
  return undefined;
}
