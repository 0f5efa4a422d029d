import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type * as Esbuild from 'esbuild';
import type {
  BuildOptions,
  BuildResult,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
} from 'esbuild';
import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import { DEPENDENCY, FILE, NAMESPACE, SLICE } from '../placeholders.js';
import { projectPath, type SlicedModule } from '../slice/emit.js';
import type { Resolver } from '../source/resolve.js';
import type { TrackedFiles } from '../source/tracked-files.js';
import { prependLines, type MappedCode } from './mappings.js';

/** One step to bundle: its sliced modules, the entry among them. */
export interface BundleRequest {
  readonly key: string;
  /** What messages call the step. */
  readonly name: string;
  readonly entry: string;
  readonly modules: readonly SlicedModule[];
  /** For messages. */
  readonly at: SourceLocation;
}

export interface Bundled extends MappedCode {
  /** Specifiers with the placeholder's prefix, as they stand in the code. */
  readonly dependencies: readonly string[];
  /** Files that were bundled as they are: CommonJS, JSON. Absolute. */
  readonly files: readonly string[];
}

export interface BundleResult {
  readonly bundles: ReadonlyMap<string, Bundled>;
  readonly diagnostics: ReadonlyMap<string, readonly Diagnostic[]>;
}

const VIRTUAL = 'run-pipeline';
const EMPTY = 'run-pipeline-empty';
const ENTRY = 'run-pipeline-entry:';
const OUT = '.run-pipeline-out';

/**
 * One esbuild build for all steps: every step is an entry of its own, nothing is shared between the
 * outputs. When the build fails, steps are built one by one to tell whose fault it is.
 */
export async function bundle(options: {
  readonly requests: readonly BundleRequest[];
  readonly root: string;
  readonly resolver: Resolver;
  readonly files: TrackedFiles;
}): Promise<BundleResult> {
  const bundles = new Map<string, Bundled>();
  const diagnostics = new Map<string, readonly Diagnostic[]>();
  if (options.requests.length === 0) return { bundles, diagnostics };
  try {
    for (const [key, each] of await build(options, options.requests)) bundles.set(key, each);
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    if (options.requests.length === 1) {
      const [request] = options.requests;
      diagnostics.set(
        request!.key,
        error.errors.map((each) => bundleDiagnostic(each, request!)),
      );
      return { bundles, diagnostics };
    }
    for (const request of options.requests) {
      const alone = await bundle({ ...options, requests: [request] });
      for (const [key, each] of alone.bundles) bundles.set(key, each);
      for (const [key, each] of alone.diagnostics) diagnostics.set(key, each);
    }
  }
  return { bundles, diagnostics };
}

/** What decides the text of every package. */
export const BUILD_OPTIONS = {
  outdir: OUT,
  bundle: true,
  splitting: false,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  write: false,
  metafile: true,
  treeShaking: true,
  minifyWhitespace: true,
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'silent',
  tsconfigRaw: {},
} satisfies BuildOptions;

type Transform = typeof Esbuild.transform;

interface Context {
  readonly root: string;
  readonly resolver: Resolver;
  readonly files: TrackedFiles;
}

interface VirtualModule {
  readonly sliced: SlicedModule;
  /** By the id that the text imports: the path that it has in the build. */
  readonly children: ReadonlyMap<string, string>;
}

async function build(context: Context, requests: readonly BundleRequest[]): Promise<Map<string, Bundled>> {
  const { build: run, transform } = await import('esbuild');
  const modules = new Map<string, VirtualModule>();
  const entries = requests.map((request, index) => virtualModules(request, index, modules));
  const plugin: Plugin = {
    name: 'run-pipeline',
    setup(setup) {
      setup.onResolve({ filter: /.*/ }, (args) => resolveInBuild(args, { context, modules, entries }));
      setup.onLoad({ filter: /.*/, namespace: EMPTY }, () => ({ contents: '', loader: 'js' }));
      setup.onLoad({ filter: /.*/, namespace: VIRTUAL }, async (args) => {
        const { sliced } = modules.get(args.path)!;
        return loadSliced(sliced, transform);
      });
    },
  };
  const buildOptions = {
    ...BUILD_OPTIONS,
    entryPoints: requests.map((_request, index) => ({ in: `${ENTRY}${index}`, out: String(index) })),
    absWorkingDir: context.root,
    plugins: [plugin],
  } satisfies BuildOptions;
  const result: BuildResult<typeof buildOptions> = await run(buildOptions);
  return collect(context, requests, result);
}

