import { open } from 'node:fs/promises';
import { digest, RunPipelineError, type Digest } from '@run-pipeline/core/model';
import type { BlobFailure, BlobRead, BlobStore, HeldBlobs } from '@run-pipeline/core/ports';
import pLimit from 'p-limit';
import { directoryBlobs, sha256Stream, type DirectoryBlobStore } from '../artifacts/index.js';
import { BlobCache } from './blob-cache.js';
import type { Bucket } from './bucket.js';
import { fileContent, type UploadContent } from './s3-upload.js';
import type { StoreMarks } from './store-marks.js';

/**
 * Blobs in a bucket, `<prefix>/blobs/ab/<64 hex digits>`, with a directory of this machine in between.
 *
 * - What is stored is written to the directory first and then sent; it is stored when the bucket has it. An object
 *   appears whole or not at all.
 * - Workers know the directory alone. What they wrote is sent by `adopt`; what they are to read is brought by `hold`.
 * - Everything is verified by its hash as it is sent and as it comes: a copy that is damaged is replaced from the
 *   bucket, an object that is damaged is said to be.
 * - The bucket says what there is (`stat`, `list`); the directory is a help.
 */
export class S3Blobs implements BlobStore {
  readonly #bucket: Bucket;
  readonly #local: DirectoryBlobStore;
  readonly #cache: BlobCache;
  readonly #marks: StoreMarks | undefined;
  /** What this process has sent, and when: it need not be sent again at once, nor will it be collected. */
  readonly #sent = new Map<Digest, number>();
  readonly #fetching = new Map<Digest, Promise<BlobFailure | undefined>>();

