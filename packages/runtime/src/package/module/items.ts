import type {
  Declaration,
  ImportDeclaration,
  ModuleDeclaration,
  Program,
  Statement,
  VariableDeclaration,
} from 'acorn';
import type { ImportedName, Item, ItemKind, ModuleExport } from './module.js';
import { keyName, literalString, patternNames, startOf, type SyntaxNode, isPresent } from './syntax.js';

/** The top level of a module as items, and what it exports. References come later. */
export interface ModuleItems {
  readonly items: readonly Item[];
  readonly exports: ReadonlyMap<string, ModuleExport>;
  readonly starExports: readonly string[];
  readonly reexported: readonly string[];
  readonly commonJs: boolean;
}

/** What an anonymous default export is called inside a slice. */
export const DEFAULT_NAME = '__default';

export function itemsOf(program: Program, file: string): ModuleItems {
  const collector = new Collector();
  for (const statement of program.body) collector.top(statement);
  return {
    items: collector.items,
    exports: collector.exports,
    starExports: collector.starExports,
    reexported: collector.reexported,
    commonJs: collector.commonJs(program, file),
  };
}

class Collector {
  readonly items: Item[] = [];
  readonly exports = new Map<string, ModuleExport>();
  readonly starExports: string[] = [];
  readonly reexported: string[] = [];

  commonJs(program: Program, file: string): boolean {
    const hasModuleSyntax = program.body.some(
      (statement) => statement.type.startsWith('Import') || statement.type.startsWith('Export'),
    );
    if (hasModuleSyntax) return false;
    return (
      /\.c[jt]s$/.test(file) ||
      this.items.some((item) => item.kind === 'commonjs-export' || item.importing?.viaRequire === true)
    );
  }

  top(statement: Statement | ModuleDeclaration): void {
    switch (statement.type) {
      case 'ImportDeclaration':
        return this.importDeclaration(statement);
      case 'ExportNamedDeclaration':
        if (isPresent(statement.declaration)) {
          this.declaration(statement.declaration);
          for (const name of declaredNames(statement.declaration))
            this.exports.set(name, { kind: 'local', name });
          return;
        }
        for (const specifier of statement.specifiers) {
          const local = nameOf(specifier.local);
          const source = !isPresent(statement.source) ? undefined : literalString(statement.source);
          this.exports.set(
            nameOf(specifier.exported),
            source === undefined
              ? { kind: 'local', name: local }
              : { kind: 'from', specifier: source, imported: local, offset: specifier.start },
          );
        }
        if (isPresent(statement.source)) this.reexported.push(literalString(statement.source) ?? '');
        return;
      case 'ExportAllDeclaration': {
        const specifier = literalString(statement.source) ?? '';
        this.reexported.push(specifier);
        if (!isPresent(statement.exported)) this.starExports.push(specifier);
        else {
          const exported = nameOf(statement.exported);
          this.exports.set(exported, { kind: 'from', specifier, imported: '*', offset: statement.start });
        }
        return;
      }
      case 'ExportDefaultDeclaration':
        return this.defaultExport(statement.declaration as SyntaxNode);
      case 'VariableDeclaration':
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return this.declaration(statement);
      case 'EmptyStatement':
        return;
      default:
        // `'use strict'` and the like do nothing in a module.
        if (statement.type === 'ExpressionStatement' && statement.directive !== undefined) return;
        if (!this.commonJsExport(statement)) this.add({ kind: 'statement', node: statement });
    }
  }

  private importDeclaration(statement: ImportDeclaration): void {
    const specifier = literalString(statement.source) ?? '';
    const attributes = attributesOf(statement);
    const importing = (imported: string): ImportedName => ({
      specifier,
      imported,
      attributes,
      viaRequire: false,
    });
    if (statement.specifiers.length === 0) {
      this.add({ kind: 'bare-import', node: statement, importing: importing('') });
    }
    for (const node of statement.specifiers) {
      const imported =
        node.type === 'ImportDefaultSpecifier'
          ? 'default'
          : node.type === 'ImportNamespaceSpecifier'
            ? '*'
            : nameOf(node.imported);
      this.add({ kind: 'import', node, declares: [node.local.name], importing: importing(imported) });
    }
  }

  private declaration(node: Declaration): void {
    if (node.type === 'VariableDeclaration') return this.variables(node);
    const kind = node.type === 'ClassDeclaration' ? 'class' : 'function';
    this.add({ kind, node, declares: [node.id.name] });
  }

