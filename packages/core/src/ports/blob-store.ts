import type { Digest } from '../model/ids.js';

/**
 * Where the bytes of artifacts and packages live. Content-addressed and immutable. The store's rows
 * are the truth about what exists; this only holds bytes.
 *
 * Invariants every implementation keeps (the conformance suite checks them):
 * - `put` returns only when the bytes are durable (written, fsynced, renamed, directory fsynced).
 * - A reader never sees a half-written blob; two writers of the same content are both right.
 * - Putting content that exists renews its age, so that a concurrent `gc` leaves it alone.
 * - `read` verifies: bytes whose hash differs are a `damaged` failure and never returned.
 */
export interface BlobStore {
  /** Stores bytes (or parts, in order; or a file, by streaming) under their hash. */
  put(
    source: Uint8Array | readonly Uint8Array[] | { readonly path: string },
  ): Promise<{ readonly hash: Digest; readonly size: number }>;
  /** The verified bytes; `missing` and `damaged` are data. */
  read(hash: Digest): Promise<BlobRead>;
  /** Makes the blob available as a local file, verified; used for large files. Not to be modified. */
  localPath(hash: Digest): Promise<{ readonly ok: true; readonly path: string } | BlobFailure>;
  /**
   * Workers read and write the directory of this machine themselves. What one of them wrote there is durable, and
   * there for every machine, when this resolves: to be awaited before anything that names it is committed. Nothing
   * is to be done where that directory is the store.
   *
   * @throws RunPipelineError `blob-missing` when one of them is neither here nor in the store.
   */
  adopt(hashes: readonly Digest[]): Promise<void>;
  /**
   * Brings blobs into that directory, verified, and keeps them there until `release`: to be awaited before a worker
   * is sent what names them. One that is missing or damaged is left out, and the worker says so.
   */
  hold(hashes: readonly Digest[]): Promise<HeldBlobs>;
  /**
   * A part of a blob, where the whole is far away: for playing a film to somebody, never for a task, since a part
   * cannot be verified. Fewer bytes where the blob ends; undefined: it is not there.
   */
  readPart?(
    hash: Digest,
    part: { readonly offset: number; readonly size: number },
  ): Promise<Uint8Array | undefined>;
  /** Size when present. Does not verify. `modifiedAt`: by the clock of this process. */
  stat(hash: Digest): Promise<{ readonly size: number; readonly modifiedAt: number } | undefined>;
  delete(hash: Digest): Promise<void>;
  list(): AsyncIterable<{ readonly hash: Digest; readonly size: number; readonly modifiedAt: number }>;
  /**
   * Where several stores may keep their blobs in one place by mistake: the others that do, by what they say of
   * themselves. A collection frees nothing then, since it knows what one store names.
   */
  sharedWith?(): Promise<readonly string[]>;
  /** Removes what writers that died left behind (temporary files, unfinished uploads) `olderThanMs` ago. */
  sweep(olderThanMs: number): Promise<{ readonly removed: number }>;
}

export interface HeldBlobs {
  /** From then on they may be removed from this machine's directory. */
  release(): void;
}

export interface BlobFailure {
  readonly ok: false;
  readonly reason: 'missing' | 'damaged';
  readonly message: string;
}
export type BlobRead = { readonly ok: true; readonly bytes: Uint8Array } | BlobFailure;
