import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import type { BundlePlace, PortableBundle } from '../../discover/discovery.js';
import type { EnvironmentRequest } from '../../environments/environment.js';
import { installedFile } from '../../package/index.js';
import type { Project } from '../../project/project.js';
import type { LaunchRecord } from '../launch/run-documents.js';
import { assetTree } from './asset-tree.js';

/** How the machine that evaluates a controller provides for it. */
export type Providing = Pick<EnvironmentRequest, 'env' | 'signal' | 'onProgress'>;

/** A controller on this machine. */
export interface PlacedController extends BundlePlace {
  /** Says of an error what it has to do with the project being elsewhere; else gives it back as it is. */
  readonly explain: (error: unknown) => unknown;
}

/**
 * Provides what a controller that was left to agents needs here: its npm packages, from an installation of the
 * project that is exactly as it was, else installed by its lockfile; and, where the user's file is not on
 * this machine, a tree that stands for its directory and holds the assets of its steps. Undefined for
 * a controller that was not packaged for another machine: everything is where it was.
 */
export async function placeController(
  project: Project,
  launch: Pick<LaunchRecord, 'bundle' | 'file' | 'cwd'> & {
    readonly packages: Iterable<readonly [step: string, hash: string]>;
  },
  providing: Providing,
): Promise<PlacedController | undefined> {
  const { bundle, file } = launch;
  if (bundle?.portable === undefined || file === undefined) return undefined;
  const files = await importedFiles(project, bundle.portable, providing);
  if (existsSync(file)) return { files, moduleFile: (path) => path, explain: (error) => error };
  const { root } = bundle.portable;
  const tree = await assetTree(project, { root, packages: [...launch.packages].map(([, hash]) => hash) });
  return {
    files,
    moduleFile: (path) => join(tree, insideOf(root, path)),
    explain: (error) => explained(error, { tree, root, cwd: launch.cwd }),
  };
}

async function importedFiles(
  project: Project,
  { root: launchedIn, imports, closure, closureHash, lock }: PortableBundle,
  providing: Providing,
): Promise<ReadonlyMap<string, string>> {
  if (imports.length === 0) return new Map();
  const { projectHolds, provideEnvironment } = await import('../../environments/index.js');
  const cache = join(project.home, 'cache', 'environments');
  const manifest = { externals: imports.map(([, external]) => external), closure, closureHash };
  // Whoever launched it may have done so from this machine.
  const isThere =
    launchedIn !== project.root &&
    existsSync(launchedIn) &&
    (await projectHolds({ project: launchedIn, manifest, cache }));
  const own = isThere ? launchedIn : project.root;
  const { root, origin } = await provideEnvironment({ cache, lock, manifest, project: own, ...providing });
  return new Map(
    imports.map(([id, external]) => [
      id,
      installedFile(external, {
        root: own,
        runner: 'controller',
        ...(origin === 'cache' ? { modules: root } : {}),
      }),
    ]),
  );
}

/** A path of the project in the tree that stands for it. */
function insideOf(root: string, path: string): string {
  const inside = relative(root, path);
  if (!isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`)) return inside;
  return join('_outside', path.replace(/^[A-Za-z]:/, ''));
}

/** A file that was looked for and is not there: most often one that lies beside the user's source. */
function explained(
  error: unknown,
  { tree, root, cwd }: { readonly tree: string; readonly root: string; readonly cwd: string },
): unknown {
  const thrown = isRunPipelineError(error) ? error.cause : error;
  const { code, path } = (thrown ?? {}) as { readonly code?: unknown; readonly path?: unknown };
  if (code !== 'ENOENT' || typeof path !== 'string') return error;
  const beside = relative(tree, path);
  const isBeside = !isAbsolute(beside) && !beside.startsWith('..');
  if (!isBeside && isAbsolute(path) && !path.startsWith(root + sep)) return error;
  const original = isBeside ? join(root, beside) : isAbsolute(path) ? path : join(cwd, path);
  return new RunPipelineError({
    kind: 'load',
    code: 'file-elsewhere',
    message: `the pipeline's file reads ${original}, which is not on this machine: it runs on an agent, and the file did not come along`,
    ...(isRunPipelineError(error) ? { at: error.at } : {}),
    help: "declare it as an asset of a step (assets: ['./NAME']) and find it by import.meta.url, or give it as a parameter of type 'file'",
    cause: thrown,
  });
}
