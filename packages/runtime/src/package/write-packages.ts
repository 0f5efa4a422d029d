import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RunPipelineError, type PackageManifest, type TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import type { Asset } from './assets.js';
import { contentHash, hashOf } from './digest.js';
import { packageDirectory } from './package-directory.js';

export interface PackageContent {
  readonly manifest: PackageManifest;
  readonly code: string;
  readonly map: string;
  /** Shaped as package-lock.json. */
  readonly lock: string;
  readonly assets: readonly Asset[];
}

const FILES = ['task.mjs', 'task.mjs.map', 'manifest.json', 'lock.json'] as const;
type Files = { readonly [name in (typeof FILES)[number]]: string };

/** Names a package: over all of its files (assets by their hashes, which the manifest holds). */
const packageHash = (files: Files): TaskPackage['hash'] =>
  hashOf('package', ...FILES.map((name) => files[name]));

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
  const missing: { readonly task: TaskPackage; readonly files: Files; readonly assets: readonly Asset[] }[] =
    [];
  for (const content of contents) {
    const files: Files = {
      'task.mjs': content.code,
      'task.mjs.map': content.map,
      'manifest.json': JSON.stringify(content.manifest),
      'lock.json': content.lock,
    };
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
    for (const each of missing) writePackage(parent, each);
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

function writePackage(
  parent: string,
  {
    task,
    files,
    assets,
  }: { readonly task: TaskPackage; readonly files: Files; readonly assets: readonly Asset[] },
): void {
  const temporary = join(parent, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  mkdirSync(temporary);
  try {
    for (const name of FILES) writeFileSync(join(temporary, name), files[name]);
    for (const asset of assets) {
      const target = join(temporary, 'assets', asset.path);
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(asset.source, target);
    }
    moveInto(temporary, task.directory);
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
  const directory = packageDirectory(paths, hash);
  try {
    const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
    const files: Files = {
      'task.mjs': read('task.mjs'),
      'task.mjs.map': read('task.mjs.map'),
      'manifest.json': read('manifest.json'),
      'lock.json': read('lock.json'),
    };
    if (packageHash(files) !== hash) return undefined;
    const manifest = JSON.parse(files['manifest.json']) as PackageManifest;
    const isWhole = manifest.assets.every(
      (asset) => contentHash(readFileSync(join(directory, asset.path))) === asset.hash,
    );
    return isWhole ? { hash, manifest, directory } : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
