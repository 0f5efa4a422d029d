import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { heldLocks } from '../project/exclusive-lock.js';
import { LOCKS, StorageCache, WORK } from './cache/storage-cache.js';
import { INDEX } from './cache/url-index.js';

export interface CollectedStorage {
  readonly copies: number;
  /** Of the copies. */
  readonly bytes: number;
  /** What downloads that died have left. */
  readonly leftovers: number;
}

/** Copies that nothing has asked for in this time are removed; they are downloaded again if something does. */
const IDLE_MS = 30 * 24 * 60 * 60 * 1000;

/** Removes what has long not been used from the copies of `StorageManager`. */
export async function collectStorage(options: {
  /** `<home>/cache/storage` */
  readonly directory: string;
  /** Default: 30 days. */
  readonly maxIdleMs?: number | undefined;
  /** Leftovers that are younger may belong to somebody. */
  readonly graceMs: number;
  readonly dryRun: boolean;
}): Promise<CollectedStorage> {
  const { directory, maxIdleMs = IDLE_MS, graceMs, dryRun } = options;
  const cache = new StorageCache({ directory, limit: Number.POSITIVE_INFINITY });
  const idle = await cache.removeIdle({ idleMs: maxIdleMs, dryRun });
  const leftovers = await removeOld(join(directory, WORK), graceMs, dryRun);
  await removeOld(join(directory, INDEX), maxIdleMs, dryRun);
  const held = await heldLocks(join(directory, LOCKS));
  await removeOld(join(directory, LOCKS), graceMs, dryRun, held);
  return { ...idle, leftovers };
}

async function removeOld(
  directory: string,
  ms: number,
  dryRun: boolean,
  kept: ReadonlyMap<string, unknown> = new Map(),
): Promise<number> {
  let removed = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || kept.has(path) || Date.now() - found.mtimeMs < ms) continue;
    removed += 1;
    if (!dryRun) await rm(path, { recursive: true, force: true });
  }
  return removed;
}
