import { extname } from 'node:path';
import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import type { NpmResolution, Resolution, Resolver } from '../source/resolve.js';
import type { TrackedFiles } from '../source/tracked-files.js';
import { LOADERS } from '../source/loaders.js';
import { transformSource } from '../source/transform.js';
import type { CompilerOptions, TsConfigs } from '../source/tsconfig.js';
import { analyseModule } from './analyse.js';
import type { Item, Module, Reference } from './module.js';

/** Where a name leads, through imports and barrels. */
export type Target =
  | {
      readonly kind: 'local';
      readonly module: Module;
      readonly name: string;
      readonly via: readonly Module[];
    }
  | { readonly kind: 'namespace'; readonly module: Module; readonly via: readonly Module[] }
  /** A file that is bundled as it is: CommonJS, JSON. */
  | {
      readonly kind: 'opaque';
      readonly file: string;
      readonly imported: string;
      readonly attributes: string;
      readonly via: readonly Module[];
    }
  | {
      readonly kind: 'external';
      readonly resolution: ExternalResolution;
      readonly imported: string;
      readonly attributes: string;
      readonly importer: string;
      readonly via: readonly Module[];
    }
  | { readonly kind: 'unresolved'; readonly diagnostic: Diagnostic };

export type ExternalResolution = NpmResolution | Extract<Resolution, { kind: 'builtin' | 'framework' }>;

type Loaded =
  | { readonly kind: 'module'; readonly module: Module }
  | { readonly kind: 'opaque'; readonly file: string }
  | { readonly kind: 'failed'; readonly diagnostic: Diagnostic };

/** The user's modules that a pipeline file reaches, loaded once, and how their names are linked. */
export class Program {
  readonly files: TrackedFiles;
  readonly resolver: Resolver;
  readonly #tsconfigs: TsConfigs;
  readonly #raises: boolean;
  readonly #loaded = new Map<string, Loaded>();
  readonly #targets = new WeakMap<Item, Target>();
  readonly #reachable = new Map<string, ReadonlySet<Module>>();

  constructor(options: {
    readonly files: TrackedFiles;
    readonly resolver: Resolver;
    readonly tsconfigs: TsConfigs;
    /** Default true: compiled JavaScript is put back into the shape of its source, to be taken apart. */
    readonly raises?: boolean;
  }) {
    this.files = options.files;
    this.#raises = options.raises ?? true;
    this.resolver = options.resolver;
    this.#tsconfigs = options.tsconfigs;
  }