function collect(
  context: Context,
  requests: readonly BundleRequest[],
  result: BuildOutput,
): Map<string, Bundled> {
  const outputOf = outputsOf(context.root, result);
  return new Map(requests.map((request, index) => [request.key, outputOf(index)]));
}

export type BuildOutput = BuildResult<{ metafile: true; write: false }>;

/** The outputs of a build, by the number that is their name. */
export function outputsOf(root: string, result: BuildOutput): (index: number) => Bundled {
  const texts = new Map(result.outputFiles.map((file) => [basename(file.path), file.text]));
  return (index) => {
    const output = result.metafile.outputs[`${OUT}/${index}.js`]!;
    let mapped: MappedCode = {
      code: texts.get(`${index}.js`) ?? '',
      map: texts.get(`${index}.js.map`) ?? '{}',
    };
    mapped = { ...mapped, map: relativeSources(mapped.map, Object.keys(output.inputs)) };
    if (mapped.code.includes('__require(')) mapped = prependLines(mapped, [REQUIRE]);
    const dependencies = output.imports
      .filter((each) => each.path.startsWith(DEPENDENCY))
      .map((each) => each.path);
    const files = Object.keys(output.inputs)
      .filter((input) => !input.startsWith(`${VIRTUAL}:`))
      .map((input) => join(root, input));
    return { ...mapped, dependencies: [...new Set(dependencies)].sort(), files: files.sort() };
  };
}

/** `require` for bundled CommonJS: it also takes the file URLs that placeholders become. */
const REQUIRE =
  'import{createRequire as __runPipelineRequire}from"node:module";import{fileURLToPath as __runPipelineFile}from"node:url";' +
  'const require=(base=>Object.assign(id=>base(id.startsWith("file:")?__runPipelineFile(id):id),base))(__runPipelineRequire(import.meta.url));';

/**
 * esbuild names the sources relative to the output directory and by namespace, and as URLs in which `#`
 * and `%` stand as they are. They become URLs relative to the root; `inputs` are its paths of the same files.
 */
