import { extname } from 'node:path';
import type { Diagnostic } from '@run-pipeline/core/model';
import type { Module } from '../module/module.js';
import { nativeDiagnostic, type Program } from '../module/program.js';
import type { Resolver } from '../source/resolve.js';
import { importsOf, type ImportedName, type ModuleImport } from './imports.js';

/** The user's own modules that a script consists of. */
export interface ScriptModules {
  readonly entry: Module | undefined;
  readonly byFile: ReadonlyMap<string, ScriptModule>;
  /** What does not parse, cannot be resolved, or is not offered; with places in the user's source. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ScriptModule {
  readonly module: Module;
  /** Names that TypeScript imports or exports and that exist as types only: nothing is there at run time. */
  readonly types: readonly ImportedName[];
  /** Specifiers that may be missing. */
  readonly optional: ReadonlySet<string>;
}

/**
 * Loads all modules that a script reaches, whole, and looks up everything that they import: what the
 * bundler would find is then found with its place in the user's source.
 */
export async function loadScript(options: {
  readonly file: string;
  readonly program: Program;
  readonly resolver: Resolver;
}): Promise<ScriptModules> {
  const { file, program, resolver } = options;
  const byFile = new Map<string, ScriptModule>();
  const failures = new Map<string, Diagnostic>();
  const reached = new Set([file]);
  for (const at of reached) {
    await program.load([at]);
    const loaded = program.loaded(at);
    if (loaded?.kind === 'failed') failures.set(at, loaded.diagnostic);
    if (loaded?.kind !== 'module') continue;
    for (const each of importsOf(loaded.module)) {
      const resolution = resolver.resolve(each.specifier, at, each.kind);
      if (resolution.kind === 'file' && extname(resolution.file) !== '.node') reached.add(resolution.file);
    }
  }
  const diagnostics = [...failures.values()];
  for (const at of reached) {
    const loaded = program.loaded(at);
    if (loaded?.kind !== 'module') continue;
    const checked = new Check(loaded.module, program, resolver);
    diagnostics.push(...checked.diagnostics);
    byFile.set(at, checked);
  }
  return { entry: byFile.get(file)?.module, byFile, diagnostics };
}

class Check implements ScriptModule {
  readonly types: ImportedName[] = [];
  readonly optional = new Set<string>();
  readonly diagnostics: Diagnostic[] = [];
  readonly module: Module;
  readonly #program: Program;
  readonly #resolver: Resolver;

  constructor(module: Module, program: Program, resolver: Resolver) {
    this.module = module;
    this.#program = program;
    this.#resolver = resolver;
    for (const each of importsOf(module)) this.#import(each);
  }

  #import(each: ModuleImport): void {
    const { module } = this;
    const resolution = this.#resolver.resolve(each.specifier, module.file, each.kind);
    if (resolution.kind === 'unresolved') {
      if (each.guarded) this.optional.add(each.specifier);
      else {
        this.diagnostics.push({
          code: 'unresolved-import',
          severity: 'error',
          message: `cannot resolve "${each.specifier}": ${resolution.reason}`,
          at: module.locate(each.offset),
          help: /^[./#]/.test(each.specifier)
            ? 'check the path'
            : `install it: npm install ${each.specifier}`,
        });
      }
      return;
    }
    if (resolution.kind !== 'file') return;
    if (extname(resolution.file) === '.node') {
      this.diagnostics.push(nativeDiagnostic(module, each.offset, each.specifier));
      return;
    }
    const loaded = this.#program.loaded(resolution.file);
    if (loaded?.kind !== 'module' || loaded.module.commonJs || !isEsModule(loaded.module)) return;
    for (const name of each.names) this.#name(each, name, loaded.module);
  }

  #name(each: ModuleImport, name: ImportedName, from: Module): void {
    if (this.#program.exported(from, name.imported) !== undefined || isOpen(this.#program, from)) return;
    // esbuild leaves a name that only an `export` clause uses: alone, a file does not tell types from values.
    const isType =
      isTypeScript(this.module.file) && isTypeScript(from.file) && !isUsed(this.module, name.local);
    if (isType) this.types.push(name);
    else {
      this.diagnostics.push({
        code: 'unresolved-import',
        severity: 'error',
        message: `"${each.specifier}" has no export ${name.imported}`,
        at: this.module.locate(name.node.start),
      });
    }
  }
}

/** Without `import` or `export` it may be CommonJS, whose exports only show when it runs. */
const isEsModule = (module: Module): boolean =>
  module.program.body.some(
    (statement) => statement.type.startsWith('Import') || statement.type.startsWith('Export'),
  );

/** `export * from` something whose exports are not known here. */
function isOpen(program: Program, module: Module, seen = new Set<Module>()): boolean {
  if (seen.has(module)) return false;
  seen.add(module);
  return module.starExports.some((specifier) => {
    const resolution = program.resolver.resolve(specifier, module.file);
    if (resolution.kind !== 'file') return true;
    const loaded = program.loaded(resolution.file);
    return loaded?.kind !== 'module' || loaded.module.commonJs || isOpen(program, loaded.module, seen);
  });
}

const isTypeScript = (file: string): boolean => /\.(?:[cm]?ts|tsx)$/.test(file);

const isUsed = (module: Module, local: string | undefined): boolean =>
  local !== undefined &&
  module.items.some((item) => item.references.some((reference) => reference.name === local));
