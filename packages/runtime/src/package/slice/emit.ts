import { relative, sep } from 'node:path';
import type { Drivers } from '../module/drivers.js';
import type { Item, Module } from '../module/module.js';
import type { Program, Target } from '../module/program.js';
import { decoratorsOf, isFunctionNode, keyName, walk, type SyntaxNode, isPresent } from '../module/syntax.js';
import type { Resolver } from '../source/resolve.js';
import { classNode, factsWithin, isAccessor, type Member } from './class-members.js';
import { DEPENDENCY, FILE, NAMESPACE, SLICE, SOURCE } from '../placeholders.js';
import { Purity } from './purity.js';
import type { ClassSlice, ModuleSlice, Slice } from './slice.js';
import { TextWriter, type Replacement } from './text-writer.js';

/** One module of a slice as text. Its imports name other modules by the prefixes below. */
export interface SlicedModule {
  /** `slice:<file>` or `namespace:<file>`, the file relative to the project's root. */
  readonly id: string;
  readonly text: string;
  /** JSON; its source is the user's file, relative to the root. */
  readonly map: string | undefined;
  /** Ids of other modules of the slice. */
  readonly imports: readonly string[];
  readonly module: Module;
  /** Decorators of the user's own, or fields, are to be lowered as the module's tsconfig says. */
  readonly hasClasses: boolean;
}

const PARAMETERS = "globalThis[Symbol.for('run-pipeline.parameters')]";
export const PATH_FUNCTION = '__runPipelinePath';

export function projectPath(root: string, file: string): string {
  return relative(root, file).split(sep).join('/');
}

/** The specifier under which a slice imports something external: the same on every machine. */
export function dependencySpecifier(options: {
  readonly target: Extract<Target, { kind: 'external' }>;
  readonly root: string;
  readonly resolver: Resolver;
}): string {
  const { resolution, importer } = options.target;
  if (resolution.kind === 'builtin') return resolution.specifier;
  if (resolution.kind === 'framework') return DEPENDENCY + resolution.specifier;
  const fromRoot = options.resolver.resolve(resolution.specifier, `${options.root}/package.json`);
  const isRoots = fromRoot.kind === 'npm' && fromRoot.file === resolution.file;
  const from = projectPath(options.root, importer).split('/').slice(0, -1).join('/');
  return DEPENDENCY + resolution.specifier + (isRoots ? '' : `?from=${from}`);
}

export function emitSlice(options: {
  readonly slice: Slice;
  readonly program: Program;
  readonly drivers: Drivers;
  readonly root: string;
}): SlicedModule[] {
  const emitter = new Emitter(options);
  const modules = [...options.slice.modules.values()].flatMap((module) => emitter.module(module));
  const { slice, root } = options;
  if (!hasOwnEntry(slice)) return modules;
  // The pipeline's file first, as in its own project; what changes the entry's state after the entry.
  const idOf = (module: Module): string => SLICE + projectPath(root, module.file);
  const before = slice.root === undefined ? [] : [idOf(slice.root)];
  const after = slice.changers.map(idOf);
  const entry = idOf(slice.entry.module);
  const load = (ids: readonly string[]): string => ids.map((id) => `import${JSON.stringify(id)};`).join('');
  const text = `${load(before)}export{default}from${JSON.stringify(entry)};${load(after)}`;
  const imports = [...before, entry, ...after];
  return [
    ...modules,
    {
      id: entryId(slice, root),
      text,
      map: undefined,
      imports,
      module: slice.entry.module,
      hasClasses: false,
    },
  ];
}

const hasOwnEntry = (slice: Slice): boolean => slice.root !== undefined || slice.changers.length > 0;

/** The module of a slice whose default export is the step's code. */
export function entryId(slice: Slice, root: string): string {
  return SLICE + projectPath(root, slice.entry.module.file) + (hasOwnEntry(slice) ? '#entry' : '');
}

interface ImportStatement {
  readonly text: string;
  readonly id: string | undefined;
  readonly offset: number;
  readonly pure: boolean;
}

