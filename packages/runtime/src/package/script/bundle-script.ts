import { basename, dirname, extname, join } from 'node:path';
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import type { BuildOptions, Location, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';
import type { Diagnostic, SourceLocation } from '@run-pipeline/core/model';
import { BUILD_OPTIONS, isBuildFailure, loadSliced, outputsOf, type Bundled } from '../bundle/bundle.js';
import { DEPENDENCY } from '../placeholders.js';
import { projectPath } from '../slice/emit.js';
import type { ImportKind, NpmResolution, Resolver } from '../source/resolve.js';
import type { TrackedFiles } from '../source/tracked-files.js';
import { LOADERS } from '../source/loaders.js';
import { emitModule, type EmittedModule } from './emit-module.js';
import type { ScriptModules } from './modules.js';

interface Context {
  readonly file: string;
  readonly root: string;
  readonly modules: ScriptModules;
  readonly resolver: Resolver;
  readonly files: TrackedFiles;
}

export type BundledScript =
  | { readonly ok: true; readonly bundled: Bundled }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const ENTRY = 'run-pipeline-script';

/** One esbuild build of all that a script consists of; npm packages stay outside. */
export async function bundleScript(context: Context): Promise<BundledScript> {
  const { build, transform } = await import('esbuild');
  const emitted = new Map<string, EmittedModule>();
  const plugin: Plugin = {
    name: 'run-pipeline-script',
    setup(setup) {
      setup.onResolve({ filter: /.*/ }, (args) => resolveInBuild(args, context));
      setup.onLoad({ filter: /.*/, namespace: 'file' }, (args) => {
        const script = context.modules.byFile.get(args.path);
        if (script === undefined) return undefined; // JSON and the like
        const isEntry = args.path === context.file;
        const module = emitModule({ script, root: context.root, source: basename(args.path), isEntry });
        emitted.set(args.path, module);
        return loadSliced(module, transform);
      });
    },
  };
  const options = {
    ...BUILD_OPTIONS,
    // A script is executed as Node executes it: what a comment or a package.json calls pure is no matter.
    ignoreAnnotations: true,
    entryPoints: [{ in: ENTRY, out: '0' }],
    absWorkingDir: context.root,
    plugins: [plugin],
  } satisfies BuildOptions;
  try {
    const result = await build(options);
    return { ok: true, bundled: outputsOf(context.root, result)(0) };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const found = error.errors as readonly { readonly text: string; readonly location: Location | null }[];
    return {
      ok: false,
      diagnostics: found.map(({ text, location }) => ({
        code: 'bundle',
        severity: 'error',
        message: text,
        at: placeOf(location, context, emitted),
      })),
    };
  }
}

function resolveInBuild(args: OnResolveArgs, context: Context): OnResolveResult {
  if (args.kind === 'entry-point') return { path: context.file };
  const kind = args.kind === 'require-call' || args.kind === 'require-resolve' ? 'require' : 'import';
  const resolution = context.resolver.resolve(args.path, args.importer, kind);
  switch (resolution.kind) {
    case 'builtin':
      return { path: resolution.specifier, external: true };
    case 'framework':
      return { path: DEPENDENCY + resolution.specifier, external: true };
    case 'npm':
      return { path: placeholder({ resolution, importer: args.importer, kind, context }), external: true };
    case 'unresolved':
      // Where it may be missing it fails when it runs, as it would without us.
      return context.modules.byFile.get(args.importer)?.optional.has(args.path) === true
        ? { path: args.path, external: true }
        : { errors: [{ text: `cannot resolve "${args.path}": ${resolution.reason}` }] };
    case 'file':
      if (!(extname(resolution.file) in LOADERS)) context.files.note(resolution.file);
      return { path: resolution.file };
  }
}

/** The specifier of an npm package: it says from where only when that makes a difference. */
function placeholder(options: {
  readonly resolution: NpmResolution;
  readonly importer: string;
  readonly kind: ImportKind;
  readonly context: Context;
}): string {
  const { resolution, importer, kind, context } = options;
  const { root, resolver } = context;
  const fromRoot = resolver.resolve(resolution.specifier, join(root, 'package.json'), kind);
  const isRoots = fromRoot.kind === 'npm' && fromRoot.file === resolution.file;
  const query = [
    ...(kind === 'require' ? ['require'] : []),
    ...(isRoots ? [] : [`from=${projectPath(root, dirname(importer))}`]),
  ].join('&');
  return DEPENDENCY + resolution.specifier + (query === '' ? '' : `?${query}`);
}

/** From a place in what the bundler read to the user's source. */
function placeOf(
  location: Location | null,
  context: Context,
  emitted: ReadonlyMap<string, EmittedModule>,
): SourceLocation {
  const fallback = { file: context.file, line: 1, column: 1 };
  if (location === null) return fallback;
  const file = join(context.root, location.file);
  const module = emitted.get(file);
  if (module === undefined) return { file, line: location.line, column: location.column + 1 };
  // esbuild counts columns in bytes.
  const line = module.text.split('\n')[location.line - 1] ?? '';
  const column = Buffer.from(line).subarray(0, location.column).toString('utf8').length;
  const found = originalPositionFor(new TraceMap(module.map), { line: location.line, column });
  return found.line === null ? { ...fallback, file } : { file, line: found.line, column: found.column + 1 };
}
