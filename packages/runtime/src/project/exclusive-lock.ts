import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { isAlive } from './process-identity.js';

/**
 * Who makes something that is in a directory once for all processes: an environment, a download. Locks of
 * a key are numbered files, and the highest counts. One is made by `link`: it is there with its content or
 * not at all, and only one contender can make a number. A lock that is released, or whose holder died, is
 * not removed but outbid by the next number; so the highest number never falls, and a contender that slept,
 * and made a number that was outbid meanwhile, sees it. All of them go when what they protect is there.
 */
export interface ExclusiveLock<Leftovers> {
  /** What the holder leaves behind if it dies, for whoever takes over. */
  note(leftovers: Leftovers): Promise<void>;
  /** Nothing was made: it is the next one's turn. */
  release(): Promise<void>;
  /** What it protects is there. */
  finish(): Promise<void>;
}

interface LockRecord<Leftovers> {
  /** Undefined: it was released. */
  readonly holder?: ProcessIdentity;
  readonly leftovers?: Leftovers;
}

/** How the names of locks begin. */
export const LOCK = '.lock-';
const LOOK_MS = 100;
/** The holder on another machine, of which no process is seen, shows that it lives by touching its lock. */
const TOUCH_MS = 5_000;
const SILENT_MS = 60_000;

/** Waits until the lock is free, or until what it protects is there: then undefined. */
export async function acquireLock<Leftovers>(options: {
  /** Exists; may hold other things as well. */
  readonly directory: string;
  readonly key: string;
  readonly holder: ProcessIdentity;
  readonly isDone: () => Promise<boolean>;
  readonly onWait: () => void;
  readonly onTakeOver: (leftovers: Leftovers) => Promise<void>;
  readonly signal: AbortSignal;
}): Promise<ExclusiveLock<Leftovers> | undefined> {
  const { directory, key, holder, isDone, onWait, onTakeOver, signal } = options;
  let waits = false;
  for (;;) {
    signal.throwIfAborted();
    if (await isDone()) return undefined;
    const top = await highest(directory, key);
    const record = top === 0 ? undefined : await readRecord<Leftovers>(lockPath(directory, key, top));
    if (top > 0 && (await isHeld(lockPath(directory, key, top), record))) {
      if (!waits) onWait();
      waits = true;
      // Its error hides the reason, which the next round throws.
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      continue;
    }
    const path = lockPath(directory, key, top + 1);
    if (!(await create(path, { holder }))) continue;
    if ((await highest(directory, key)) > top + 1) {
      await rm(path, { force: true });
      continue;
    }
    const lock = heldLock<Leftovers>({ directory, key, number: top + 1, holder });
    try {
      // It may have been finished between the look and the lock.
      if (await isDone()) {
        await lock.finish();
        return undefined;
      }
      if (record?.leftovers !== undefined) await onTakeOver(record.leftovers);
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }
}

const lockPath = (directory: string, key: string, number: number): string =>
  join(directory, `${LOCK}${key}-${number}`);

async function numbers(directory: string, key: string): Promise<number[]> {
  const start = `${LOCK}${key}-`;
  const names = await readdir(directory);
  return names.flatMap((name) => {
    const number = name.startsWith(start) ? Number(name.slice(start.length)) : Number.NaN;
    return Number.isSafeInteger(number) ? [number] : [];
  });
}

const highest = async (directory: string, key: string): Promise<number> =>
  Math.max(0, ...(await numbers(directory, key)));

async function readRecord<Leftovers>(path: string): Promise<LockRecord<Leftovers> | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockRecord<Leftovers>;
  } catch {
    return undefined; // outbid or finished meanwhile, or cut by a power failure: nobody holds it
  }
}

async function isHeld(path: string, record: LockRecord<unknown> | undefined): Promise<boolean> {
  if (record?.holder === undefined) return false;
  const liveness = isAlive(record.holder);
  if (liveness !== 'unknown') return liveness === 'alive';
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < SILENT_MS;
}

async function create(path: string, record: LockRecord<unknown>): Promise<boolean> {
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

function heldLock<Leftovers>(options: {
  readonly directory: string;
  readonly key: string;
  readonly number: number;
  readonly holder: ProcessIdentity;
}): ExclusiveLock<Leftovers> {
  const { directory, key, number, holder } = options;
  const path = lockPath(directory, key, number);
  const touch = setInterval(() => {
    const now = Date.now() / 1000;
    utimes(path, now, now).catch(() => undefined);
  }, TOUCH_MS);
  touch.unref();
  const write = async (record: LockRecord<unknown>): Promise<void> => {
    const draft = draftOf(path);
    await writeFile(draft, JSON.stringify(record));
    await rename(draft, path);
  };
  const removeBelow = async (limit: number): Promise<void> => {
    const below = (await numbers(directory, key)).filter((other) => other < limit);
    for (const other of below) await rm(lockPath(directory, key, other), { force: true });
  };
  return {
    note: async (leftovers) => write({ holder, leftovers }),
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

/** The locks in a directory that somebody holds, by path, with what they would leave behind. */
export async function heldLocks<Leftovers>(
  directory: string,
): Promise<ReadonlyMap<string, Leftovers | undefined>> {
  const held = new Map<string, Leftovers | undefined>();
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(LOCK)) continue;
    const path = join(directory, name);
    const record = await readRecord<Leftovers>(path);
    if (await isHeld(path, record)) held.set(path, record?.leftovers);
  }
  return held;
}