  /** Loads files and every file of the user's that they import, at once. */
  async load(files: readonly string[]): Promise<void> {
    let wave = files.filter((file) => !this.#loaded.has(file));
    while (wave.length > 0) {
      const loaded = await Promise.all(wave.map(async (file) => [file, await this.#loadFile(file)] as const));
      for (const [file, result] of loaded) this.#loaded.set(file, result);
      const next = new Set<string>();
      for (const [, result] of loaded) {
        if (result.kind === 'module') for (const file of this.#imports(result.module)) next.add(file);
      }
      wave = [...next].filter((file) => !this.#loaded.has(file));
    }
  }

  get modules(): Module[] {
    return [...this.#loaded.values()].flatMap((loaded) => (loaded.kind === 'module' ? [loaded.module] : []));
  }

  /** The modules that evaluating a file evaluates, in the order in which they are named. */
  reachable(file: string): ReadonlySet<Module> {
    const known = this.#reachable.get(file);
    if (known !== undefined) return known;
    const found = new Set<Module>();
    const queue = [file];
    for (const at of queue) {
      const loaded = this.#loaded.get(at);
      if (loaded?.kind !== 'module' || found.has(loaded.module)) continue;
      found.add(loaded.module);
      queue.push(...this.#imports(loaded.module));
    }
    this.#reachable.set(file, found);
    return found;
  }

  loaded(file: string): Loaded | undefined {
    return this.#loaded.get(file);
  }

  async #loadFile(file: string): Promise<Loaded> {
    if (!(extname(file) in LOADERS)) return { kind: 'opaque', file };
    const text = this.files.read(file);
    if (text === undefined) {
      return failed('unresolved-import', `there is no file ${file}`, { file, line: 1, column: 1 });
    }
    try {
      const written = await this.#written(file, text);
      if (!written.ok) return { kind: 'failed', diagnostic: written.diagnostic };
      const { compilerOptions } = written;
      const source = await transformSource({ file, ...written });
      return { kind: 'module', module: analyseModule({ file, source, compilerOptions }) };
    } catch (error) {
      // What does not parse is the user's; anything else is a fault of ours and must not look like it.
      if (!(error instanceof SyntaxError) && (error as EsbuildFailure).errors === undefined) throw error;
      return { kind: 'failed', diagnostic: syntaxDiagnostic(file, error) };
    }
  }

  /** The module as its author wrote it, as far as that can be told from compiled JavaScript. */
  async #written(
    file: string,
    text: string,
  ): Promise<
    | {
        readonly ok: true;
        readonly text: string;
        readonly inputMap: string | undefined;
        readonly compilerOptions: CompilerOptions;
      }
    | { readonly ok: false; readonly diagnostic: Diagnostic }
  > {
    const compilerOptions = this.#tsconfigs.of(file);
    if (!this.#raises || !/\.[cm]?js$/.test(file))
      return { ok: true, text, inputMap: undefined, compilerOptions };
    const { raiseCompiled } = await import('../raise/raise.js');
    const result = raiseCompiled({
      file,
      text,
      isCommonJsPackage: (specifier) => this.#isCommonJs(specifier, file),
    });
    if (!result.ok) {
      return {
        ok: false,
        diagnostic: {
          code: 'compiled-decorators',
          severity: 'error',
          message: `the compiled decorators of ${file} (${result.what}) cannot be taken apart`,
          at: { file, line: 1, column: 1 },
          help: 'compile with tsc, or with source maps and keep the TypeScript sources beside, or keep decorators (target esnext)',
        },
      };
    }
    const { raised } = result;
    if (raised === undefined) return { ok: true, text, inputMap: undefined, compilerOptions };
    // Fields are as they were compiled, whatever the tsconfig that happens to lie there says.
    const mode = {
      ...compilerOptions,
      experimentalDecorators: raised.decorators === 'legacy',
      useDefineForClassFields: true,
    };
    return { ok: true, text: raised.code, inputMap: raised.map, compilerOptions: mode };
  }

  #isCommonJs(specifier: string, importer: string): boolean {
    const resolution = this.resolver.resolve(specifier, importer);
    if (resolution.kind !== 'npm') return false;
    const extension = extname(resolution.file);
    if (extension === '.cjs') return true;
    return extension === '.js' && this.resolver.moduleType(resolution.file) !== 'module';
  }

  /** Files of the user's that a module names. */
  *#imports(module: Module): Generator<string> {
    const specifiers = new Set(module.reexported);
    for (const declared of module.exports.values())
      if (declared.kind === 'from') specifiers.add(declared.specifier);
    for (const item of module.items) {
      if (item.importing !== undefined) specifiers.add(item.importing.specifier);
      for (const fact of item.facts) {
        if (fact.kind === 'dynamic-import' && fact.specifier !== undefined) specifiers.add(fact.specifier);
      }
    }
    for (const specifier of specifiers) {
      const resolution = this.resolver.resolve(specifier, module.file);
      if (resolution.kind === 'file') yield resolution.file;
    }
  }

  /** Where an import item leads. */
  target(item: Item): Target {
    const known = this.#targets.get(item);
    if (known !== undefined) return known;
    const importing = item.importing!;
    const target = this.imported({
      module: item.module,
      specifier: importing.specifier,
      imported: importing.imported,
      attributes: importing.attributes,
      offset: item.start,
    });
    this.#targets.set(item, target);
    return target;
  }

  /** Where `import { imported } from 'specifier'` in a module leads. */
  imported(options: {
    readonly module: Module;
    readonly specifier: string;
    readonly imported: string;
    readonly attributes?: string;
    readonly offset: number;
    readonly seen?: Set<string>;
  }): Target {
    const { module, specifier, imported, offset } = options;
    const attributes = options.attributes ?? '';
    const resolution = this.resolver.resolve(specifier, module.file);
    switch (resolution.kind) {
      case 'builtin':
      case 'framework':
      case 'npm':
        return { kind: 'external', resolution, imported, attributes, importer: module.file, via: [] };
      case 'unresolved':
        return {
          kind: 'unresolved',
          diagnostic: {
            code: 'unresolved-import',
            severity: 'error',
            message: `cannot resolve "${specifier}": ${resolution.reason}`,
            at: module.locate(offset),
            help: /^[./#]/.test(specifier) ? 'check the path' : `install it: npm install ${specifier}`,
          },
        };
      case 'file': {
        const loaded = this.#loaded.get(resolution.file);
        if (extname(resolution.file) === '.node')
          return { kind: 'unresolved', diagnostic: nativeDiagnostic(module, offset, specifier) };
        if (loaded?.kind === 'failed') {
          return { kind: 'unresolved', diagnostic: loaded.diagnostic };
        }
        if (loaded === undefined || loaded.kind === 'opaque' || loaded.module.commonJs) {
          return { kind: 'opaque', file: resolution.file, imported, attributes, via: [] };
        }
        if (imported === '*') return { kind: 'namespace', module: loaded.module, via: [] };
        const found = this.exported(loaded.module, imported, options.seen);
        return (
          found ?? {
            kind: 'unresolved',
            diagnostic: {
              code: 'unresolved-import',
              severity: 'error',
              message: `"${specifier}" has no export ${imported}`,
              at: module.locate(offset),
            },
          }
        );
      }
    }
  }

  /** Where an export of a module leads. */
  exported(module: Module, name: string, seen = new Set<string>()): Target | undefined {
    const key = `${module.file}\0${name}`;
    if (seen.has(key)) return undefined;
    seen.add(key);
    const declared = module.exports.get(name);
    if (declared?.kind === 'local') return this.local(module, declared.name, seen);
    if (declared?.kind === 'from') {
      const { specifier, imported, offset } = declared;
      return through(module, this.imported({ module, specifier, imported, offset, seen }));
    }
    if (name === 'default') return undefined;
    let external: Target | undefined;
    for (const specifier of module.starExports) {
      const resolution = this.resolver.resolve(specifier, module.file);
      if (resolution.kind === 'file') {
        const loaded = this.#loaded.get(resolution.file);
        if (loaded?.kind === 'module' && !loaded.module.commonJs) {
          const found = this.exported(loaded.module, name, seen);
          if (found !== undefined) return through(module, found);
        } else if (loaded !== undefined && loaded.kind !== 'failed') {
          external ??= {
            kind: 'opaque',
            file: resolution.file,
            imported: name,
            attributes: '',
            via: [module],
          };
        }
      } else if (resolution.kind !== 'unresolved') {
        external ??= {
          kind: 'external',
          resolution,
          imported: name,
          attributes: '',
          importer: module.file,
          via: [module],
        };
      }
    }
    return external;
  }

  /** Where a name of a module leads: to itself, or through its import. */
  local(module: Module, name: string, seen?: Set<string>): Target | undefined {
    const [item] = module.bindings.get(name) ?? [];
    if (item === undefined) return undefined;
    if (item.kind !== 'import') return { kind: 'local', module, name, via: [] };
    if (seen === undefined) return this.target(item);
    const { specifier, imported, attributes } = item.importing!;
    return through(
      module,
      this.imported({ module, specifier, imported, attributes, offset: item.start, seen }),
    );
  }

  /** Every export of a module, by name; `default` too. */
  exportNames(module: Module, seen = new Set<Module>()): Set<string> {
    const names = new Set(module.exports.keys());
    seen.add(module);
    for (const specifier of module.starExports) {
      const resolution = this.resolver.resolve(specifier, module.file);
      const loaded = resolution.kind === 'file' ? this.#loaded.get(resolution.file) : undefined;
      if (loaded?.kind !== 'module' || seen.has(loaded.module)) continue;
      for (const name of this.exportNames(loaded.module, seen)) if (name !== 'default') names.add(name);
    }
    return names;
  }

  /** The items of the user's that a reference leads to, and through which modules. */
  follow(
    module: Module,
    name: string,
  ): { readonly target: Target; readonly items: readonly Item[] } | undefined {
    const target = this.local(module, name);
    if (target === undefined) return undefined;
    const items = target.kind === 'local' ? (target.module.bindings.get(target.name) ?? []) : [];
    return { target, items };
  }

  /** The framework's own name of what a reference means: `Step`, `PipelineController`; else undefined. */
  frameworkName(module: Module, reference: Pick<Reference, 'name' | 'member'>): string | undefined {
    const [item] = module.bindings.get(reference.name) ?? [];
    if (item === undefined) return undefined;
    if (item.kind === 'variable' && item.importing?.viaRequire === true)
      return this.#requiredName(item, reference);
    if (item.kind !== 'import') return undefined;
    const target = this.target(item);
    if (target.kind === 'external' && target.resolution.kind === 'framework') {
      const isNamespace = target.imported === '*' || target.imported === 'default';
      return isNamespace ? (reference.member ?? '*') : target.imported;
    }
    if (target.kind === 'namespace' && reference.member !== undefined) {
      const inner = this.exported(target.module, reference.member);
      if (inner?.kind === 'external' && inner.resolution.kind === 'framework') return inner.imported;
    }
    return undefined;
  }

  /** `const { Step } = require('run-pipeline')`, `const rp = require('run-pipeline')`. */
  #requiredName(item: Item, reference: Pick<Reference, 'name' | 'member'>): string | undefined {
    const { node } = item;
    if (node.type !== 'VariableDeclarator' || item.importing === undefined) return undefined;
    if (this.resolver.resolve(item.importing.specifier, item.module.file, 'require').kind !== 'framework')
      return undefined;
    if (node.id.type === 'Identifier') return reference.member ?? '*';
    if (node.id.type !== 'ObjectPattern') return undefined;
    for (const property of node.id.properties) {
      if (property.type !== 'Property' || property.key.type !== 'Identifier') continue;
      if (property.value.type === 'Identifier' && property.value.name === reference.name)
        return property.key.name;
    }
    return undefined;
  }
}

function through(module: Module, target: Target): Target;
function through(module: Module, target: Target | undefined): Target | undefined;
function through(module: Module, target: Target | undefined): Target | undefined {
  return target === undefined || target.kind === 'unresolved'
    ? target
    : { ...target, via: [module, ...target.via] };
}

function failed(code: string, message: string, at: SourceLocation): Loaded {
  return { kind: 'failed', diagnostic: { code, severity: 'error', message, at } };
}

export const nativeDiagnostic = (module: Module, offset: number, specifier: string): Diagnostic => ({
  code: 'native-relative',
  severity: 'error',
  message: `"${specifier}" is a native add-on of the project: it cannot be bundled`,
  at: module.locate(offset),
  help: 'native add-ons must come from an npm package',
});

interface EsbuildFailure {
  readonly errors?: readonly {
    readonly text: string;
    readonly location: { readonly line: number; readonly column: number } | null;
  }[];
}

function syntaxDiagnostic(file: string, error: unknown): Diagnostic {
  const first = (error as EsbuildFailure).errors?.[0];
  return {
    code: 'syntax',
    severity: 'error',
    message: first?.text ?? (error instanceof Error ? error.message : String(error)),
    at: { file, line: first?.location?.line ?? 1, column: (first?.location?.column ?? 0) + 1 },
  };
}
