import type { Digest } from '../model/ids.js';

/**
 * Where task packages lie for machines that share no directory: each under its hash, immutable. Whoever
 * makes a package writes it before anything that names it is committed; whoever needs one fetches it and
 * verifies it by its hash before it runs. Bytes alone: what they mean is decided by whoever makes and reads them.
 */
export interface PackageStore {
  /** Durable for all, and of age 0, when it resolves; also when it was there. */
  write(hash: Digest, bytes: Uint8Array): Promise<void>;
  /** The bytes as they lie there, not verified; undefined when there is no such package. */
  read(hash: Digest): Promise<Uint8Array | undefined>;
  /** Milliseconds since it was written, by the clock of whoever keeps it; undefined when there is none. */
  age(hash: Digest): Promise<number | undefined>;
  list(): AsyncIterable<{ readonly hash: Digest; readonly size: number; readonly ageMs: number }>;
  /** With its signatures. */
  delete(hash: Digest): Promise<void>;
  /** Of a package that is there: who vouches for it. `key`: the id of a public key, hexadecimal. */
  writeSignature(hash: Digest, key: string, signature: Uint8Array): Promise<void>;
  /** As it lies there, not verified; undefined when that key has not signed it. */
  readSignature(hash: Digest, key: string): Promise<Uint8Array | undefined>;
}