  constructor(options: {
    readonly bucket: Bucket;
    readonly directory: string;
    /** Bytes that the directory may hold. */
    readonly cacheLimit: number;
    /** Undefined: no store of its own, nothing is collected by it. */
    readonly marks: StoreMarks | undefined;
  }) {
    this.#bucket = options.bucket;
    this.#marks = options.marks;
    this.#local = directoryBlobs(options.directory);
    this.#cache = new BlobCache({
      root: options.directory,
      local: this.#local,
      limit: options.cacheLimit,
      isInBucket: async (hash, size) => (await this.#bucket.head(keyOf(hash)))?.size === size,
    });
  }

  async put(
    source: Uint8Array | readonly Uint8Array[] | { readonly path: string },
  ): Promise<{ readonly hash: Digest; readonly size: number }> {
    const stored = await this.#local.put(source);
    this.#cache.added(stored.size);
    await this.#send(stored.hash);
    return stored;
  }

  async adopt(hashes: readonly Digest[]): Promise<void> {
    const few = pLimit(PARALLEL);
    await Promise.all([...new Set(hashes)].map((hash) => few(() => this.#adopt(hash))));
  }

  async hold(hashes: readonly Digest[]): Promise<HeldBlobs> {
    const wanted = [...new Set(hashes)];
    if (wanted.length === 0) return { release: () => {} };
    const release = await this.#cache.hold(wanted);
    try {
      const few = pLimit(PARALLEL);
      await Promise.all(wanted.map((hash) => few(() => this.localPath(hash))));
    } catch (error) {
      release();
      throw error;
    }
    return { release };
  }

  async read(hash: Digest): Promise<BlobRead> {
    await this.#cache.use(digest(hash));
    const here = await this.#local.read(hash);
    if (here.ok) return here;
    return (await this.#fetch(hash)) ?? this.#local.read(hash);
  }

  async localPath(hash: Digest): Promise<{ readonly ok: true; readonly path: string } | BlobFailure> {
    await this.#cache.use(digest(hash));
    const here = await this.#local.localPath(hash);
    if (here.ok) return here;
    return (await this.#fetch(hash)) ?? this.#local.localPath(hash);
  }

  /** Of the copy of this machine, where there is one. */
  async readPart(
    hash: Digest,
    { offset, size }: { readonly offset: number; readonly size: number },
  ): Promise<Uint8Array | undefined> {
    await this.#cache.use(digest(hash));
    const here = await open(this.#local.path(hash), 'r').catch(() => undefined);
    if (here === undefined) return this.#bucket.readPart(keyOf(hash), { offset, size });
    try {
      const bytes = new Uint8Array(size);
      const { bytesRead } = await here.read(bytes, 0, size, offset);
      return bytes.subarray(0, bytesRead);
    } finally {
      await here.close();
    }
  }

  async stat(hash: Digest): Promise<{ readonly size: number; readonly modifiedAt: number } | undefined> {
    const found = await this.#bucket.head(keyOf(hash));
    return found === undefined ? undefined : { size: found.size, modifiedAt: found.modifiedAt };
  }

  async delete(hash: Digest): Promise<void> {
    await this.#bucket.delete(keyOf(hash));
    this.#sent.delete(hash);
    await this.#local.delete(hash);
    await this.#cache.forget(hash);
  }

  async *list(): AsyncGenerator<{
    readonly hash: Digest;
    readonly size: number;
    readonly modifiedAt: number;
  }> {
    for await (const { key, size, modifiedAt } of this.#bucket.list(FOLDER)) {
      const hex = KEY.exec(key)?.[1];
      if (hex !== undefined) yield { hash: digest(`sha256:${hex}`), size, modifiedAt };
    }
  }

  async sharedWith(): Promise<readonly string[]> {
    return (await this.#marks?.others()) ?? [];
  }

  async sweep(olderThanMs: number): Promise<{ readonly removed: number }> {
    const local = await this.#local.sweep(olderThanMs);
    const uploads = await this.#bucket.abortStale(olderThanMs);
    const orphans = await this.#cache.removeOrphans(Math.max(olderThanMs, ORPHAN_MS));
    await this.#cache.trim();
    return { removed: local.removed + uploads + orphans };
  }

  async #adopt(hash: Digest): Promise<void> {
    if (this.#isSent(hash)) return;
    if ((await this.#local.stat(hash)) !== undefined && (await this.#send(hash))) return;
    if ((await this.#bucket.head(keyOf(hash))) !== undefined) return;
    throw new RunPipelineError({
      kind: 'store',
      code: 'blob-missing',
      message: `the content ${hash} is neither in the directory of this machine nor in ${this.#bucket.shown}`,
      help: 'Something removed it while a task ran. Run again.',
    });
  }

  #isSent(hash: Digest): boolean {
    const at = this.#sent.get(hash);
    return at !== undefined && performance.now() - at < SENT_MS;
  }

  /** False: it is not here (any more), or not what its name says. */
  async #send(hash: Digest): Promise<boolean> {
    if (this.#isSent(hash)) return true;
    await this.#cache.use(hash);
    await this.#marks?.leave();
    const began = performance.now();
    let state = sha256Stream();
    const content = async (): Promise<UploadContent & { readonly close: () => Promise<void> }> => {
      const file = await fileContent(this.#local.path(hash));
      state = sha256Stream();
      return {
        ...file,
        async next(length) {
          const bytes = await file.next(length);
          state.update(bytes);
          return bytes;
        },
      };
    };
    try {
      // What is sent is what was hashed, also when the file changes meanwhile.
      await this.#bucket.put(keyOf(hash), content, () => {
        if (state.digest() !== hash) throw new LocalDamage();
      });
    } catch (error) {
      if (error instanceof LocalDamage || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    if (this.#sent.size >= MOST_REMEMBERED) this.#sent.clear();
    this.#sent.set(hash, began);
    return true;
  }

  /** Once for all who want it. Undefined: it is here. */
  #fetch(hash: Digest): Promise<BlobFailure | undefined> {
    let fetching = this.#fetching.get(hash);
    if (fetching === undefined) {
      fetching = this.#fetchOnce(hash).finally(() => this.#fetching.delete(hash));
      this.#fetching.set(hash, fetching);
    }
    return fetching;
  }

  async #fetchOnce(hash: Digest): Promise<BlobFailure | undefined> {
    // What came was perhaps damaged on its way: only what comes twice is.
    for (let tries = 1; ; tries += 1) {
      const content = await this.#bucket.read(keyOf(hash));
      if (content === undefined) {
        return {
          ok: false,
          reason: 'missing',
          message: `the content ${hash} is not in ${this.#bucket.shown}`,
        };
      }
      let size = 0;
      const counted = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of content) {
          size += chunk.byteLength;
          yield chunk;
        }
      };
      if (await this.#local.receive(hash, counted())) {
        this.#cache.added(size);
        return undefined;
      }
      if (tries === 2) {
        // Whoever makes it again sends it again.
        this.#sent.delete(hash);
        return {
          ok: false,
          reason: 'damaged',
          message: `the content ${hash} in ${this.#bucket.shown} is damaged`,
        };
      }
    }
  }
}

class LocalDamage extends Error {}

const FOLDER = 'blobs/';
const KEY = /^blobs\/[0-9a-f]{2}\/([0-9a-f]{64})$/;

function keyOf(hash: Digest): string {
  const hex = digest(hash).slice('sha256:'.length);
  return `${FOLDER}${hex.slice(0, 2)}/${hex}`;
}

const PARALLEL = 8;
/** Well within the grace period of a collection. */
const SENT_MS = 10 * 60_000;
const MOST_REMEMBERED = 10_000;
const ORPHAN_MS = 7 * 24 * 60 * 60_000;
