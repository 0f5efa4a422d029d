import { isBuiltin } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveInMap } from './package-exports.js';
import type { TrackedFiles } from './tracked-files.js';
import type { TsConfigs } from './tsconfig.js';

/** What an import specifier stands for. */
export type Resolution =
  /** A file of the user's own, bundled: relative, by tsconfig paths, `#imports` or a workspace link. */
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'builtin'; readonly specifier: string }
  | { readonly kind: 'framework'; readonly specifier: string }
  | NpmResolution
  | { readonly kind: 'unresolved'; readonly reason: string };

export interface NpmResolution {
  readonly kind: 'npm';
  readonly specifier: string;
  readonly package: InstalledPackage;
  /** Absolute. */
  readonly file: string;
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Absolute, links followed. */
  readonly directory: string;
}

export const FRAMEWORK_PACKAGES: readonly string[] = ['run-pipeline', '@run-pipeline/core'];

/** How an import is written: `require` and `import` can reach different files of one package. */
export type ImportKind = 'import' | 'require';

const IMPORT = new Set(['node', 'import', 'module-sync']);
const REQUIRE = new Set(['node', 'require', 'module-sync']);
/** In esbuild's order, which is how the user's file is loaded to find its pipelines. */
const EXTENSIONS = ['.tsx', '.ts', '.jsx', '.js', '.mts', '.mjs', '.cts', '.cjs', '.json'];
/** TypeScript sources are imported by the name that they will have once compiled. */
const COMPILED_FROM: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};

const NODE_MODULES = `${sep}node_modules${sep}`;

export class Resolver {
  readonly #files: TrackedFiles;
  readonly #tsconfigs: TsConfigs;
  readonly #known = new Map<string, Resolution>();

  constructor(files: TrackedFiles, tsconfigs: TsConfigs) {
    this.#files = files;
    this.#tsconfigs = tsconfigs;
  }

  resolve(specifier: string, importer: string, kind: ImportKind = 'import'): Resolution {
    const key = `${kind}\0${dirname(importer)}\0${specifier}`;
    let resolution = this.#known.get(key);
    if (resolution === undefined) {
      resolution = this.#find(specifier, importer, kind === 'import' ? IMPORT : REQUIRE);
      this.#known.set(key, resolution);
    }
    return resolution;
  }

