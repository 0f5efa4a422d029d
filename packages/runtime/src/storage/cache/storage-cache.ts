import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '@run-pipeline/core/model';
import { acquireLock, type ExclusiveLock } from '../../project/exclusive-lock.js';
import { processIdentity } from '../../project/process-identity.js';
import { isPinned, pin, type PinOwner } from './pins.js';
import { stampTree } from './tree-stamp.js';

/**
 * What `getLocalCopy` has brought here: `<cache>/storage/entries/<id>/content/<name>`, a file or a
 * directory. An id names the content, so a path that was given out never stands for other content.
 *
 * - An entry appears by rename, when all of it is there.
 * - One that somebody has changed since is not used again; it is made anew.
 * - All entries together have at most so many bytes; the longest unused go first, and those that a living
 *   process was given not at all. Giving out and removing exclude each other.
 */
export class StorageCache {
  readonly #directory: string;
  readonly #limit: number;
  /** Pins of this process, by task. */
  readonly #pins = new Map<string, string | undefined>();
  #exclusive: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly directory: string;
    /** Bytes. */
    readonly limit: number;
  }) {
    this.#directory = options.directory;
    this.#limit = options.limit;
  }

  /** The path of an entry, which stays for as long as the task runs; undefined when it is not there, whole. */
  async use(id: string, task: string | undefined): Promise<string | undefined> {
    const entry = this.#entry(id);
    const facts = await this.#exclusively(async () => {
      const found = await readFacts(entry);
      if (found === undefined) return undefined;
      await this.#pin(entry, task);
      const now = Date.now() / 1000;
      await utimes(join(entry, FACTS), now, now);
      return found;
    });
    if (facts === undefined) return undefined;
    const path = join(entry, CONTENT, facts.name);
    const { stamp } = await stampTree(path).catch(() => ({ stamp: undefined }));
    if (stamp === facts.stamp) return path;
    await this.#remove(entry);
    return undefined;
  }

  /** Makes an entry. `build` writes a file or a directory at the path that it is given. */
  async add(options: {
    readonly id: string;
    readonly name: string;
    readonly task: string | undefined;
    readonly build: (path: string) => Promise<void>;
  }): Promise<string> {
    const { id, name, task, build } = options;
    return this.scratch(async (work) => {
      await mkdir(join(work, CONTENT));
      await build(join(work, CONTENT, name));
      const { stamp, bytes } = await stampTree(join(work, CONTENT, name));
      await writeFile(join(work, FACTS), JSON.stringify({ version: 1, name, stamp, bytes } satisfies Facts));
      await mkdir(join(this.#directory, ENTRIES), { recursive: true });
      const entry = this.#entry(id);
      const removed = await this.#exclusively(async () => {
        // Another process may have made the same meanwhile: one path is as good as the other.
        if ((await readFacts(entry)) === undefined) {
          await rm(entry, { recursive: true, force: true });
          await rename(work, entry);
        }
        await this.#pin(entry, task);
        return this.#makeRoom(entry);
      });
      await Promise.all(removed.map(async (path) => rm(path, { recursive: true, force: true })));
      return join(entry, CONTENT, name);
    });
  }

  /** A directory to work in, of which nothing is left. */
  async scratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = this.#workName();
    await mkdir(directory, { recursive: true });
    try {
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Lets one do what others want too; `isDone` says whether it has been done. Undefined: it has. */
  async once<T>(options: {
    readonly key: string;
    readonly isDone: () => Promise<boolean>;
    readonly signal: AbortSignal;
    readonly work: () => Promise<T>;
  }): Promise<T | undefined> {
    const lock = await this.#lock(options);
    if (lock === undefined) return undefined;
    try {
      const result = await options.work();
      await lock.finish();
      return result;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Removes what nobody has used for so long, and no living process has. */
  async removeIdle(options: {
    readonly idleMs: number;
    readonly dryRun: boolean;
  }): Promise<{ readonly copies: number; readonly bytes: number }> {
    const { idleMs, dryRun } = options;
    const isIdle = (entry: StorageEntryFacts): boolean => Date.now() - entry.usedAt >= idleMs;
    if (!(await listEntries(this.#directory)).some(isIdle)) return { copies: 0, bytes: 0 };
    const removed = await this.#exclusively(async () => {
      const found: { readonly bytes: number; readonly aside: string | undefined }[] = [];
      for (const entry of (await listEntries(this.#directory)).filter(isIdle)) {
        if (await isPinned(entry.path)) continue;
        found.push({ bytes: entry.bytes, aside: dryRun ? undefined : await this.#moveAside(entry.path) });
      }
      return found;
    });
    for (const { aside } of removed) {
      if (aside !== undefined) await rm(aside, { recursive: true, force: true });
    }
    return { copies: removed.length, bytes: removed.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** What a task was given may go when another one runs in its process. */
  async releaseOthers(task: string | undefined): Promise<void> {
    for (const [path, owner] of this.#pins) {
      if (owner === undefined || owner === task) continue;
      this.#pins.delete(path);
      await rm(path, { force: true });
    }
  }

  readonly #entry = (id: string): string => join(this.#directory, ENTRIES, id);

  #workName(): string {
    return join(this.#directory, WORK, `${process.pid}-${randomBytes(8).toString('hex')}`);
  }

  async #pin(entry: string, task: string | undefined): Promise<void> {
    const owner: PinOwner = { process: processIdentity(), task };
    this.#pins.set(await pin(entry, owner), task);
  }

  async #remove(entry: string): Promise<void> {
    const aside = await this.#exclusively(async () => this.#moveAside(entry).catch(() => undefined));
    if (aside !== undefined) await rm(aside, { recursive: true, force: true });
  }

  /** Gone at once for those who look; its files follow. */
  async #moveAside(entry: string): Promise<string> {
    const aside = this.#workName();
    await mkdir(join(this.#directory, WORK), { recursive: true });
    await rename(entry, aside);
    return aside;
  }

  /** Moves entries aside until the rest has room; the one that was just made stays in any case. */
  async #makeRoom(made: string): Promise<readonly string[]> {
    const entries = await listEntries(this.#directory);
    let total = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    const removed: string[] = [];
    for (const entry of entries.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= this.#limit) break;
      if (entry.path === made || (await isPinned(entry.path))) continue;
      removed.push(await this.#moveAside(entry.path));
      total -= entry.bytes;
    }
    return removed;
  }

  /** In this process by waiting in line, among processes by a lock. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#exclusive.then(async () => {
      const never = new AbortController().signal;
      const isDone = async (): Promise<boolean> => Promise.resolve(false);
      const lock = await this.#lock({ key: 'entries', isDone, signal: never });
      try {
        return await work();
      } finally {
        await lock?.release();
      }
    });
    this.#exclusive = turn.catch(() => undefined);
    return turn;
  }

  async #lock(options: {
    readonly key: string;
    readonly isDone: () => Promise<boolean>;
    readonly signal: AbortSignal;
  }): Promise<ExclusiveLock<never> | undefined> {
    const directory = join(this.#directory, LOCKS);
    await mkdir(directory, { recursive: true });
    return acquireLock<never>({
      directory,
      ...options,
      holder: processIdentity(),
      onWait: () => {},
      onTakeOver: async () => Promise.resolve(),
    });
  }
}

export const ENTRIES = 'entries';
/** What is being made, and what is being removed. */
export const WORK = 'work';
export const LOCKS = 'locks';
const CONTENT = 'content';
/** Its time is that of the last use. */
const FACTS = 'entry.json';

interface Facts {
  readonly version: 1;
  readonly name: string;
  readonly stamp: string;
  readonly bytes: number;
}

/** Of content under a name, in one of its forms. */
export function entryId(form: 'file' | 'directory' | 'extracted', hash: Digest, name: string): string {
  const named = createHash('sha256').update(name).digest('hex');
  return `${form}-${hash.slice('sha256:'.length)}-${named.slice(0, 12)}`;
}

export interface StorageEntryFacts {
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: number;
}

/** All whole entries of a cache. */
export async function listEntries(directory: string): Promise<StorageEntryFacts[]> {
  const entries: StorageEntryFacts[] = [];
  for (const id of await readdir(join(directory, ENTRIES)).catch(() => [])) {
    const path = join(directory, ENTRIES, id);
    const facts = await readFacts(path);
    const found = await stat(join(path, FACTS)).catch(() => undefined);
    if (facts === undefined || found === undefined) continue;
    entries.push({ path, bytes: facts.bytes, usedAt: found.mtimeMs });
  }
  return entries;
}

async function readFacts(entry: string): Promise<Facts | undefined> {
  try {
    const facts = JSON.parse(await readFile(join(entry, FACTS), 'utf8')) as Facts;
    return facts.version === 1 ? facts : undefined;
  } catch {
    return undefined;
  }
}
