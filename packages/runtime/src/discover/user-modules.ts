import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, extname, resolve, sep } from 'node:path';
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';
import { contentHash, type ReadSetRecorder } from '../project/read-set.js';
import type { BundleExternal } from './discovery.js';
import { FRAMEWORK } from './framework.js';
import type { LookUp } from './look-ups.js';
import { EXPORTS_SPECIFIER, MODULE_SCHEME, moduleFacts, moduleId, withModuleFacts } from './module-facts.js';
import { EXPORTS_HOOK, PLACEHOLDER } from './placeholder.js';

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.json': 'json',
};
const TYPESCRIPT = /\.[cm]?tsx?$/;

/**
 * Says which imports belong to the bundle and which are left to Node, and reads the user's modules; all
 * that it looks at is recorded.
 */
export function userModules(context: {
  readonly entry: string;
  readonly reads: ReadSetRecorder;
  /** By id. */
  readonly externals: Map<string, BundleExternal>;
  /** Modules that ask for their place, by id. */
  readonly modules: Map<string, string>;
  readonly lookUps: Map<string, LookUp>;
}): Plugin {
  const { entry, reads, externals, modules, lookUps } = context;
  // Modules are resolved in any order: neither ids nor importers may depend on it.
  const external = (item: Omit<BundleExternal, 'id'>): OnResolveResult => {
    const id = contentHash(`${item.kind}\0${item.file ?? item.specifier}`).slice(0, 16);
    const known = externals.get(id);
    if (known === undefined || item.importer < known.importer) externals.set(id, { id, ...item });
    return { path: PLACEHOLDER + id, external: true };
  };

  return {
    name: 'user-modules',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.kind === 'entry-point' || args.pluginData === RESOLVING) return undefined;
        if (args.path.startsWith(MODULE_SCHEME))
          return { path: args.path.slice(MODULE_SCHEME.length), namespace: 'module' };
        if (args.path === EXPORTS_SPECIFIER) return { path: args.importer, namespace: 'exports' };
        if (isBuiltin(args.path)) return { path: args.path, external: true };
        if (/^(?:data|https?|file):/.test(args.path)) return { path: args.path, external: true };
        const kind = args.kind === 'require-call' || args.kind === 'require-resolve' ? 'require' : 'import';
        if (FRAMEWORK.test(args.path)) {
          // The framework is ESM: a CommonJS module gets it through a module of the bundle.
          if (kind === 'require') return { path: args.path, namespace: 'framework' };
          return external({
            specifier: args.path,
            importer: args.namespace === 'framework' ? entry : args.importer,
            kind,
          });
        }
        lookUps.set(`${args.importer}\0${args.path}`, { specifier: args.path, importer: args.importer });
        const found = await resolvePackage(build, args);
        if (typeof found !== 'string') return found;
        if (isUserSource(found)) return { path: found };
        reads.probe(found);
        return external({ specifier: args.path, importer: args.importer, kind, file: found });
      });
      build.onResolve({ filter: /\.node$/ }, (args) =>
        args.kind === 'require-call'
          ? external({
              specifier: args.path,
              importer: args.importer,
              kind: 'require',
              file: resolve(args.resolveDir, args.path),
            })
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: 'file' }, (args) => loadModule(args.path, entry, reads));
      build.onLoad({ filter: /.*/, namespace: 'module' }, (args) => {
        modules.set(moduleId(args.path), args.path);
        return { contents: moduleFacts(args.path), loader: 'js' };
      });
      build.onLoad({ filter: /.*/, namespace: 'framework' }, (args) => ({
        contents: `export * from ${JSON.stringify(args.path)};`,
        loader: 'js',
      }));
      build.onLoad({ filter: /.*/, namespace: 'exports' }, (args) => ({
        contents:
          `import * as exports from ${JSON.stringify(args.path)};\n` +
          `globalThis[Symbol.for(${JSON.stringify(EXPORTS_HOOK)})]?.(${JSON.stringify(args.path)}, () => exports);`,
        loader: 'js',
        resolveDir: dirname(args.path),
      }));
    },
  };
}

const RESOLVING = Symbol('resolving');

async function resolvePackage(build: PluginBuild, args: OnResolveArgs): Promise<string | OnResolveResult> {
  const { path, errors, external, warnings } = await build.resolve(args.path, {
    importer: args.importer,
    resolveDir: args.resolveDir,
    kind: args.kind,
    pluginData: RESOLVING,
    with: args.with,
  });
  if (errors.length === 0 && !external && path !== '') return path;
  // An optional dependency: Node's own error comes when it is reached, and can be caught.
  if (args.kind !== 'import-statement') return { path: args.path, external: true };
  const [name] = args.path.startsWith('@') ? [args.path.split('/', 2).join('/')] : args.path.split('/');
  return {
    warnings,
    errors: errors.map((error) => ({
      ...error,
      detail:
        args.path.startsWith('#') || args.path.startsWith('@/') || args.path.startsWith('~')
          ? undefined
          : { install: name },
    })),
  };
}

/** A file of the user's own, or one that Node cannot import as it is. */
function isUserSource(file: string): boolean {
  if (file.endsWith('.node')) return false;
  return !file.includes(`${sep}node_modules${sep}`) || TYPESCRIPT.test(file) || file.endsWith('.json');
}

function loadModule(file: string, entry: string, reads: ReadSetRecorder): OnLoadResult | undefined {
  const loader = LOADERS[extname(file)];
  if (loader === undefined) return undefined; // esbuild says that it knows no loader for it
  let contents: string;
  try {
    contents = readFileSync(file, 'utf8');
  } catch (error) {
    return { errors: [{ text: `${file} cannot be read: ${(error as Error).message}` }] };
  }
  reads.file(file, contents);
  if (loader === 'json') return { contents, loader };
  return { contents: withModuleFacts(file, contents, file === entry), loader, resolveDir: dirname(file) };
}
