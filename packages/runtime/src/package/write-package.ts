import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunPipelineError, type PackageManifest, type TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../project/project.js';
import type { Asset } from './assets.js';
import { hashOf } from './digest.js';

export interface PackageContent {
  readonly manifest: PackageManifest;
  readonly code: string;
  readonly map: string;
  readonly lock: string;
  readonly assets: readonly Asset[];
}

const FILES = ['task.mjs', 'task.mjs.map', 'manifest.json', 'lock.json'] as const;

/** Names a package: over all of its files (assets by their hashes, which the manifest holds). */
function packageHash(files: { readonly [name in (typeof FILES)[number]]: string }): TaskPackage['hash'] {
  return hashOf('package', ...FILES.map((name) => files[name]));
}

/**
 * Writes a package so that it is either there and whole, or not there: into a directory of its own,
 * synced, then renamed. Two writers of one package write the same bytes: the second one finds it.
 */
export async function writePackage(paths: ProjectPaths, content: PackageContent): Promise<TaskPackage> {
  const files = {
    'task.mjs': content.code,
    'task.mjs.map': content.map,
    'manifest.json': JSON.stringify(content.manifest),
    'lock.json': content.lock,
  };
  const hash = packageHash(files);
  const directory = packageDirectory(paths, hash);
  const existing = await readPackage(paths, hash);
  if (existing !== undefined) return existing;
  const parent = join(paths.home, 'packages');
  const temporary = join(parent, `.tmp-${process.pid}-${randomBytes(6).toString('hex')}`);
  await mkdir(temporary, { recursive: true });
  try {
    await Promise.all(FILES.map((name) => writeSynced(join(temporary, name), files[name])));
    for (const asset of content.assets) {
      const target = join(temporary, 'assets', asset.path);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(asset.source, target, constants.COPYFILE_FICLONE);
      await sync(target);
    }
    await sync(temporary);
    await moveInto(temporary, directory);
    await sync(parent);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { hash, manifest: content.manifest, directory };
}

export const packageDirectory = (paths: ProjectPaths, hash: TaskPackage['hash']): string =>
  join(paths.home, 'packages', hash.slice('sha256:'.length));

/** Reads and verifies a package; undefined when it is not there or damaged. */
export async function readPackage(
  paths: ProjectPaths,
  hash: TaskPackage['hash'],
): Promise<TaskPackage | undefined> {
  const directory = packageDirectory(paths, hash);
  try {
    const [code, map, manifest, lock] = await Promise.all(
      FILES.map((name) => readFile(join(directory, name), 'utf8')),
    );
    const files = { 'task.mjs': code!, 'task.mjs.map': map!, 'manifest.json': manifest!, 'lock.json': lock! };
    if (packageHash(files) !== hash) return undefined;
    return { hash, manifest: JSON.parse(manifest!) as PackageManifest, directory };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function moveInto(temporary: string, directory: string): Promise<void> {
  try {
    await rename(temporary, directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    // Another writer was first, or a damaged package is in the way: then it goes aside.
    const aside = `${temporary}-replaced`;
    await rename(directory, aside);
    await rename(temporary, directory).catch((reason: NodeJS.ErrnoException) => {
      if (reason.code !== 'ENOTEMPTY' && reason.code !== 'EEXIST') throw reason;
    });
    await rm(aside, { recursive: true, force: true });
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (cause) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'package-write',
      message: `cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      help: 'check that the disk has room and that the directory may be written to',
      cause,
    });
  } finally {
    await file.close();
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
