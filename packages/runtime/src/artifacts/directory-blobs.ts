import type { Digest } from '@run-pipeline/core/model';
import { digest, RunPipelineError } from '@run-pipeline/core/model';
import type { BlobFailure, BlobRead, BlobStore, HeldBlobs } from '@run-pipeline/core/ports';
import { randomUUID } from 'node:crypto';
import { mkdir, open, opendir, rename, stat, unlink, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crashPoint } from '../crash-points.js';
import { hashFile, readChunks, READ_SIZE, sha256, sha256Stream } from './sha256.js';
import { blobStoreError } from './store-failure.js';

/**
 * Blobs in a directory: `<root>/ab/<64 hex digits>`, and `<root>/tmp/` for what is being written.
 *
 * - A blob appears by rename, after its bytes are fsynced; `put` returns after its directory is, too.
 * - A name therefore never stands for half a blob. Damage from outside is found by every read, and
 *   repaired by the next put of the same content.
 * - Nothing is locked: writers of the same content write the same bytes to files of their own.
 */
export function directoryBlobs(root: string): DirectoryBlobStore {
  return new DirectoryBlobs(root);
}

/** A directory can also be where the blobs of another store are kept for the processes of this machine. */
export interface DirectoryBlobStore extends BlobStore {
  /**
   * Content that has come from elsewhere under this hash: kept when it is what that says, else thrown away and
   * false. Not synced: it can be got again, and whoever reads it verifies it.
   */
  receive(hash: Digest, content: AsyncIterable<Uint8Array>): Promise<boolean>;
  /** Where it lies, if it is there. */
  path(hash: Digest): string;
}

const HEX = /^[0-9a-f]{64}$/;
const PREFIX = /^[0-9a-f]{2}$/;
const TEMPORARY = 'tmp';
/** From this size on, reading, writing and hashing overlap. */
const LARGE = READ_SIZE;

const NOTHING_HELD: HeldBlobs = { release: () => {} };

class DirectoryBlobs implements DirectoryBlobStore {
  readonly #root: string;
  /** Directories this process made or found and fsynced the entry of. */
  readonly #durable = new Map<string, Promise<void>>();
  /** Files that were verified, as they were then: `localPath` need not hash a large file for every task. */
  readonly #verified = new Map<Digest, string>();

  constructor(root: string) {
    this.#root = root;
  }

