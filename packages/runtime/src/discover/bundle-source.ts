import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, extname, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type {
  BuildFailure,
  BuildOptions,
  Loader,
  Message,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
  PluginBuild,
} from 'esbuild';
import { RunPipelineError, type Diagnostic, type SourceLocation } from '@run-pipeline/core/model';
import { ReadSetRecorder, type ReadSet } from '../project/read-set.js';
import type { BundleExternal, SourceBundle } from './discovery.js';
import { FRAMEWORK } from './framework.js';
import { OWN_MAP } from './map-to-source.js';
import { recordLookUps, recordManifests } from './look-ups.js';
import { recordTsconfig } from './tsconfig-chain.js';

/** Placeholder `i` stands for `externals[i]`. */
export const PLACEHOLDER = 'run-pipeline-external:';

/** Where a bundle hands out its entry's exports before the entry's own code runs (see `evaluate`). */
export const EXPORTS_HOOK = 'run-pipeline.loading';

/** Packages are found as Node finds them: it has neither a `module` condition nor a `module` field. */
export const NODE_RESOLUTION = {
  platform: 'node',
  conditions: [],
  mainFields: ['main'],
} satisfies BuildOptions;

/**
 * One ESM bundle of the user's own modules: relative imports, tsconfig paths, workspace packages and
 * whatever npm cannot run as it is (TypeScript, JSON). npm packages and the framework become
 * placeholders. esbuild reads the project's tsconfig itself, so decorators and class fields are as the
 * user's compiler has them, and standard where there is no tsconfig.
 *
 * @throws RunPipelineError of kind `load` with every error esbuild found.
 */
