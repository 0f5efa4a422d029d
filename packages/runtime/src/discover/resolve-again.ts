import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { RunPipelineError } from '@run-pipeline/core/model';
import type { BundleExternal } from './discovery.js';
import { NODE_RESOLUTION } from './bundle-source.js';

/**
 * Finds packages anew that are not where they were when a bundle was made (another install, another
 * machine): from the module that imports them, or from `fallback` when that is gone too. By esbuild, as
 * the first time: Node's own resolver keeps what it has read of packages.
 */
export async function resolveAgain(
  externals: readonly BundleExternal[],
  fallback: string,
): Promise<ReadonlyMap<BundleExternal, string>> {
  const { build } = await import('esbuild');
  const found = new Map<BundleExternal, string>();
  await build({
    ...NODE_RESOLUTION,
    stdin: { contents: '' },
    bundle: true,
    write: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'resolve-again',
        setup(context) {
          context.onStart(async () => {
            for (const external of externals) {
              const directory = dirname(external.importer);
              const { path, errors } = await context.resolve(external.specifier, {
                kind: external.kind === 'require' ? 'require-call' : 'import-statement',
                resolveDir: existsSync(directory) ? directory : fallback,
              });
              if (errors.length > 0 || path === '') throw notFound(external);
              found.set(external, path);
            }
          });
        },
      },
    ],
  }).catch((error: unknown) => {
    // esbuild wraps what a plugin throws; what is missing tells which it was.
    const missing = externals.find((external) => !found.has(external));
    throw missing === undefined ? error : notFound(missing);
  });
  return found;
}

const notFound = (external: BundleExternal): RunPipelineError =>
  new RunPipelineError({
    kind: 'load',
    code: 'unresolved-import',
    message: `the import "${external.specifier}" of ${external.importer} cannot be found any more`,
    at: { file: external.importer, line: 1, column: 1 },
    help: /^\.{0,2}\//.test(external.specifier)
      ? 'it is a file of the project and part of no npm package: the controller runs where the project lies'
      : 'install the dependencies of the project again (npm ci); on a machine without the project only what was started with --remote can go on',
  });