  private variables(declaration: VariableDeclaration): void {
    for (const node of declaration.declarations) {
      const required = requiredSpecifier(node.init as SyntaxNode | null | undefined);
      const declares = patternNames(node.id);
      this.add({
        kind: 'variable',
        node,
        declares,
        variableKind: declaration.kind as 'const' | 'let' | 'var',
        ...(required === undefined
          ? {}
          : { importing: { specifier: required, imported: '*', attributes: '', viaRequire: true } }),
      });
    }
  }

  private defaultExport(node: SyntaxNode): void {
    if (node.type === 'Identifier') {
      this.exports.set('default', { kind: 'local', name: node.name });
      return;
    }
    const kind: ItemKind = node.type.startsWith('Class')
      ? 'class'
      : node.type === 'FunctionDeclaration'
        ? 'function'
        : 'default';
    const id =
      kind === 'default' ? undefined : (node as { readonly id?: { readonly name: string } | null }).id;
    const name = id?.name ?? DEFAULT_NAME;
    this.add({ kind, node, declares: [name], anonymous: !isPresent(id) });
    this.exports.set('default', { kind: 'local', name });
  }

  /** `exports.x = …`, `module.exports = …`, tsc's `Object.defineProperty(exports, '__esModule', …)`. */
  private commonJsExport(statement: Statement): boolean {
    if (statement.type !== 'ExpressionStatement') return false;
    const { expression } = statement;
    if (
      expression.type === 'CallExpression' &&
      isExportsObject(expression.arguments[0] as SyntaxNode | undefined)
    ) {
      this.add({ kind: 'commonjs-export', node: statement });
      return true;
    }
    if (expression.type !== 'AssignmentExpression') return false;
    const target = expression.left as SyntaxNode;
    const name =
      target.type === 'MemberExpression' && isExportsObject(target.object as SyntaxNode)
        ? keyOf(target)
        : undefined;
    if (name === undefined && !isExportsObject(target)) return false;
    this.add({ kind: 'commonjs-export', node: statement });
    if (name !== undefined && expression.right.type === 'Identifier') {
      this.exports.set(name, { kind: 'local', name: expression.right.name });
    }
    if (name === undefined && expression.right.type === 'ObjectExpression') {
      for (const property of expression.right.properties) {
        if (property.type !== 'Property' || property.value.type !== 'Identifier') continue;
        const key = keyName(property);
        if (key !== undefined) this.exports.set(key, { kind: 'local', name: property.value.name });
      }
    }
    return true;
  }

  private add(options: {
    readonly kind: ItemKind;
    readonly node: SyntaxNode;
    readonly declares?: readonly string[];
    readonly variableKind?: 'const' | 'let' | 'var';
    readonly importing?: ImportedName;
    readonly anonymous?: boolean;
  }): void {
    this.items.push({
      module: undefined as never,
      kind: options.kind,
      index: this.items.length,
      start: startOf(options.node),
      end: options.node.end,
      node: options.node,
      anonymous: options.anonymous ?? false,
      declares: options.declares ?? [],
      variableKind: options.variableKind,
      importing: options.importing,
      references: [],
      facts: [],
    });
  }
}

function declaredNames(declaration: Declaration): string[] {
  return declaration.type === 'VariableDeclaration'
    ? declaration.declarations.flatMap((declarator) => patternNames(declarator.id))
    : [declaration.id.name];
}

const nameOf = (node: { readonly type: string }): string => {
  const syntax = node as SyntaxNode;
  return syntax.type === 'Identifier' ? syntax.name : syntax.type === 'Literal' ? String(syntax.value) : '';
};

const keyOf = (node: SyntaxNode): string | undefined =>
  node.type === 'MemberExpression' && !node.computed && node.property.type === 'Identifier'
    ? node.property.name
    : undefined;

function attributesOf(statement: ImportDeclaration): string {
  const entries = statement.attributes.map(
    (attribute) => `${nameOf(attribute.key)}:${JSON.stringify(attribute.value.value)}`,
  );
  return entries.length === 0 ? '' : `with{${entries.sort().join(',')}}`;
}

/** `require('x')`, also as esbuild and tsc wrap it: `__importDefault(require('x'))`. */
function requiredSpecifier(init: SyntaxNode | null | undefined): string | undefined {
  if (init?.type !== 'CallExpression' || init.callee.type !== 'Identifier') return undefined;
  if (init.callee.name === 'require') return literalString(init.arguments[0]);
  return /^__(?:importDefault|importStar|toESM)$/.test(init.callee.name)
    ? requiredSpecifier(init.arguments[0] as SyntaxNode | undefined)
    : undefined;
}

function isExportsObject(node: SyntaxNode | undefined): boolean {
  if (node?.type === 'Identifier') return node.name === 'exports';
  return (
    node?.type === 'MemberExpression' &&
    node.object.type === 'Identifier' &&
    node.object.name === 'module' &&
    keyOf(node) === 'exports'
  );
}
