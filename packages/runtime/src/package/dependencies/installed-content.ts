import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { ClosureEntry, PackageManifest } from '@run-pipeline/core/model';
import { STATE_FILES } from '../installation-mark.js';
import { directoryWithin } from '../materialise.js';
import { Resolver, type InstalledPackage } from '../source/resolve.js';
import { TrackedFiles } from '../source/tracked-files.js';
import { TsConfigs } from '../source/tsconfig.js';
import { Closures, CONTENT, contentIdentity, PATCHED } from './closure.js';

/**
 * Whether what is installed in a directory is what a package was made with: version and content of its
 * whole closure, found and compared as the packager did it. The answer is `undefined` for no, and for
 * yes the files by which a later installation would show.
 */
export function installedAsPackaged(
  root: string,
  manifest: Pick<PackageManifest, 'externals' | 'closure'>,
): readonly string[] | undefined {
  const files = new TrackedFiles();
  const resolver = new Resolver(files, new TsConfigs(files));
  const direct: InstalledPackage[] = [];
  for (const external of manifest.externals) {
    if (external.kind !== 'npm') continue;
    const directory = directoryWithin(external, root);
    const installed = directory === undefined ? undefined : resolver.packageAt(directory);
    if (installed === undefined) return undefined;
    if (!direct.some((each) => each.directory === installed.directory)) direct.push(installed);
  }
  const closures = new Closures({ files, resolver, root: realpathSync.native(root) });
  const { found } = closures.installed(direct);
  const wanted = new Set(manifest.closure.map(labelOf));
  const missing = new Set(wanted);
  const watched = STATE_FILES.map((name) => join(root, name));
  for (const [directory, entry] of found) {
    // What npm had just unpacked when the package was made was known by its content then.
    const byContent = (): string => labelOf({ ...entry, integrity: contentIdentity(files, directory) });
    const label = wanted.has(labelOf(entry)) ? labelOf(entry) : byContent();
    if (!wanted.has(label)) return undefined;
    missing.delete(label);
    watched.push(join(directory, 'package.json'));
    // Whoever edits a package where it lies edits it again.
    if (label.includes(` ${CONTENT}`)) watched.push(...files.filesBelow(directory));
  }
  return missing.size === 0 ? watched : undefined;
}

const labelOf = (entry: ClosureEntry): string => `${entry.name}@${entry.version} ${entry.integrity ?? ''}`;

/** Is a package known by its content, because no registry vouches for it? */
export const isContent = (integrity: string | undefined): boolean => integrity?.startsWith(CONTENT) === true;
export const isPatched = (integrity: string | undefined): boolean => integrity?.includes(PATCHED) === true;

/** The content of the package in a directory, as the closure of a manifest names it. */
export const contentOf = (directory: string): string => contentIdentity(new TrackedFiles(), directory);
