import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RunPipelineError, type PackageManifest, type TaskPackage } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import type { ProjectPaths } from '../project/project.js';
import type { Asset } from './assets.js';
import { contentHash, hashOf } from './digest.js';
import { packageDirectory } from './package-directory.js';

export interface PackageContent {
  readonly manifest: PackageManifest;
  readonly code: string;
  /** Its sources are relative to the project's root. */
  readonly map: string;
  /** Shaped as package-lock.json; undefined without npm dependencies. */
  readonly lock: string | undefined;
  readonly assets: readonly Asset[];
}

const CODE = 'task.mjs';
const MAP = 'task.mjs.map';
const MANIFEST = 'manifest.json';
const LOCK = 'lock.json';

/** The texts of a package by file name; `lock.json` only where there are npm dependencies. */
type Files = ReadonlyMap<string, string>;

/**
 * Names a package: over all of its files (assets by their hashes, which the manifest holds), but not
 * over the place of the project, which the map on disk names so that it can be used as it is.
 */
function packageHash(files: Files): TaskPackage['hash'] {
  return hashOf('package', ...[CODE, MAP, MANIFEST, LOCK].map((name) => files.get(name) ?? ''));
}

const ROOT = /^\{"sourceRoot":"[^"]*",/;
const withRoot = (map: string, root: string): string =>
  `{"sourceRoot":${JSON.stringify(sourceRoot(root))},${map.slice(1)}`;
export const sourceRoot = (root: string): string => `${pathToFileURL(root).href}/`;

interface NewPackage {
  readonly task: TaskPackage;
  readonly files: Files;
  readonly assets: readonly Asset[];
}

/**
 * Writes packages so that a killed process leaves each either whole or not there: into a directory of
 * its own, then renamed. Two writers of one package write the same bytes: the later one finds it.
 *
 * Not synced: unlike a result, a package can be made again from its source, and whoever reads one
 * verifies it. What a power failure may cost is the resumption of a run that started seconds before;
 * what syncing costs is five waits for the disk a step.
 */
export function writePackages(paths: ProjectPaths, contents: readonly PackageContent[]): TaskPackage[] {
  const tasks: TaskPackage[] = [];
  const seen = new Set<string>();
  const missing: NewPackage[] = [];
  for (const content of contents) {
    const files = new Map([
      [CODE, content.code],
      [MAP, content.map],
      [MANIFEST, JSON.stringify(content.manifest)],
    ]);
    if (content.lock !== undefined) files.set(LOCK, content.lock);
    const hash = packageHash(files);
    const task = { hash, manifest: content.manifest, directory: packageDirectory(paths, hash) };
    tasks.push(task);
    if (seen.has(hash)) continue;
    seen.add(hash);
    if (readPackage(paths, hash) === undefined) missing.push({ task, files, assets: content.assets });
  }
  const parent = join(paths.home, 'packages');
  try {
    if (missing.length > 0) mkdirSync(parent, { recursive: true });
    for (const each of missing) writePackage({ parent, root: paths.root, ...each });
  } catch (cause) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'package-write',
      message: `cannot write packages to ${parent}: ${cause instanceof Error ? cause.message : String(cause)}`,
      help: 'check that the disk has room and that the directory may be written to',
      cause,
    });
  }
  return tasks;
}

function writePackage(options: NewPackage & { readonly parent: string; readonly root: string }): void {
  const { parent, root, task, files, assets } = options;
  const temporary = join(parent, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  mkdirSync(temporary);
  try {
    for (const [name, text] of files) {
      writeFileSync(join(temporary, name), name === MAP ? withRoot(text, root) : text);
    }
    for (const asset of assets) {
      const target = join(temporary, 'assets', asset.path);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(asset.source, target);
    }
    crashPoint('package-written');
    moveInto(temporary, task.directory);
    crashPoint('package-renamed');
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Another writer may be first; a damaged package in the way goes aside. */
function moveInto(temporary: string, target: string): void {
  const isTaken = (error: unknown): boolean => {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM';
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
  }
  rmSync(aside, { recursive: true, force: true });
}

/** Reads a package and verifies it (INVARIANTS 22); undefined when it is missing or damaged. */
export function readPackage(paths: ProjectPaths, hash: TaskPackage['hash']): TaskPackage | undefined {
  return readTexts(paths, hash)?.task;
}

/** The same, with the texts; `map` as it is on disk. */
export function readTexts(
  paths: ProjectPaths,
  hash: TaskPackage['hash'],
): { readonly task: TaskPackage; readonly code: string; readonly map: string } | undefined {
  const directory = packageDirectory(paths, hash);
  const code = readText(join(directory, CODE));
  const map = readText(join(directory, MAP));
  const manifestText = readText(join(directory, MANIFEST));
  if (code === undefined || map === undefined || manifestText === undefined) return undefined;
  const files = new Map([
    [CODE, code],
    [MAP, map.replace(ROOT, '{')],
    [MANIFEST, manifestText],
    [LOCK, readText(join(directory, LOCK)) ?? ''],
  ]);
  if (packageHash(files) !== hash) return undefined;
  const manifest = JSON.parse(manifestText) as PackageManifest;
  const isWhole = manifest.assets.every((asset) => {
    const path = join(directory, asset.path);
    return existsSync(path) && contentHash(readFileSync(path)) === asset.hash;
  });
  return isWhole ? { task: { hash, manifest, directory }, code, map } : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