class Emitter {
  readonly #slice: Slice;
  readonly #program: Program;
  readonly #drivers: Drivers;
  readonly #root: string;
  readonly #purity: Purity;

  constructor(options: {
    readonly slice: Slice;
    readonly program: Program;
    readonly drivers: Drivers;
    readonly root: string;
  }) {
    this.#slice = options.slice;
    this.#program = options.program;
    this.#drivers = options.drivers;
    this.#root = options.root;
    this.#purity = new Purity(options.slice, options.program);
  }

  module(slice: ModuleSlice): SlicedModule[] {
    const { module } = slice;
    const replacements = this.#replacements(slice);
    const imports = this.#imports(slice);
    const writer = new TextWriter(module, replacements.list);
    if (replacements.usesPath) writer.write(`import{fileURLToPath as ${PATH_FUNCTION}}from"node:url";`);
    for (const statement of imports) writer.write(statement.text);
    let hasClasses = false;
    for (const item of [...slice.items].sort((a, b) => a.index - b.index)) {
      hasClasses ||= classNode(item) !== undefined;
      this.#item(item, slice, writer);
    }
    this.#exports(slice, writer);
    const path = projectPath(this.#root, module.file);
    const ids = [...imports.flatMap((statement) => statement.id ?? []), ...replacements.ids];
    const modules: SlicedModule[] = [
      { id: SLICE + path, text: writer.text, map: writer.map(path), imports: ids, module, hasClasses },
    ];
    if (slice.namespace.size > 0) modules.push(this.#namespace(slice, path));
    return modules;
  }

  #exports(slice: ModuleSlice, writer: TextWriter): void {
    const { entry } = this.#slice;
    const names = [...slice.exported].sort();
    if (names.length > 0) writer.write(`export{${names.join(',')}};`);
    if (entry.module !== slice.module) return;
    switch (entry.kind) {
      case 'name':
        writer.write(`export{${entry.name} as default};`);
        return;
      case 'method':
        writer.write(`export{${entry.item.declares[0]} as default};`);
        return;
      case 'expression':
        this.#expression(entry.node, 'export default ', writer);
    }
  }

  /** A method of an object literal becomes a function by being read from an object of its own. */
  #expression(node: SyntaxNode, before: string, writer: TextWriter): void {
    if (node.type !== 'Property') {
      writer.write(`${before}(`).copy(node).write(');');
      return;
    }
    const name = JSON.stringify(keyName(node) ?? '');
    writer.write(`${before}({`).copy(node).write(`})[${name}];`);
  }

