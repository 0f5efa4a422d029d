import type { Digest } from '../model/ids.js';

/**
 * Where task packages lie for machines that share no directory: each under its hash, immutable. Whoever
 * makes a package writes it before anything that names it is committed; whoever needs one fetches it and
 * verifies it by its hash before it runs.
 */
export interface PackageStore {
  /** Returns when it is durable for all. The same hash again changes nothing. */
  write(hash: Digest, bytes: Uint8Array): Promise<void>;
  /** The bytes as they lie there, not verified; undefined when there is no such package. */
  read(hash: Digest): Promise<Uint8Array | undefined>;
  list(): AsyncIterable<{ readonly hash: Digest; readonly size: number; readonly modifiedAt: number }>;
  delete(hash: Digest): Promise<void>;
}