  #find(specifier: string, importer: string, conditions: ReadonlySet<string>): Resolution {
    if (isBuiltin(specifier)) {
      return { kind: 'builtin', specifier: specifier.startsWith('node:') ? specifier : `node:${specifier}` };
    }
    const { name } = splitSpecifier(specifier);
    if (FRAMEWORK_PACKAGES.includes(name)) return { kind: 'framework', specifier };
    if (specifier.startsWith('file:')) return this.#asFile(fileURLToPath(specifier), specifier);
    if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..' || isAbsolute(specifier)) {
      return this.#asFile(resolve(dirname(importer), specifier), specifier);
    }
    const mapped = this.#byTsconfigPaths(specifier, importer);
    if (mapped !== undefined) return { kind: 'file', file: this.#files.realPath(mapped) };
    if (specifier.startsWith('#')) return this.#byImportsMap(specifier, importer, conditions);
    return this.#installed(specifier, importer, conditions);
  }

  #asFile(path: string, specifier: string): Resolution {
    const file = this.#file(path);
    return file === undefined
      ? { kind: 'unresolved', reason: `there is no file ${specifier}` }
      : { kind: 'file', file: this.#files.realPath(file) };
  }

  #file(path: string): string | undefined {
    if (this.#files.isFile(path)) return path;
    const extension = extname(path);
    for (const source of COMPILED_FROM[extension] ?? []) {
      const candidate = path.slice(0, -extension.length) + source;
      if (this.#files.isFile(candidate)) return candidate;
    }
    for (const added of EXTENSIONS) {
      if (this.#files.isFile(path + added)) return path + added;
    }
    if (this.#files.kind(path) !== 'directory') return undefined;
    const main = this.#files.readJson(join(path, 'package.json'))?.['main'];
    const fromMain = typeof main === 'string' ? this.#file(resolve(path, main)) : undefined;
    return (
      fromMain ??
      EXTENSIONS.map((added) => join(path, `index${added}`)).find((file) => this.#files.isFile(file))
    );
  }

  #byTsconfigPaths(specifier: string, importer: string): string | undefined {
    const { paths, pathsBase, baseUrl } = this.#tsconfigs.of(importer);
    if (pathsBase !== undefined) {
      const patterns = Object.keys(paths).sort((a, b) => b.indexOf('*') - a.indexOf('*'));
      for (const pattern of patterns) {
        const [before = '', after] = pattern.split('*');
        const fits =
          after === undefined
            ? specifier === pattern
            : specifier.length >= before.length + after.length &&
              specifier.startsWith(before) &&
              specifier.endsWith(after);
        if (!fits) continue;
        const star =
          after === undefined ? '' : specifier.slice(before.length, specifier.length - after.length);
        for (const target of paths[pattern] ?? []) {
          const found = this.#file(resolve(pathsBase, target.replace('*', star)));
          if (found !== undefined && !found.endsWith('.d.ts')) return found;
        }
      }
    }
    return baseUrl === undefined ? undefined : this.#file(resolve(baseUrl, specifier));
  }

  #byImportsMap(specifier: string, importer: string, conditions: ReadonlySet<string>): Resolution {
    const scope = this.#scope(dirname(importer));
    const target =
      scope === undefined
        ? undefined
        : resolveInMap({ map: scope.json['imports'], key: specifier, conditions });
    if (scope === undefined || target === undefined) {
      return { kind: 'unresolved', reason: `no package.json above it maps ${specifier} in "imports"` };
    }
    return target.startsWith('.')
      ? this.#asFile(resolve(scope.directory, target), specifier)
      : this.#find(target, join(scope.directory, 'package.json'), conditions);
  }

  #installed(specifier: string, importer: string, conditions: ReadonlySet<string>): Resolution {
    const { name, subpath } = splitSpecifier(specifier);
    const self = this.#scope(dirname(importer));
    if (self?.json['name'] === name && self.json['exports'] !== undefined) {
      const target = resolveInMap({ map: self.json['exports'], key: subpath, conditions });
      if (target !== undefined) return this.#asFile(resolve(self.directory, target), specifier);
    }
    const directory = this.installedDirectory(name, dirname(importer));
    if (directory === undefined) {
      return { kind: 'unresolved', reason: `the package ${name} is not installed` };
    }
    const real = this.#files.realPath(directory);
    const file = this.#inPackage(real, subpath, conditions);
    if (file === undefined) {
      return {
        kind: 'unresolved',
        reason: `the package ${name} offers no ${subpath === '.' ? 'entry' : subpath}`,
      };
    }
    const realFile = this.#files.realPath(file);
    if (!realFile.includes(NODE_MODULES)) return { kind: 'file', file: realFile };
    const owner = this.packageAt(real) ?? { name, version: '0.0.0', directory: real };
    return { kind: 'npm', specifier, package: owner, file: realFile };
  }

  /** The `node_modules/<name>` that Node would find from a directory. */
  installedDirectory(name: string, from: string): string | undefined {
    for (let at = from; ; at = dirname(at)) {
      if (!at.endsWith(`${sep}node_modules`)) {
        const candidate = join(at, 'node_modules', name);
        if (this.#files.kind(candidate) === 'directory') return candidate;
      }
      if (dirname(at) === at) return undefined;
    }
  }

  /** The `type` of the nearest package.json above a file. */
  moduleType(file: string): unknown {
    return this.#scope(dirname(file))?.json['type'];
  }

  packageAt(directory: string): InstalledPackage | undefined {
    const json = this.#files.readJson(join(directory, 'package.json'));
    if (json === undefined || typeof json['name'] !== 'string') return undefined;
    const version = typeof json['version'] === 'string' ? json['version'] : '0.0.0';
    return { name: json['name'], version, directory };
  }

  #inPackage(directory: string, subpath: string, conditions: ReadonlySet<string>): string | undefined {
    const json = this.#files.readJson(join(directory, 'package.json')) ?? {};
    if (json['exports'] !== undefined && json['exports'] !== null) {
      const target = resolveInMap({ map: json['exports'], key: subpath, conditions });
      return target === undefined ? undefined : this.#file(resolve(directory, target));
    }
    if (subpath !== '.') return this.#file(resolve(directory, subpath));
    const main = typeof json['main'] === 'string' ? this.#file(resolve(directory, json['main'])) : undefined;
    return main ?? this.#file(join(directory, 'index'));
  }

  /** The nearest package.json above. */
  #scope(directory: string): { directory: string; json: Record<string, unknown> } | undefined {
    for (let at = directory; ; at = dirname(at)) {
      const json = this.#files.readJson(join(at, 'package.json'));
      if (json !== undefined) return { directory: at, json };
      if (dirname(at) === at) return undefined;
    }
  }
}

/** `@scope/name/sub/path` to `@scope/name` and `./sub/path`. */
export function splitSpecifier(specifier: string): { name: string; subpath: string } {
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  const rest = specifier.slice(name.length);
  return { name, subpath: rest === '' ? '.' : `.${rest}` };
}
