import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '@run-pipeline/core/model';
import type { DirectoryBlobStore } from '../artifacts/index.js';

/**
 * Keeps this machine's copies of blobs within their bound. Least recently used goes first, and never:
 *
 * - what was used within the last minutes: a task that was given it may be about to read it. Whoever holds blobs
 *   for a running task uses them again and again (`hold`);
 * - what the bucket has not got: a worker wrote it, and nobody has adopted it yet.
 *
 * Several processes share the directory. When a blob was used last is the age of a file of its own
 * (`used/<hash>`), so that nothing about the blob itself changes.
 */
export class BlobCache {
  readonly #root: string;
  readonly #local: DirectoryBlobStore;
  readonly #limit: number;
  readonly #isInBucket: (hash: Digest, size: number) => Promise<boolean>;
  readonly #held = new Map<Digest, number>();
  readonly #marked = new Map<Digest, number>();
  #heart: NodeJS.Timeout | undefined;
  #added = 0;
  #looked = false;
  #trimming = false;

  constructor(options: {
    readonly root: string;
    readonly local: DirectoryBlobStore;
    /** Bytes. */
    readonly limit: number;
    readonly isInBucket: (hash: Digest, size: number) => Promise<boolean>;
  }) {
    this.#root = options.root;
    this.#local = options.local;
    this.#limit = options.limit;
    this.#isInBucket = options.isInBucket;
  }

  /** To be awaited before it is looked whether the blob is there. */
  async use(hash: Digest): Promise<void> {
    const now = performance.now();
    const last = this.#marked.get(hash);
    if (last !== undefined && now - last < MARK_EVERY_MS) return;
    await this.#mark(hash);
    if (this.#marked.size >= MOST_REMEMBERED) this.#marked.clear();
    this.#marked.set(hash, now);
  }

  /** Until the result is called, they are in use. */
  async hold(hashes: readonly Digest[]): Promise<() => void> {
    for (const hash of hashes) this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
    if (hashes.length > 0) {
      this.#heart ??= setInterval(() => void this.#markHeld(), MARK_EVERY_MS);
      this.#heart.unref();
    }
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      for (const hash of hashes) {
        const count = this.#held.get(hash) ?? 0;
        if (count > 1) this.#held.set(hash, count - 1);
        else this.#held.delete(hash);
      }
      if (this.#held.size > 0) return;
      clearInterval(this.#heart);
      this.#heart = undefined;
    };
    try {
      for (const hash of hashes) await this.use(hash);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /** So many bytes came in. Makes room now and then, beside everything else. */
  added(bytes: number): void {
    this.#added += bytes;
    if (this.#looked && this.#added < this.#limit / 20) return;
    if (this.#trimming) return;
    this.#trimming = true;
    this.#trimIfDue()
      // It is tried again with what comes next; that nothing is left to write to shows elsewhere.
      .catch(() => undefined)
      .finally(() => (this.#trimming = false));
  }

  async forget(hash: Digest): Promise<void> {
    this.#marked.delete(hash);
    await rm(this.#marker(hash), { force: true });
  }

  /** Bytes freed. */
  async trim(): Promise<number> {
    const found: { readonly hash: Digest; readonly size: number; readonly usedAt: number }[] = [];
    let total = 0;
    for await (const { hash, size, modifiedAt } of this.#local.list()) {
      found.push({ hash, size, usedAt: Math.max(modifiedAt, await this.#usedAt(hash)) });
      total += size;
    }
    if (total <= this.#limit) return 0;
    const goal = this.#limit * 0.9;
    let freed = 0;
    for (const { hash, size, usedAt } of found.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total - freed <= goal || Date.now() - usedAt < SPARED_MS) break;
      if (this.#held.has(hash) || !(await this.#isInBucket(hash, size))) continue;
      if (await this.#evict(hash, usedAt)) freed += size;
    }
    return freed;
  }

  /** Blobs that no bucket has and nobody wrote or used for so long: their writers died, and were not continued. */
  async removeOrphans(olderThanMs: number): Promise<number> {
    let removed = 0;
    for await (const { hash, size, modifiedAt } of this.#local.list()) {
      const usedAt = Math.max(modifiedAt, await this.#usedAt(hash));
      if (Date.now() - usedAt < olderThanMs || this.#held.has(hash)) continue;
      if (await this.#isInBucket(hash, size)) continue;
      if (await this.#evict(hash, usedAt)) removed += 1;
    }
    return removed;
  }

  /** One look for all processes of a while, and another one whenever this process has added much. */
  async #trimIfDue(): Promise<void> {
    const sign = join(this.#root, 'trimmed');
    const last = (await stat(sign).catch(() => undefined))?.mtimeMs ?? 0;
    const isDue = this.#added >= this.#limit / 20 || Date.now() - last > LOOK_EVERY_MS;
    this.#looked = true;
    if (!isDue) return;
    this.#added = 0;
    await mkdir(this.#root, { recursive: true });
    await writeFile(sign, '');
    await this.trim();
  }

  /**
   * Taken away under another name first: who uses it from then on misses it, and gets it anew; who did just before
   * is seen by the mark, and it is put back.
   */
  async #evict(hash: Digest, usedAt: number): Promise<boolean> {
    if ((await this.#usedAt(hash)) > usedAt) return false;
    const path = this.#local.path(hash);
    const aside = join(this.#root, 'tmp', `${process.pid}-${randomUUID()}`);
    try {
      await mkdir(join(this.#root, 'tmp'), { recursive: true });
      await rename(path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // another process was faster
      throw error;
    }
    // Or a worker has just written the same content.
    if ((await stat(aside)).mtimeMs > usedAt || (await this.#usedAt(hash)) > usedAt) {
      await rename(aside, path);
      return false;
    }
    await this.forget(hash);
    await unlink(aside);
    return true;
  }

  async #markHeld(): Promise<void> {
    for (const hash of this.#held.keys()) await this.#mark(hash).catch(() => undefined);
  }

  async #mark(hash: Digest): Promise<void> {
    const path = this.#marker(hash);
    const now = new Date();
    try {
      await utimes(path, now, now);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await mkdir(join(this.#root, 'used'), { recursive: true });
      await writeFile(path, '');
    }
  }

  async #usedAt(hash: Digest): Promise<number> {
    return (await stat(this.#marker(hash)).catch(() => undefined))?.mtimeMs ?? 0;
  }

  #marker(hash: Digest): string {
    return join(this.#root, 'used', hash.slice('sha256:'.length));
  }
}

const MARK_EVERY_MS = 60_000;
/** Long enough that a process that holds a blob has marked it several times. */
const SPARED_MS = 10 * MARK_EVERY_MS;
const LOOK_EVERY_MS = 10 * 60_000;
const MOST_REMEMBERED = 10_000;
