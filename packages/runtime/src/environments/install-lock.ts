import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { isAlive } from '../project/process-identity.js';

/**
 * Who installs an environment. Locks of a key are numbered files, and the highest counts. One is made by
 * `link`: it is there with its content or not at all, and only one contender can make a number. A lock
 * that is released, or whose holder died, is not removed but outbid by the next number; so the highest
 * number never falls, and a contender that slept, and made a number that was outbid meanwhile, sees it.
 * All of them go when what they protect is there.
 */
export interface InstallLock {
  /** What the holder leaves behind if it dies, for whoever takes over. */
  note(leftovers: Leftovers): Promise<void>;
  /** Nothing was made: it is the next one's turn. */
  release(): Promise<void>;
  /** What it protects is there. */
  finish(): Promise<void>;
}

export interface Leftovers {
  /** npm, which has a process group of its own. */
  readonly npm?: ProcessIdentity;
  /** The directory it installs into. */
  readonly unfinished?: string;
}

interface LockRecord extends Leftovers {
  /** Undefined: it was released. */
  readonly holder?: ProcessIdentity;
}

export const LOCK = '.lock-';
const LOOK_MS = 100;
/** The holder on another machine, of which no process is seen, shows that it lives by touching its lock. */
const TOUCH_MS = 5_000;
const SILENT_MS = 60_000;

/** Waits until the lock is free, or until what it protects is there: then undefined. */
export async function acquireInstallLock(options: {
  readonly cache: string;
  readonly key: string;
  readonly holder: ProcessIdentity;
  readonly isDone: () => Promise<boolean>;
  readonly onWait: () => void;
  readonly onTakeOver: (leftovers: Leftovers) => Promise<void>;
  readonly signal: AbortSignal;
}): Promise<InstallLock | undefined> {
  const { cache, key, holder, isDone, onWait, onTakeOver, signal } = options;
  let waits = false;
  for (;;) {
    signal.throwIfAborted();
    if (await isDone()) return undefined;
    const top = await highest(cache, key);
    const record = top === 0 ? undefined : await readRecord(lockPath(cache, key, top));
    if (top > 0 && (await isHeld(lockPath(cache, key, top), record))) {
      if (!waits) onWait();
      waits = true;
      // Its error hides the reason, which the next round throws.
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      continue;
    }
    const path = lockPath(cache, key, top + 1);
    if (!(await create(path, { holder }))) continue;
    if ((await highest(cache, key)) > top + 1) {
      await rm(path, { force: true });
      continue;
    }
    const lock = heldLock({ cache, key, number: top + 1, holder });
    try {
      // It may have been finished between the look and the lock.
      if (await isDone()) {
        await lock.finish();
        return undefined;
      }
      if (record?.holder !== undefined) await onTakeOver(record);
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }
}

const lockPath = (cache: string, key: string, number: number): string =>
  join(cache, `${LOCK}${key}-${number}`);

async function numbers(cache: string, key: string): Promise<number[]> {
  const start = `${LOCK}${key}-`;
  const names = await readdir(cache);
  return names.flatMap((name) => {
    const number = name.startsWith(start) ? Number(name.slice(start.length)) : Number.NaN;
    return Number.isSafeInteger(number) ? [number] : [];
  });
}

const highest = async (cache: string, key: string): Promise<number> =>
  Math.max(0, ...(await numbers(cache, key)));

async function readRecord(path: string): Promise<LockRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockRecord;
  } catch {
    return undefined; // outbid or finished meanwhile, or cut by a power failure: nobody holds it
  }
}

async function isHeld(path: string, record: LockRecord | undefined): Promise<boolean> {
  if (record?.holder === undefined) return false;
  const liveness = isAlive(record.holder);
  if (liveness !== 'unknown') return liveness === 'alive';
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < SILENT_MS;
}

async function create(path: string, record: LockRecord): Promise<boolean> {
  const draft = draftOf(path);
  await writeFile(draft, JSON.stringify(record));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Not counted as a lock: it ends in letters. */
const draftOf = (path: string): string => `${path}-${randomBytes(6).toString('hex')}.tmp`;

function heldLock(options: {
  readonly cache: string;
  readonly key: string;
  readonly number: number;
  readonly holder: ProcessIdentity;
}): InstallLock {
  const { cache, key, number, holder } = options;
  const path = lockPath(cache, key, number);
  const touch = setInterval(() => {
    const now = Date.now() / 1000;
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_MS);
  touch.unref();
  const write = async (record: LockRecord): Promise<void> => {
    const draft = draftOf(path);
    await writeFile(draft, JSON.stringify(record));
    await rename(draft, path);
  };
  const removeBelow = async (limit: number): Promise<void> => {
    const below = (await numbers(cache, key)).filter((other) => other < limit);
    for (const other of below) await rm(lockPath(cache, key, other), { force: true });
  };
  return {
    note: async (leftovers) => write({ holder, ...leftovers }),
    release: async () => {
      clearInterval(touch);
      await removeBelow(number);
      await write({});
    },
    finish: async () => {
      clearInterval(touch);
      await removeBelow(number);
      await rm(path, { force: true });
    },
  };
}

/** Paths in a cache that belong to an installation that goes on: locks, and what they are about. */
export async function heldLocks(cache: string, names: readonly string[]): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const name of names.filter((each) => each.startsWith(LOCK))) {
    const path = join(cache, name);
    const record = await readRecord(path);
    if (!(await isHeld(path, record))) continue;
    held.add(path);
    if (record?.unfinished !== undefined) held.add(record.unfinished);
  }
  return held;
}
