import type { Diagnostic } from '@run-pipeline/core/model';
import {
  bindsThis,
  children,
  isClassNode,
  isFunctionNode,
  patternNames,
  walk,
  type SyntaxNode,
  isPresent,
} from '../module/syntax.js';
import type { SliceEntry } from '../slice/slice.js';

/**
 * A step's function may only use what its module declares: a local variable of an enclosing function
 * or block does not exist where the step runs.
 */
export function captures(
  key: string,
  entry: Extract<SliceEntry, { kind: 'expression' }>,
): Diagnostic | undefined {
  const { module, node } = entry;
  const outer = new Map<string, number>();
  for (
    let at = module.parents.get(node), inner: SyntaxNode = node;
    at !== undefined;
    inner = at, at = module.parents.get(at)
  ) {
    if (at.type === 'Program') break;
    for (const [name, offset] of declaredIn(at, inner)) if (!outer.has(name)) outer.set(name, offset);
  }
  // The names that an item declares for its module are not local.
  for (const name of entry.item.declares) outer.delete(name);
  if (outer.size === 0) return undefined;
  const used = firstFree(node, outer);
  if (used === undefined) return undefined;
  return {
    code: 'captures-local',
    severity: 'error',
    message: `the function of step ${key} uses \`${used.name}\`, a local variable of the code around it`,
    at: module.locate(used.offset),
    related: [{ message: `\`${used.name}\` is declared here`, at: module.locate(outer.get(used.name)!) }],
    help: 'pass it as an input of the step, or declare it at the top level of the module',
  };
}

/** Names that a scope around `inner` declares. */
function declaredIn(scope: SyntaxNode, inner: SyntaxNode): [string, number][] {
  const found: [string, number][] = [];
  const add = (pattern: Parameters<typeof patternNames>[0]): void => {
    for (const name of patternNames(pattern)) found.push([name, pattern?.start ?? scope.start]);
  };
  const addDeclarations = (node: SyntaxNode): void => {
    if (node.type === 'VariableDeclaration') for (const each of node.declarations) add(each.id);
    if ((node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && isPresent(node.id)) {
      found.push([node.id.name, node.start]);
    }
  };
  if (isFunctionNode(scope)) {
    for (const parameter of scope.params) add(parameter);
    if (scope.type === 'FunctionExpression' && isPresent(scope.id))
      found.push([scope.id.name, scope.id.start]);
  }
  if (scope.type === 'BlockStatement' || scope.type === 'StaticBlock') {
    for (const statement of scope.body) addDeclarations(statement as SyntaxNode);
  }
  if (scope.type === 'CatchClause') add(scope.param);
  if (/^For(?:In|Of)?Statement$/.test(scope.type)) {
    for (const child of children(scope)) if (child !== inner) addDeclarations(child);
  }
  return found;
}

/** The first use, inside a function, of one of the outer names that it does not declare itself. */
function firstFree(
  root: SyntaxNode,
  outer: ReadonlyMap<string, number>,
): { name: string; offset: number } | undefined {
  let found: { name: string; offset: number } | undefined;
  const visit = (node: SyntaxNode, parent: SyntaxNode | undefined, hidden: ReadonlySet<string>): void => {
    if (found !== undefined) return;
    if (node.type === 'Identifier' && outer.has(node.name) && !hidden.has(node.name) && isUse(node, parent)) {
      found = { name: node.name, offset: node.start };
      return;
    }
    const names = scopeNames(node);
    const inside = names.length === 0 ? hidden : new Set([...hidden, ...names]);
    for (const child of children(node)) visit(child, node, inside);
  };
  visit(root, undefined, new Set());
  return found;
}

function scopeNames(node: SyntaxNode): string[] {
  const names: string[] = [];
  if (isFunctionNode(node)) {
    for (const parameter of node.params) patternNames(parameter, names);
    if (isPresent(node.id)) names.push(node.id.name);
    if (bindsThis(node)) names.push('arguments');
    // `var` is hoisted to the function.
    walk(node, (each) => {
      if (each !== node && isFunctionNode(each)) return false;
      if (each.type === 'VariableDeclaration' && each.kind === 'var') {
        for (const declarator of each.declarations) patternNames(declarator.id, names);
      }
      return true;
    });
  }
  if (isClassNode(node) && isPresent(node.id)) names.push(node.id.name);
  if (node.type === 'CatchClause') patternNames(node.param, names);
  const statements =
    node.type === 'BlockStatement' || node.type === 'StaticBlock'
      ? node.body
      : /^For(?:In|Of)?Statement$/.test(node.type)
        ? children(node)
        : [];
  for (const each of statements) {
    const statement = each as SyntaxNode;
    if (statement.type === 'VariableDeclaration')
      for (const one of statement.declarations) patternNames(one.id, names);
    if (
      (statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration') &&
      isPresent(statement.id)
    ) {
      names.push(statement.id.name);
    }
  }
  return names;
}

function isUse(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.object === node || parent.computed;
    case 'Property':
      return parent.value === node || parent.computed;
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent.value === node || parent.computed;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return false;
    default:
      return true;
  }
}
