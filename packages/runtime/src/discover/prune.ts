import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ProjectPaths } from '../project/project.js';
import { readJson, type LoadMemo } from './load-cache.js';
import { loadDirectory } from './materialise.js';

/**
 * Deletes JavaScript that no user's file leads to any more and that is older than an hour (another
 * process may be about to import it). Everything here can be made again.
 */
export function pruneLoadCache(options: {
  readonly paths: ProjectPaths;
  readonly dryRun: boolean;
  /** Milliseconds since the epoch. */
  readonly now?: number;
}): { readonly files: number; readonly bytes: number } {
  const directory = loadDirectory(options.paths);
  const names = list(directory);
  const kept = new Set<string>();
  for (const name of names.filter((item) => /^[0-9a-f]+\.json$/.test(item))) {
    const memo = readJson<LoadMemo>(join(directory, name));
    // The user's file is gone: its memo is of no use.
    if (memo === undefined || !isFile(memo.file)) continue;
    kept.add(name).add(memo.bundle).add(memo.executable);
    for (const extension of ['.map', '.places.json']) kept.add(memo.executable + extension);
  }
  const before = (options.now ?? Date.now()) - GRACE_MS;
  let files = 0;
  let bytes = 0;
  for (const name of names) {
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (kept.has(name) || stat === undefined || !stat.isFile() || stat.mtimeMs > before) continue;
    if (!options.dryRun) remove(path);
    files += 1;
    bytes += stat.size;
  }
  return { files, bytes };
}

const GRACE_MS = 3_600_000;

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // another gc was faster
  }
}
