import { SOURCE } from '../placeholders.js';
import type { Module } from '../module/module.js';
import type { SyntaxNode } from '../module/syntax.js';
import { metaText, PATH_FUNCTION, projectPath } from '../slice/emit.js';
import { TextWriter, type Replacement } from '../slice/text-writer.js';
import { nameOf } from './imports.js';
import type { ScriptModule } from './modules.js';

/** A module of a script as it goes to the bundler: whole, and in the order in which it was written. */
export interface EmittedModule {
  readonly module: Module;
  readonly text: string;
  /** JSON; its one source is named as `source` says. */
  readonly map: string;
  readonly hasClasses: boolean;
}

export function emitModule(options: {
  readonly script: ScriptModule;
  readonly root: string;
  readonly source: string;
  /** The module is the program: `require.main === module`, `import.meta.main`. */
  readonly isEntry: boolean;
}): EmittedModule {
  const { script, source } = options;
  const { module } = script;
  const path = new PathText(module, options.root);
  const replacements = [
    ...metaReplacements(module, path, options.isEntry),
    ...globalReplacements(module, path, options.isEntry),
    ...clauseReplacements(script),
  ];
  const writer = new TextWriter(module, replacements);
  if (path.isImported) writer.write(`import{fileURLToPath as ${PATH_FUNCTION}}from"node:url";`);
  // `#!/usr/bin/env node` would end up in the middle of the bundle.
  const start = module.code.startsWith('#!') ? module.code.indexOf('\n') + 1 || module.code.length : 0;
  writer.copy({ start, end: module.code.length });
  return {
    module,
    text: writer.text,
    map: writer.map(source),
    hasClasses: /\bclass\b/.test(module.code),
  };
}

/** How the place of a source file is written: a placeholder that becomes a file URL where the package runs. */
class PathText {
  readonly #source: string;
  readonly #isEsModule: boolean;
  isImported = false;

  constructor(module: Module, root: string) {
    this.#source = JSON.stringify(SOURCE + projectPath(root, module.file));
    this.#isEsModule = isEsModule(module);
  }

  of(member: string): string | undefined {
    if (member === 'url') return this.#source;
    // An `import` would make an ES module of what is CommonJS.
    const toPath = this.#isEsModule ? PATH_FUNCTION : 'require("node:url").fileURLToPath';
    const text = metaText(member, this.#source, toPath);
    if (text !== undefined && this.#isEsModule) this.isImported = true;
    return text;
  }
}

function isEsModule(module: Module): boolean {
  return (
    module.program.body.some(
      (statement) => statement.type.startsWith('Import') || statement.type.startsWith('Export'),
    ) || module.items.some((item) => item.facts.some((fact) => fact.kind === 'import-meta'))
  );
}

function metaReplacements(module: Module, path: PathText, isEntry: boolean): Replacement[] {
  return module.items.flatMap((item) =>
    item.facts.flatMap((fact): Replacement[] => {
      if (fact.kind !== 'import-meta' || fact.member === undefined) return [];
      const text = fact.member === 'main' ? String(isEntry) : path.of(fact.member);
      return text === undefined ? [] : [{ start: fact.node.start, end: fact.node.end, text }];
    }),
  );
}

function globalReplacements(module: Module, path: PathText, isEntry: boolean): Replacement[] {
  return module.items.flatMap((item) =>
    item.facts.flatMap((fact): Replacement[] => {
      if (fact.kind !== 'global') return [];
      const { node, name } = fact;
      if (name === 'require') {
        const comparison = mainComparison(module, node);
        if (comparison === undefined) return [];
        const isEqual = comparison.operator.startsWith('=');
        return [{ start: comparison.start, end: comparison.end, text: String(isEqual === isEntry) }];
      }
      if (name !== '__dirname' && name !== '__filename') return [];
      const text = path.of(name.slice(2)) ?? name;
      const parent = module.parents.get(node);
      const isShorthand = parent?.type === 'Property' && parent.shorthand;
      return [{ start: node.start, end: node.end, text: isShorthand ? `${name}:${text}` : text }];
    }),
  );
}

/** `require.main === module`, of which this is the `require`. */
export function mainComparison(
  module: Module,
  node: SyntaxNode,
): { readonly start: number; readonly end: number; readonly operator: string } | undefined {
  const member = module.parents.get(node);
  if (member?.type !== 'MemberExpression' || member.object !== node || member.computed) return undefined;
  if (member.property.type !== 'Identifier' || member.property.name !== 'main') return undefined;
  const comparison = module.parents.get(member);
  if (comparison?.type !== 'BinaryExpression' || !/^[!=]==?$/.test(comparison.operator)) return undefined;
  const other = comparison.left === member ? comparison.right : comparison.left;
  return other.type === 'Identifier' && other.name === 'module' ? comparison : undefined;
}

/** Names in braces: types go, and the order of what is imported is not the user's to keep. */
function clauseReplacements({ module, types }: ScriptModule): Replacement[] {
  const missing = new Set(types.map((name) => name.node));
  const missingLocals = new Set(types.flatMap((name) => name.local ?? []));
  return module.program.body.flatMap((statement): Replacement[] => {
    if (statement.type !== 'ImportDeclaration' && statement.type !== 'ExportNamedDeclaration') return [];
    const named = (statement.specifiers as SyntaxNode[]).filter(
      (node) => node.type === 'ImportSpecifier' || node.type === 'ExportSpecifier',
    );
    const [first] = named;
    const last = named.at(-1);
    if (first === undefined || last === undefined) return [];
    const isOfTypes = (node: SyntaxNode): boolean =>
      missing.has(node) ||
      (node.type === 'ExportSpecifier' &&
        (statement as { readonly source?: unknown }).source === null &&
        missingLocals.has(nameOf(node.local as SyntaxNode)));
    const kept = named.filter((node) => !isOfTypes(node)).map((node) => module.text(node));
    if (statement.type === 'ImportDeclaration') kept.sort();
    return [{ start: first.start, end: last.end, text: kept.join(',') }];
  });
}
