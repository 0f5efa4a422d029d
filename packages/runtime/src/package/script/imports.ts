import type { Node } from 'acorn';
import type { Module } from '../module/module.js';
import { isPresent, literalString, type SyntaxNode } from '../module/syntax.js';
import type { ImportKind } from '../source/resolve.js';

/** Something that a module loads by a name that is known before it runs. */
export interface ModuleImport {
  readonly specifier: string;
  readonly kind: ImportKind;
  readonly offset: number;
  /** The names it takes (`default` too) and where they stand; none for a namespace, `require`, `import()`. */
  readonly names: readonly ImportedName[];
  /** The module copes with its absence: `try { require('fsevents') } catch {}`. */
  readonly guarded: boolean;
}

export interface ImportedName {
  readonly imported: string;
  /** The name it has here; undefined in `export { x } from`. */
  readonly local: string | undefined;
  /** The specifier. */
  readonly node: Node;
}

/** Everything that evaluating a whole module may load, in the order in which it is written. */
export function importsOf(module: Module): ModuleImport[] {
  const imports: ModuleImport[] = [];
  for (const statement of module.program.body) {
    if (
      statement.type !== 'ImportDeclaration' &&
      statement.type !== 'ExportNamedDeclaration' &&
      statement.type !== 'ExportAllDeclaration'
    ) {
      continue;
    }
    const specifier = isPresent(statement.source) ? literalString(statement.source) : undefined;
    if (specifier === undefined) continue;
    const names = statement.type === 'ExportAllDeclaration' ? [] : statement.specifiers.flatMap(importedName);
    imports.push({ specifier, kind: 'import', offset: statement.start, names, guarded: false });
  }
  for (const item of module.items) {
    for (const fact of item.facts) {
      if (fact.kind !== 'dynamic-import' && fact.kind !== 'require') continue;
      if (fact.specifier === undefined) continue;
      imports.push({
        specifier: fact.specifier,
        kind: fact.kind === 'require' ? 'require' : 'import',
        offset: fact.offset,
        names: [],
        guarded: isGuarded(fact.node, module.parents),
      });
    }
  }
  return imports;
}

function importedName(node: { readonly type: string } & Node): ImportedName[] {
  const specifier = node as SyntaxNode;
  switch (specifier.type) {
    case 'ImportDefaultSpecifier':
      return [{ imported: 'default', local: specifier.local.name, node }];
    case 'ImportSpecifier':
      return [{ imported: nameOf(specifier.imported as SyntaxNode), local: specifier.local.name, node }];
    case 'ExportSpecifier':
      return [{ imported: nameOf(specifier.local as SyntaxNode), local: undefined, node }];
    default:
      return [];
  }
}

export const nameOf = (node: SyntaxNode): string =>
  node.type === 'Identifier' ? node.name : node.type === 'Literal' ? String(node.value) : '';

/** Inside `try { … }` with a `catch`, or with `.catch(…)` behind it: absence is expected. */
function isGuarded(node: SyntaxNode, parents: Module['parents']): boolean {
  for (let at: SyntaxNode = node; ;) {
    const parent = parents.get(at);
    if (parent === undefined) return false;
    if (parent.type === 'TryStatement' && parent.block === at && isPresent(parent.handler)) return true;
    if (
      parent.type === 'MemberExpression' &&
      parent.object === at &&
      parent.property.type === 'Identifier' &&
      parent.property.name === 'catch'
    ) {
      return true;
    }
    at = parent;
  }
}