export async function bundleSource(options: {
  /** Absolute. */
  readonly file: string;
  readonly root: string;
}): Promise<{ readonly bundle: SourceBundle; readonly reads: ReadSet }> {
  const { build } = await import('esbuild');
  const reads = new ReadSetRecorder();
  const externals: BundleExternal[] = [];
  const lookUps = new Map<string, { readonly specifier: string; readonly importer: string }>();
  const outfile = resolve(dirname(options.file), 'bundle.mjs');
  try {
    const result = await build({
      entryPoints: [options.file],
      absWorkingDir: options.root,
      outfile,
      write: false,
      format: 'esm',
      ...NODE_RESOLUTION,
      bundle: true,
      target: 'node20',
      keepNames: true,
      sourcemap: 'external',
      sourcesContent: false,
      legalComments: 'none',
      charset: 'utf8',
      logLevel: 'silent',
      metafile: true,
      treeShaking: false,
      banner: {
        js: `import { createRequire as __rp_createRequire } from 'node:module';\nconst require = __rp_createRequire(${JSON.stringify(pathToFileURL(options.file).href)});`,
      },
      define: {
        'import.meta': '__rp_module',
        'require.resolve': '__rp_module.require.resolve',
        'require.cache': '__rp_module.require.cache',
        'require.main': '__rp_module.require.main',
        __dirname: '__rp_module.dirname',
        __filename: '__rp_module.filename',
      },
      plugins: [userModules({ entry: options.file, reads, externals, lookUps })],
    });
    for (const [input, { imports }] of Object.entries(result.metafile.inputs)) {
      const importer = resolve(options.root, input);
      for (const { original } of imports) {
        if (original !== undefined && /^\.{0,2}\//.test(original))
          lookUps.set(`${importer}\0${original}`, { specifier: original, importer });
      }
    }
    recordEverythingElse(reads, lookUps);
    const text = (extension: string): string =>
      result.outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? '';
    return {
      bundle: { code: text('.mjs'), map: absoluteSources(text('.map'), dirname(outfile)), externals },
      reads: reads.result(),
    };
  } catch (error) {
    throw isBuildFailure(error) ? loadError(error, options) : error;
  }
}

/** tsconfig and package.json files, failed look-ups: what esbuild read without telling. */
function recordEverythingElse(
  reads: ReadSetRecorder,
  lookUps: ReadonlyMap<string, { readonly specifier: string; readonly importer: string }>,
): void {
  const mappings = new Map<string, ReturnType<typeof recordTsconfig>>();
  const mappingsOf = (file: string): ReturnType<typeof recordTsconfig> => {
    const directory = dirname(file);
    const known = mappings.get(directory) ?? recordTsconfig(directory, reads);
    mappings.set(directory, known);
    return known;
  };
  for (const file of Object.keys(reads.result().files)) {
    mappingsOf(file);
    recordManifests(file, reads);
  }
  for (const { specifier, importer } of lookUps.values())
    recordLookUps({ specifier, importer }, mappingsOf(importer), reads);
}

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

function userModules(context: {
  readonly entry: string;
  readonly reads: ReadSetRecorder;
  readonly externals: BundleExternal[];
  readonly lookUps: Map<string, { readonly specifier: string; readonly importer: string }>;
}): Plugin {
  const { entry, reads, externals, lookUps } = context;
  const indices = new Map<string, number>();
  const external = (item: BundleExternal): OnResolveResult => {
    const key = `${item.kind}\0${item.file ?? item.specifier}`;
    const index = indices.get(key) ?? externals.push(item) - 1;
    indices.set(key, index);
    return { path: PLACEHOLDER + index, external: true };
  };

  return {
    name: 'user-modules',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.kind === 'entry-point' || args.pluginData === RESOLVING) return undefined;
        if (args.path.startsWith(MODULE_SCHEME))
          return { path: args.path.slice(MODULE_SCHEME.length), namespace: 'module' };
        if (args.path === EXPORTS_SCHEME) return { path: args.importer, namespace: 'exports' };
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
      build.onLoad({ filter: /.*/, namespace: 'module' }, (args) => ({
        contents: moduleFacts(args.path),
        loader: 'js',
      }));
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
const MODULE_SCHEME = 'run-pipeline-module:';
const EXPORTS_SCHEME = 'run-pipeline-exports';

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

/**
 * Binds `import.meta`, `__dirname` and `require.resolve` (which `define` turns into `__rp_module`) to
 * the original file. ESM: by an import at the end, which is hoisted and moves no line. CommonJS: in
 * front of the first line.
 */
function withModuleFacts(file: string, contents: string, isEntry: boolean): string {
  const used = /import\.meta|import\s*\.\s*meta|__dirname|__filename|\brequire\b/.test(contents);
  const specifier = JSON.stringify(MODULE_SCHEME + file);
  if (!isEsm(file, contents)) {
    if (!used) return contents;
    const strict = /^\s*(['"])use strict\1;?/.exec(contents)?.[0] ?? '';
    const shebang = contents.startsWith('#!') ? '//' : '';
    return shebang === ''
      ? `${strict}var __rp_module=require(${specifier}).module;${contents.slice(strict.length)}`
      : contents.replace(/^#![^\n]*/, `var __rp_module=require(${specifier}).module;`);
  }
  return (
    contents +
    (used ? `\nimport { module as __rp_module } from ${specifier};` : '') +
    (isEntry ? `\nimport ${JSON.stringify(EXPORTS_SCHEME)};` : '')
  );
}

/** As esbuild decides it: by the syntax, unless the extension does. */
function isEsm(file: string, contents: string): boolean {
  const extension = extname(file);
  if (extension === '.mts' || extension === '.mjs') return true;
  if (extension === '.cts' || extension === '.cjs')
    return /^\s*(?:import\b(?!\s*\()|export\b)/m.test(contents) && extension === '.cts';
  return (
    /(?:^|[;}*/])\s*(?:import\s*["'{*\w$]|export\s*[{*\w])|import\s*\.\s*meta|^\s*(?:\}\s*)?await\b/m.test(
      contents,
    ) || !/\b(?:module\s*\.\s*exports|exports\s*\.|require\s*\()/.test(contents)
  );
}

/** What Node gives a module, for the original file. */
function moduleFacts(file: string): string {
  const url = pathToFileURL(file).href;
  return [
    `import { createRequire } from 'node:module';`,
    `import { pathToFileURL } from 'node:url';`,
    `const require = createRequire(${JSON.stringify(url)});`,
    `export const module = {`,
    `  url: ${JSON.stringify(url)},`,
    `  filename: ${JSON.stringify(file)},`,
    `  dirname: ${JSON.stringify(dirname(file))},`,
    `  main: false,`,
    `  resolve: (specifier) => /^(?:\\.{0,2}\\/|file:)/.test(specifier) ? new URL(specifier, ${JSON.stringify(url)}).href`,
    `    : /^node:/.test(specifier) ? specifier : pathToFileURL(require.resolve(specifier)).href,`,
    `  require,`,
    `};`,
  ].join('\n');
}

/** The map's sources as absolute paths, so that it says the same wherever it is kept. */
function absoluteSources(text: string, from: string): string {
  const map = JSON.parse(text) as { sources: (string | null)[] };
  // Virtual modules have a namespace (`module:/path`): no place of the user's.
  map.sources = map.sources.map((source) =>
    source === null || /^(?:module|exports|framework):/.test(source) ? null : resolve(from, source),
  );
  return JSON.stringify({ ...map, [OWN_MAP]: true });
}

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);

function loadError(
  failure: BuildFailure,
  options: { readonly file: string; readonly root: string },
): RunPipelineError {
  const diagnostics = failure.errors.map((message) => toDiagnostic(message, options.root));
  const first = diagnostics[0];
  return new RunPipelineError({
    kind: 'load',
    code: first?.code ?? 'load-failed',
    message: diagnostics.map(({ message }) => message).join('\n') || `${options.file} cannot be loaded`,
    at: first?.at,
    help: first?.help,
    diagnostics,
  });
}

function toDiagnostic(message: Message, root: string): Diagnostic {
  const at = toLocation(message, root);
  const unresolved = /^Could not resolve "(.*)"$/.exec(message.text)?.[1];
  const install = (message.detail as { install?: string } | undefined)?.install;
  const related = message.notes
    .filter(({ location }) => location !== null)
    .map((note) => ({ message: note.text, ...placed(toLocation(note, root)) }));
  return {
    code:
      unresolved === undefined
        ? /cannot be read/.test(message.text)
          ? 'unreadable-file'
          : 'syntax-error'
        : 'unresolved-import',
    severity: 'error',
    message: unresolved === undefined ? message.text : `the import "${unresolved}" cannot be found`,
    ...placed(at),
    ...(related.length === 0 ? {} : { related }),
    ...(unresolved === undefined
      ? {}
      : {
          help:
            install === undefined
              ? 'check the path, its letter case and `paths` in tsconfig.json'
              : `npm install ${install}`,
        }),
  };
}

const placed = (at: SourceLocation | undefined): { at?: SourceLocation } => (at === undefined ? {} : { at });

function toLocation(message: Pick<Message, 'location'>, root: string): SourceLocation | undefined {
  const { location } = message;
  if (location === null) return undefined;
  const file = location.file.startsWith('file:')
    ? fileURLToPath(location.file)
    : resolve(root, location.file);
  // esbuild counts columns in bytes, V8 in UTF-16 units.
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString('utf8').length;
  return { file, line: location.line, column: before + 1 };
}
