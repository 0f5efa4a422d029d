import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { RunPipelineError, type PackageManifest, type TaskPackage } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import type { ProjectPaths } from '../project/project.js';
import type { Asset } from './assets.js';
import { keptSources, type PackageSource } from './bundle/kept-sources.js';
import { contentHash } from './digest.js';
import type { PackedPackage } from './package-archive.js';
import {
  formatPackage,
  packageDirectory,
  packageFile,
  packageHash,
  parseManifest,
  parsePackage,
  type PackageTexts,
} from './package-file.js';

export interface PackageContent {
  readonly manifest: PackageManifest;
  readonly code: string;
  /** Its sources are relative to the project's root. */
  readonly map: string;
  /** Shaped as package-lock.json; undefined without npm dependencies. */
  readonly lock: string | undefined;
  readonly assets: readonly Asset[];
}

interface NewPackage {
  readonly task: TaskPackage;
  readonly texts: PackageTexts;
  readonly assets: readonly NewAsset[];
}

interface NewAsset {
  /** In the directory of assets. */
  readonly path: string;
  place(target: string): void;
}

/**
 * Writes packages so that a killed process leaves each either whole or not there: its assets, then its
 * file, each under a name of its own and then renamed. Two writers of one package write the same bytes.
 *
 * Not synced: unlike a result, a package can be made again from its source, and whoever reads one
 * verifies it. What a power failure may cost is the resumption of a run that started seconds before;
 * what syncing costs is several waits for the disk a step.
 */
export function writePackages(paths: ProjectPaths, contents: readonly PackageContent[]): TaskPackage[] {
  const tasks: TaskPackage[] = [];
  const seen = new Set<string>();
  const missing: NewPackage[] = [];
  for (const { manifest, code, map, lock, assets } of contents) {
    const texts = { code, map, manifest: JSON.stringify(manifest), lock };
    const hash = packageHash(texts);
    const task = { hash, manifest, directory: packageDirectory(paths, hash) };
    tasks.push(task);
    if (seen.has(hash)) continue;
    seen.add(hash);
    if (readPackage(paths, hash) === undefined) missing.push({ task, texts, assets: assets.map(copied) });
  }
  writeAll(paths, missing);
  return tasks;
}

const copied = ({ path, source }: Asset): NewAsset => ({
  path,
  place: (target) => copyFileSync(source, target),
});

/** Keeps a package that another machine made, which was verified. */
export function placePackage(
  paths: ProjectPaths,
  hash: TaskPackage['hash'],
  { texts, assets }: PackedPackage,
): TaskPackage {
  const task = { hash, manifest: parseManifest(texts), directory: packageDirectory(paths, hash) };
  const placed = [...assets].map(([path, bytes]): NewAsset => ({
    path: path.slice('assets/'.length),
    place: (target) => writeFileSync(target, bytes),
  }));
  writeAll(paths, [{ task, texts, assets: placed }]);
  return task;
}

function writeAll(paths: ProjectPaths, missing: readonly NewPackage[]): void {
  const parent = join(paths.home, 'packages');
  try {
    if (missing.length > 0) mkdirSync(parent, { recursive: true });
    for (const each of missing) writePackage(paths, parent, each);
  } catch (cause) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'package-write',
      message: `cannot write packages to ${parent}: ${cause instanceof Error ? cause.message : String(cause)}`,
      help: 'check that the disk has room and that the directory may be written to',
      cause,
    });
  }
}

function writePackage(paths: ProjectPaths, parent: string, { task, texts, assets }: NewPackage): void {
  const temporary = join(parent, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  const file = `${temporary}.mjs`;
  try {
    for (const asset of assets) {
      const target = join(temporary, 'assets', asset.path);
      mkdirSync(dirname(target), { recursive: true });
      asset.place(target);
    }
    if (assets.length > 0) moveInto(temporary, task.directory);
    writeFileSync(file, formatPackage(texts, paths.root));
    crashPoint('package-written');
    // A damaged one in the way is replaced.
    renameSync(file, packageFile(paths, task.hash));
    crashPoint('package-renamed');
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    rmSync(file, { force: true });
    throw error;
  }
}

/** Another writer may be first; damaged assets in the way go aside. */
function moveInto(temporary: string, target: string): void {
  const isTaken = (error: unknown): boolean => {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM' || code === 'ENOTDIR';
  };
  try {
    renameSync(temporary, target);
    return;
  } catch (error) {
    if (!isTaken(error)) throw error;
  }
  const aside = `${temporary}-replaced`;
  renameSync(target, aside);
  try {
    renameSync(temporary, target);
  } catch (error) {
    if (!isTaken(error)) throw error;
    rmSync(temporary, { recursive: true, force: true });
  }
  rmSync(aside, { recursive: true, force: true });
}

/** Reads a package and verifies it (INVARIANTS 22); undefined when it is missing or damaged. */
export function readPackage(paths: ProjectPaths, hash: TaskPackage['hash']): TaskPackage | undefined {
  return readTexts(paths, hash)?.task;
}

/** The assets of a package that was read, by their path in the manifest. */
export const readAssets = ({ manifest, directory }: TaskPackage): ReadonlyMap<string, Uint8Array> =>
  new Map(manifest.assets.map(({ path }) => [path, readFileSync(join(directory, path))]));

/** The text of its lockfile, shaped as package-lock.json; undefined without npm dependencies. */
export function readLock(paths: ProjectPaths, hash: TaskPackage['hash']): string | undefined {
  return readTexts(paths, hash)?.lock;
}

/** The same, with the texts; `root` as the map in the file has it. */
export function readTexts(
  paths: ProjectPaths,
  hash: TaskPackage['hash'],
): (PackageTexts & { readonly task: TaskPackage; readonly root: string }) | undefined {
  const text = readText(packageFile(paths, hash));
  const texts = text === undefined ? undefined : parsePackage(text);
  if (texts === undefined || packageHash(texts) !== hash) return undefined;
  const manifest = parseManifest(texts);
  const directory = packageDirectory(paths, hash);
  const isWhole = manifest.assets.every((asset) => {
    const path = join(directory, asset.path);
    return existsSync(path) && contentHash(readFileSync(path)) === asset.hash;
  });
  return isWhole ? { ...texts, task: { hash, manifest, directory } } : undefined;
}

function readText(path: string): string | undefined {
  try {
    // What is no file has no end, perhaps: a device, a pipe.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** What a package holds of the user's source, that of the step first; undefined when it is missing or damaged. */
export function readPackageSources(
  paths: ProjectPaths,
  hash: TaskPackage['hash'],
): { readonly manifest: PackageManifest; readonly sources: readonly PackageSource[] } | undefined {
  const texts = readTexts(paths, hash);
  return texts && { manifest: texts.task.manifest, sources: keptSources(texts.map) };
}