  async put(
    source: Uint8Array | { readonly path: string },
  ): Promise<{ readonly hash: Digest; readonly size: number }> {
    return this.#guard('storing an artifact', async () => {
      if ('path' in source) return this.#putFile(source.path);
      return this.#putParts(source instanceof Uint8Array ? [source] : source);
    });
  }

  async #putParts(parts: readonly Uint8Array[]): Promise<{ readonly hash: Digest; readonly size: number }> {
    const size = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (size < LARGE) {
      const hash = sha256(...parts);
      if (!(await this.#renew(hash, size))) {
        await this.#moveIntoPlace(await this.#writeTemporary((file) => writeParts(file, parts)), hash);
      }
      return { hash, size };
    }
    // A thread of the pool writes while this one hashes.
    let hash: Digest | undefined;
    const temporary = await this.#writeTemporary(async (file) => {
      const writing = writeParts(file, parts);
      hash = sha256(...parts);
      await writing;
    });
    return this.#adopt(temporary, hash!, size);
  }

  /** One pass: the bytes that are hashed are the bytes that are written, also when the file changes meanwhile. */
  async #putFile(path: string): Promise<{ readonly hash: Digest; readonly size: number }> {
    const state = sha256Stream();
    let size = 0;
    const temporary = await this.#writeTemporary(async (file) => {
      for await (const chunk of sourceChunks(path)) {
        const writing = writeAll(file, chunk);
        state.update(chunk);
        size += chunk.byteLength;
        await writing;
      }
    });
    return this.#adopt(temporary, state.digest(), size);
  }

  async #adopt(
    temporary: string,
    hash: Digest,
    size: number,
  ): Promise<{ readonly hash: Digest; readonly size: number }> {
    if (await this.#renew(hash, size)) await unlinkIfThere(temporary);
    else await this.#moveIntoPlace(temporary, hash);
    return { hash, size };
  }

  async receive(hash: Digest, content: AsyncIterable<Uint8Array>): Promise<boolean> {
    return this.#guard('keeping a copy of an artifact', async () => {
      const state = sha256Stream();
      const temporary = await this.#writeTemporary(
        async (file) => {
          for await (const chunk of content) {
            const writing = writeAll(file, chunk);
            state.update(chunk);
            await writing;
          }
        },
        { durable: false },
      );
      if (state.digest() !== hash) {
        await unlinkIfThere(temporary);
        return false;
      }
      const path = this.path(hash);
      await this.#makeDirectory(dirname(path));
      await rename(temporary, path);
      const now = await identity(path);
      if (now !== undefined) this.#verified.set(hash, now);
      return true;
    });
  }

  /** A worker of this machine wrote it where everybody reads. */
  async adopt(): Promise<void> {}

  async hold(): Promise<HeldBlobs> {
    return NOTHING_HELD;
  }

  async read(hash: Digest): Promise<BlobRead> {
    return this.#guard('reading an artifact', async () => {
      const bytes = await readWhole(this.path(hash));
      if (bytes === undefined) return missing(hash);
      return bytes.hash === hash ? { ok: true, bytes: bytes.bytes } : damaged(hash);
    });
  }

  async localPath(hash: Digest): Promise<{ readonly ok: true; readonly path: string } | BlobFailure> {
    return this.#guard('reading an artifact', async () => {
      const path = this.path(hash);
      const before = await identity(path);
      if (before === undefined) return missing(hash);
      if (this.#verified.get(hash) !== before) {
        if ((await hashFile(path)).hash !== hash) return damaged(hash);
        this.#verified.set(hash, before);
      }
      return { ok: true, path };
    });
  }

  async stat(hash: Digest): Promise<{ readonly size: number; readonly modifiedAt: number } | undefined> {
    return this.#guard('reading an artifact', async () => {
      const found = await ifThere(stat(this.path(hash)));
      return found === undefined ? undefined : { size: found.size, modifiedAt: found.mtimeMs };
    });
  }

  async delete(hash: Digest): Promise<void> {
    await this.#guard('deleting an artifact', () => unlinkIfThere(this.path(hash)));
  }

  async *list(): AsyncGenerator<{
    readonly hash: Digest;
    readonly size: number;
    readonly modifiedAt: number;
  }> {
    for await (const prefix of entriesOf(this.#root)) {
      if (!PREFIX.test(prefix)) continue;
      for await (const name of entriesOf(join(this.#root, prefix))) {
        if (!HEX.test(name) || !name.startsWith(prefix)) continue;
        const found = await ifThere(stat(join(this.#root, prefix, name)));
        if (found !== undefined)
          yield { hash: digest(`sha256:${name}`), size: found.size, modifiedAt: found.mtimeMs };
      }
    }
  }

  async sweep(olderThanMs: number): Promise<{ readonly removed: number }> {
    return this.#guard('removing left-over files', async () => {
      const before = Date.now() - olderThanMs;
      let removed = 0;
      for await (const name of entriesOf(join(this.#root, TEMPORARY))) {
        const path = join(this.#root, TEMPORARY, name);
        const found = await ifThere(stat(path));
        if (found === undefined || found.mtimeMs > before) continue;
        await unlinkIfThere(path);
        removed++;
      }
      return { removed };
    });
  }

  path(hash: Digest): string {
    const hex = digest(hash).slice('sha256:'.length);
    return join(this.#root, hex.slice(0, 2), hex);
  }

  /** True when the blob is there, whole and durable; its age is then new. A damaged one is replaced by the caller. */
  async #renew(hash: Digest, size: number): Promise<boolean> {
    const path = this.path(hash);
    const found = await ifThere(stat(path));
    if (found?.size !== size) return false;
    // The touch comes first: from then on a concurrent collection leaves the file alone.
    const now = new Date();
    if ((await ifThere(utimes(path, now, now).then(() => true))) === undefined) return false;
    const content = await ifThere(hashFile(path));
    if (content?.hash !== hash) return false;
    // Another process may have renamed it into place and not yet fsynced the directory.
    await this.#syncDirectory(dirname(path));
    // A collection that had looked at its age before the touch may have removed it since.
    return (await ifThere(stat(path))) !== undefined;
  }

  async #writeTemporary(
    write: (file: FileHandle) => Promise<void>,
    { durable } = { durable: true },
  ): Promise<string> {
    const directory = join(this.#root, TEMPORARY);
    await this.#makeDirectory(directory);
    const path = join(directory, `${process.pid}-${randomUUID()}`);
    const file = await open(path, 'wx');
    try {
      await write(file);
      if (durable) {
        crashPoint('blob-written');
        await file.sync();
        crashPoint('blob-synced');
      }
    } catch (error) {
      await file.close();
      await unlinkIfThere(path);
      throw error;
    }
    await file.close();
    return path;
  }

  async #moveIntoPlace(temporary: string, hash: Digest): Promise<void> {
    const path = this.path(hash);
    await this.#makeDirectory(dirname(path));
    await rename(temporary, path);
    crashPoint('blob-renamed');
    await this.#syncDirectory(dirname(path));
  }

  /** Makes a directory under the root whose entry is durable; once per process. */
  #makeDirectory(path: string): Promise<void> {
    let making = this.#durable.get(path);
    if (making === undefined) {
      making = (async () => {
        await mkdir(path, { recursive: true });
        await this.#syncDirectory(this.#root);
      })();
      this.#durable.set(path, making);
      making.catch(() => this.#durable.delete(path));
    }
    return making;
  }

  async #syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return; // directories cannot be opened there
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async #guard<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw blobStoreError(error, doing, this.#root);
    }
  }
}

const missing = (hash: Digest): BlobFailure => ({
  ok: false,
  reason: 'missing',
  message: `the content ${hash} is not in the blob store`,
});
const damaged = (hash: Digest): BlobFailure => ({
  ok: false,
  reason: 'damaged',
  message: `the content ${hash} in the blob store is damaged`,
});

/** Everything by which a change of a file's content would show without reading it. */
async function identity(path: string): Promise<string | undefined> {
  const found = await ifThere(stat(path, { bigint: true }));
  return found === undefined ? undefined : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
}

/** A whole file and its hash, which is computed while the next part is being read. */
async function readWhole(
  path: string,
): Promise<{ readonly bytes: Uint8Array; readonly hash: Digest } | undefined> {
  const file = await ifThere(open(path, 'r'));
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafeSlow(size); // memory of its own: it may become the reader's value
    const state = sha256Stream();
    let reading = file.read(bytes, 0, Math.min(size, READ_SIZE), 0);
    for (let at = 0; at < size;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return { bytes, hash: state.digest() }; // cut short meanwhile: the hash will not match
      const next = at + bytesRead;
      reading = file.read(bytes, next, Math.min(size - next, READ_SIZE), next);
      state.update(bytes.subarray(at, next));
      at = next;
    }
    await reading;
    return { bytes, hash: state.digest() };
  } finally {
    await file.close();
  }
}

/** The content of a user's file; that it cannot be read is not the blob store's failure. */
async function* sourceChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* readChunks(path);
  } catch (error) {
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'file-unreadable',
      message: `cannot read ${path}: ${(error as Error).message}`,
      cause: error,
    });
  }
}

async function writeParts(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) await writeAll(file, part);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, null);
    at += bytesWritten;
  }
}

async function* entriesOf(directory: string): AsyncGenerator<string> {
  const opened = await ifThere(opendir(directory));
  if (opened === undefined) return;
  for await (const entry of opened) yield entry.name;
}

async function unlinkIfThere(path: string): Promise<void> {
  await ifThere(unlink(path));
}

async function ifThere<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