  #item(item: Item, slice: ModuleSlice, writer: TextWriter): void {
    const stepFunction = slice.stepFunctions.get(item);
    if (stepFunction !== undefined) {
      writer.write(`const ${item.declares[0]}={fn:`).copy(stepFunction).write('};');
      return;
    }
    const pruned = slice.classes.get(item);
    const prefix = item.anonymous || item.kind === 'default' ? `const ${item.declares[0]}=` : '';
    switch (item.kind) {
      case 'import':
      case 'bare-import':
      case 'commonjs-export':
        return;
      case 'variable':
        writer.write(`${item.variableKind} `);
        if (pruned === undefined) writer.copy(item);
        else {
          writer.write(`${item.declares[0]}=`);
          this.#class(pruned, writer);
        }
        writer.write(';');
        return;
      case 'function':
      case 'class':
      case 'default':
        writer.write(prefix);
        if (pruned === undefined) writer.copy(item);
        else this.#class(pruned, writer);
        writer.write(prefix === '' ? '\n' : ';');
        return;
      case 'statement':
        writer.copy(item).write(';');
    }
  }

  #class(pruned: ClassSlice, writer: TextWriter): void {
    const { node, decorators } = pruned.shape;
    for (const decorator of decorators) writer.copy(decorator).write(' ');
    writer.write('class ');
    if (isPresent(node.id)) writer.copy(node.id);
    if (pruned.heritage && isPresent(node.superClass)) writer.write(' extends ').copy(node.superClass);
    writer.write('{');
    for (const member of pruned.shape.members) if (pruned.kept.has(member)) this.#member(member, writer);
    writer.write('}');
  }

  #member(member: Member, writer: TextWriter): void {
    for (const decorator of member.decorators) writer.copy(decorator).write(' ');
    const { node } = member;
    if (!member.parameter || node.type !== 'PropertyDefinition') {
      writer.copy(node).write(member.kind === 'field' ? ';' : '');
      return;
    }
    // A parameter's value comes from the run: fields derived from it must see that one.
    const name = JSON.stringify(member.name);
    if (isAccessor(node)) writer.write('accessor ');
    writer.copy(node.key).write(`=${PARAMETERS}?.has(${name})?${PARAMETERS}.get(${name}):`);
    if (!isPresent(node.value)) writer.write('undefined;');
    else writer.copy(node.value).write(';');
  }

  #imports(slice: ModuleSlice): ImportStatement[] {
    const groups = new Map<
      string,
      { names: string[]; id: string | undefined; offset: number; pure: boolean; suffix: string; from: string }
    >();
    const single: ImportStatement[] = [];
    for (const item of slice.items) {
      if (item.kind !== 'import') continue;
      const target = this.#program.target(item);
      if (target.kind === 'unresolved') continue;
      const from = this.#specifier(target);
      const local = item.declares[0]!;
      const pure = this.#purity.target(target);
      const suffix = target.kind === 'external' ? target.attributes : '';
      const id = from.startsWith(SLICE) || from.startsWith(NAMESPACE) ? from : undefined;
      const imported =
        target.kind === 'local' ? target.name : target.kind === 'namespace' ? '*' : target.imported;
      if (imported === '*') {
        single.push({
          text: `import*as ${local} from${JSON.stringify(from)}${suffix};`,
          id,
          offset: item.start,
          pure,
        });
        continue;
      }
      const key = `${from}\0${suffix}`;
      const group = groups.get(key) ?? { names: [], id, offset: item.start, pure, suffix, from };
      group.names.push(imported === local ? local : `${exportName(imported)} as ${local}`);
      group.offset = Math.min(group.offset, item.start);
      groups.set(key, group);
    }
    const named = [...groups.values()].map((group) => ({
      text: `import{${group.names.sort().join(',')}}from${JSON.stringify(group.from)}${group.suffix};`,
      id: group.id,
      offset: group.offset,
      pure: group.pure,
    }));
    const evaluated = slice.evaluated.flatMap((each): ImportStatement[] => {
      if (each.kind === 'module') {
        const id = SLICE + projectPath(this.#root, each.module.file);
        return this.#isEmpty(each.module)
          ? []
          : [
              {
                text: `import${JSON.stringify(id)};`,
                id,
                offset: each.offset,
                pure: this.#purity.module(each.module),
              },
            ];
      }
      const from = this.#specifier(each.target as Exclude<Target, { kind: 'unresolved' }>);
      return [{ text: `import${JSON.stringify(from)};`, id: undefined, offset: each.offset, pure: false }];
    });
    // Barrels that a name came through are evaluated too, before what they lead to.
    const via = [...slice.items].flatMap((item): ImportStatement[] => {
      const target = item.kind === 'import' ? this.#program.target(item) : undefined;
      if (target === undefined || target.kind === 'unresolved') return [];
      return target.via.flatMap((module) => {
        const id = SLICE + projectPath(this.#root, module.file);
        return module === slice.module || this.#purity.module(module)
          ? []
          : [{ text: `import${JSON.stringify(id)};`, id, offset: item.start - 0.5, pure: false }];
      });
    });
    const all = unique([...via, ...evaluated, ...single, ...named]);
    const effectful = all.filter((each) => !each.pure).sort((a, b) => a.offset - b.offset);
    const pure = all.filter((each) => each.pure).sort((a, b) => (a.text < b.text ? -1 : 1));
    return [...effectful, ...pure];
  }

  #isEmpty(module: Module): boolean {
    const slice = this.#slice.modules.get(module);
    return slice === undefined || (slice.items.size === 0 && slice.evaluated.length === 0);
  }

  #specifier(target: Exclude<Target, { kind: 'unresolved' }>): string {
    switch (target.kind) {
      case 'local':
        return SLICE + projectPath(this.#root, target.module.file);
      case 'namespace':
        return NAMESPACE + projectPath(this.#root, target.module.file);
      case 'opaque':
        return FILE + projectPath(this.#root, target.file);
      case 'external':
        return dependencySpecifier({ target, root: this.#root, resolver: this.#program.resolver });
    }
  }

  #namespace(slice: ModuleSlice, path: string): SlicedModule {
    const imports: string[] = [];
    const lines = [...slice.namespace]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, target]) => {
        if (target.kind === 'unresolved') return '';
        const from = this.#specifier(target);
        if (from.startsWith(SLICE) || from.startsWith(NAMESPACE)) imports.push(from);
        const imported =
          target.kind === 'local' ? target.name : target.kind === 'namespace' ? '*' : target.imported;
        return imported === '*'
          ? `export*as ${exportName(name)} from${JSON.stringify(from)};`
          : `export{${exportName(imported)} as ${exportName(name)}}from${JSON.stringify(from)};`;
      });
    const own = SLICE + path;
    if (!imports.includes(own) && !this.#isEmpty(slice.module)) {
      lines.unshift(`import${JSON.stringify(own)};`);
      imports.push(own);
    }
    return {
      id: NAMESPACE + path,
      text: lines.join(''),
      map: undefined,
      imports,
      module: slice.module,
      hasClasses: false,
    };
  }

  #replacements(slice: ModuleSlice): { list: Replacement[]; ids: string[]; usesPath: boolean } {
    const list: Replacement[] = [];
    const ids: string[] = [];
    let usesPath = false;
    const source = JSON.stringify(SOURCE + projectPath(this.#root, slice.module.file));
    for (const { item, node } of slice.parts) {
      for (const fact of factsWithin(item, node)) {
        if (fact.kind === 'import-meta' && fact.member !== undefined) {
          const text = metaText(fact.member, source);
          if (text === undefined) continue;
          usesPath ||= fact.member !== 'url';
          list.push({ start: fact.node.start, end: fact.node.end, text });
        } else if (fact.kind === 'dynamic-import' && fact.specifier !== undefined) {
          const target = this.#program.imported({
            module: slice.module,
            specifier: fact.specifier,
            imported: '*',
            offset: fact.offset,
          });
          if (target.kind === 'unresolved' || fact.node.type !== 'ImportExpression') continue;
          const from = this.#specifier(target);
          if (from.startsWith(NAMESPACE)) ids.push(from);
          list.push({ start: fact.node.source.start, end: fact.node.source.end, text: JSON.stringify(from) });
        }
      }
      if (classNode(item) !== undefined) this.#frameworkDecorators(slice.module, node, list);
    }
    return { list, ids, usesPath };
  }

  #frameworkDecorators(module: Module, node: SyntaxNode, list: Replacement[]): void {
    walk(node, (each) => {
      if (isFunctionNode(each) && each !== node) return false;
      for (const decorator of decoratorsOf(each)) {
        if (!this.#drivers.isFrameworkDecorator(module, decorator)) continue;
        list.push({ start: decorator.start, end: decorator.end, text: '' });
      }
      return true;
    });
  }
}

/** What stands for `import.meta.url`, `.filename`, `.dirname`; `source` is the file's own URL, as a literal. */
export function metaText(member: string, source: string, toPath = PATH_FUNCTION): string | undefined {
  if (member === 'url') return source;
  if (member === 'filename') return `${toPath}(${source})`;
  return member === 'dirname' ? `${toPath}(new URL(".",${source})).slice(0,-1)` : undefined;
}

/** Exports may have names that are no identifiers: `export { x as 'a-b' }`. */
const exportName = (name: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name);

function unique(statements: readonly ImportStatement[]): ImportStatement[] {
  const byText = new Map<string, ImportStatement>();
  for (const statement of statements) if (!byText.has(statement.text)) byText.set(statement.text, statement);
  return [...byText.values()];
}
