import { lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { heldLocks, LOCK } from '../project/exclusive-lock.js';
import { lastUse, REMOVED, removeAside, UNFINISHED } from './environment-directory.js';
import { PROJECT_MEMO } from './project-installation.js';
import type { Leftovers } from './provide-environment.js';

export interface CollectedEnvironments {
  readonly environments: number;
  /** Of the environments. */
  readonly bytes: number;
  /** Installations that nobody finishes, locks that nobody holds. */
  readonly leftovers: number;
}

/** An environment that no task has asked for in this time is removed; it is installed again if one does. */
const IDLE_MS = 30 * 24 * 60 * 60 * 1000;

/** Removes what has long not been used from a cache of environments. */
export async function collectEnvironments(options: {
  readonly cache: string;
  /** Default: 30 days. */
  readonly maxIdleMs?: number | undefined;
  /** Leftovers that are younger may belong to somebody. */
  readonly graceMs: number;
  readonly dryRun: boolean;
}): Promise<CollectedEnvironments> {
  const { cache, maxIdleMs = IDLE_MS, graceMs, dryRun } = options;
  const names = await readdir(cache).catch(() => []);
  const locks = await heldLocks<Leftovers>(cache);
  const held = new Set([...locks].flatMap(([path, leftovers]) => [path, leftovers?.unfinished ?? path]));
  let environments = 0;
  let bytes = 0;
  let leftovers = 0;
  for (const name of names) {
    const path = join(cache, name);
    if (name.startsWith('.')) {
      const age = name.startsWith(PROJECT_MEMO) ? maxIdleMs : graceMs;
      const isLeftover = [LOCK, UNFINISHED, REMOVED, PROJECT_MEMO].some((prefix) => name.startsWith(prefix));
      if (!isLeftover || held.has(path) || !(await isOlder(path, age))) continue;
      if (!name.startsWith(PROJECT_MEMO)) leftovers += 1;
      if (!dryRun) await rm(path, { recursive: true, force: true });
      continue;
    }
    if (!(await isIdle(path, maxIdleMs))) continue;
    const size = await sizeOf(path);
    if (!dryRun && !(await removeIfIdle(path, maxIdleMs))) continue;
    environments += 1;
    bytes += size;
  }
  return { environments, bytes, leftovers };
}

async function isOlder(path: string, ms: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs >= ms;
}

async function isIdle(directory: string, ms: number): Promise<boolean> {
  const used = await lastUse(directory);
  return used !== undefined && Date.now() - used >= ms;
}

/** Somebody may begin to use it between the look and the removal: then it gets its name back. */
async function removeIfIdle(directory: string, ms: number): Promise<boolean> {
  return removeAside(directory, async (aside) => {
    if (await isIdle(aside, ms)) return true;
    await rename(aside, directory).catch(() => undefined);
    return false;
  });
}

async function sizeOf(directory: string): Promise<number> {
  let size = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) size += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return size;
}