function relativeSources(text: string, inputs: readonly string[]): string {
  const paths = new Map(inputs.map(withoutNamespace).map((path) => [decoded(path), path]));
  const map = JSON.parse(text) as { sources: string[] };
  map.sources = map.sources.map((source) => {
    const path = decoded(withoutNamespace(source.replace(/^\.\.\//, '')));
    return encodeURI(paths.get(path) ?? path).replace(/[?#]/g, encodeURIComponent);
  });
  return JSON.stringify(map);
}

const withoutNamespace = (path: string): string =>
  path.replace(/^run-pipeline:/, '').replace(/\?[0-9a-f.]+$/, '');

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Gives the modules of a step paths by content: equal slices of two steps are parsed once. */
function virtualModules(request: BundleRequest, index: number, all: Map<string, VirtualModule>): string {
  const byId = new Map(request.modules.map((module) => [module.id, module]));
  const keys = new Map<string, string>();
  const open = new Set<string>();
  let isCyclic = false;
  const keyOf = (id: string): string => {
    const known = keys.get(id);
    if (known !== undefined) return known;
    const module = byId.get(id);
    if (module === undefined || open.has(id)) {
      isCyclic = true;
      return '';
    }
    open.add(id);
    const hash = createHash('sha256').update(id).update('\0').update(module.text);
    for (const child of module.imports) hash.update('\0').update(keyOf(child));
    open.delete(id);
    const key = hash.digest('hex').slice(0, 16);
    keys.set(id, key);
    return key;
  };
  for (const module of request.modules) keyOf(module.id);
  if (isCyclic) {
    const hash = createHash('sha256');
    for (const id of [...byId.keys()].sort())
      hash.update(id).update('\0').update(byId.get(id)!.text).update('\0');
    const key = hash.digest('hex').slice(0, 16);
    for (const id of byId.keys()) keys.set(id, key);
  }
  // Two inline functions of one file can have equal texts: an entry is shared only when a module of
  // its own step imports it (its path can then show in the output, so it must not hold the index).
  const isImported = request.modules.some((module) => module.imports.includes(request.entry));
  const pathOf = (id: string): string => {
    const path = id.startsWith(SLICE) ? id.slice(SLICE.length) : `namespace/${id.slice(NAMESPACE.length)}`;
    return `${path}?${keys.get(id)}${id === request.entry && !isImported ? `.${index}` : ''}`;
  };
  for (const module of request.modules) {
    const path = pathOf(module.id);
    const children = new Map(module.imports.map((id) => [id, byId.has(id) ? pathOf(id) : '']));
    if (!all.has(path)) all.set(path, { sliced: module, children });
  }
  return pathOf(request.entry);
}

function resolveInBuild(
  args: OnResolveArgs,
  build: {
    readonly context: Context;
    readonly modules: ReadonlyMap<string, VirtualModule>;
    readonly entries: readonly string[];
  },
): OnResolveResult {
  const { context, modules, entries } = build;
  if (args.path.startsWith(ENTRY))
    return { path: entries[Number(args.path.slice(ENTRY.length))]!, namespace: VIRTUAL };
  if (args.path.startsWith(DEPENDENCY)) return { path: args.path, external: true };
  if (args.path.startsWith(FILE)) return { path: join(context.root, args.path.slice(FILE.length)) };
  const importing = args.namespace === VIRTUAL ? modules.get(args.importer) : undefined;
  if (args.path.startsWith(SLICE) || args.path.startsWith(NAMESPACE)) {
    const path = importing?.children.get(args.path);
    // A module of which nothing is left is not part of the slice.
    return path === undefined || path === ''
      ? { path: args.path, namespace: EMPTY }
      : { path, namespace: VIRTUAL };
  }
  const importer = importing?.sliced.module.file ?? args.importer;
  const kind = args.kind === 'require-call' || args.kind === 'require-resolve' ? 'require' : 'import';
  const resolution = context.resolver.resolve(args.path, importer, kind);
  switch (resolution.kind) {
    case 'builtin':
      return { path: resolution.specifier, external: true };
    case 'framework':
      return { path: DEPENDENCY + resolution.specifier, external: true };
    case 'npm': {
      const from = projectPath(context.root, dirname(importer));
      return {
        path: `${DEPENDENCY}${resolution.specifier}?${kind === 'require' ? 'require&' : ''}from=${from}`,
        external: true,
      };
    }
    case 'unresolved':
      return { errors: [{ text: `cannot resolve "${args.path}": ${resolution.reason}` }] };
    case 'file':
      if (resolution.file.endsWith('.node')) {
        return {
          errors: [
            { text: `"${args.path}" is a native add-on of the project: it must come from an npm package` },
          ],
        };
      }
      context.files.note(resolution.file);
      return { path: resolution.file };
  }
}

/** Decorators of the user's own, and fields, become what the module's tsconfig says. */
export async function loadSliced(
  sliced: Pick<SlicedModule, 'module' | 'text' | 'map' | 'hasClasses'>,
  transform: Transform,
): Promise<OnLoadResult> {
  const { compilerOptions, file } = sliced.module;
  const inline = (map: string): string =>
    `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  const contents = sliced.text + (sliced.map === undefined ? '' : inline(sliced.map));
  const isLegacy = compilerOptions.experimentalDecorators && sliced.text.includes('@');
  const resolveDir = dirname(file);
  if (!sliced.hasClasses || (!isLegacy && compilerOptions.useDefineForClassFields)) {
    return { contents, loader: 'js', resolveDir };
  }
  const lowered = await transform(contents, {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcefile: basename(file),
    sourcemap: 'inline',
    sourcesContent: false,
    minifyWhitespace: true,
    charset: 'utf8',
    tsconfigRaw: {
      compilerOptions: {
        experimentalDecorators: compilerOptions.experimentalDecorators,
        useDefineForClassFields: compilerOptions.useDefineForClassFields,
        verbatimModuleSyntax: true,
      },
    },
  });
  return { contents: lowered.code, loader: 'js', resolveDir };
}

interface BuildFailure {
  readonly errors: readonly { readonly text: string }[];
}

export function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as { errors?: unknown }).errors);
}

function bundleDiagnostic(error: { readonly text: string }, request: BundleRequest): Diagnostic {
  const code = error.text.startsWith('cannot resolve')
    ? 'unresolved-import'
    : error.text.includes('native add-on')
      ? 'native-relative'
      : 'bundle';
  return { code, severity: 'error', message: `step ${request.name}: ${error.text}`, at: request.at };
}
