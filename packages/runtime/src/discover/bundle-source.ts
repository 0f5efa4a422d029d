import { dirname, resolve } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { ReadSetRecorder, type ReadSet } from '../project/read-set.js';
import { buildError, isBuildFailure } from './build-failure.js';
import type { BundleExternal, SourceBundle } from './discovery.js';
import { recordLookUps, recordManifests, type LookUp } from './look-ups.js';
import { OWN_MAP } from './map-to-source.js';
import { MODULE_NAMES, moduleId } from './module-facts.js';
import { MODULE_PLACEHOLDER } from './placeholder.js';
import { recordTsconfig } from './tsconfig-chain.js';
import { userModules } from './user-modules.js';

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
  const externals = new Map<string, BundleExternal>();
  const modules = new Map([[moduleId(options.file), options.file]]);
  const lookUps = new Map<string, LookUp>();
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
        js: `import { createRequire as __rp_createRequire } from 'node:module';\nconst require = __rp_createRequire(${JSON.stringify(MODULE_PLACEHOLDER + moduleId(options.file))});`,
      },
      define: { ...MODULE_NAMES },
      plugins: [userModules({ entry: options.file, reads, externals, modules, lookUps })],
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
      bundle: {
        code: text('.mjs'),
        map: absoluteSources(text('.map'), dirname(outfile)),
        externals: [...externals.values()].sort(byId),
        modules: [...modules].map(([id, file]) => ({ id, file })).sort(byId),
      },
      reads: reads.result(),
    };
  } catch (error) {
    throw isBuildFailure(error) ? buildError(error, options) : error;
  }
}

const byId = (left: { readonly id: string }, right: { readonly id: string }): number =>
  left.id < right.id ? -1 : 1;

/** tsconfig and package.json files, failed look-ups: what esbuild read without telling. */
function recordEverythingElse(reads: ReadSetRecorder, lookUps: ReadonlyMap<string, LookUp>): void {
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

/** The map's sources as absolute paths, so that it says the same wherever it is kept. */
function absoluteSources(text: string, from: string): string {
  const map = JSON.parse(text) as { sources: (string | null)[] };
  // Virtual modules have a namespace (`module:/path`): no place of the user's.
  map.sources = map.sources.map((source) =>
    source === null || /^(?:module|exports|framework):/.test(source) ? null : resolve(from, source),
  );
  return JSON.stringify({ ...map, [OWN_MAP]: true });
}
