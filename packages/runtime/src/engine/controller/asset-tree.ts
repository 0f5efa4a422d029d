import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashOf } from '../../fingerprint/index.js';
import type { Project } from '../../project/project.js';
import { storedPackage } from '../launch/run-documents.js';

/** Below the cache of a home: trees that stand for directories of projects, which `gc` removes. */
export const ASSET_TREES = 'controllers';

/**
 * A directory that stands for the root of a project which is not on this machine: it holds the assets that the
 * steps of a run declare, where they lie in the project. What a step reads at the top level of its module,
 * the controller reads, too, since it evaluates the whole file. Links to the packages, whose content was
 * verified.
 */
export async function assetTree(
  project: Project,
  options: { readonly root: string; readonly packages: Iterable<string> },
): Promise<string> {
  const assets = new Map<string, string>();
  for (const hash of new Set(options.packages)) {
    const { manifest, directory } = await storedPackage(project, hash);
    for (const { path } of manifest.assets) assets.set(path.replace(/^assets\//, ''), join(directory, path));
  }
  const name = hashOf('controller-tree', [options.root, [...assets].sort()]).slice(0, 40);
  const parent = join(project.home, 'cache', ASSET_TREES);
  const tree = join(parent, name);
  if (await touch(tree)) return tree;
  const unfinished = join(parent, `.${name}-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(unfinished, { recursive: true });
  for (const [path, target] of assets) {
    const link = join(unfinished, path);
    await mkdir(dirname(link), { recursive: true });
    await symlink(target, link);
  }
  try {
    await rename(unfinished, tree);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process has made the same.
    if (!existsSync(tree)) throw error;
  }
  return tree;
}

/** Its time is that of the last use. */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}
