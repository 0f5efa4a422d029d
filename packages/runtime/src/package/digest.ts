import { createHash } from 'node:crypto';
import { digest, type Digest } from '@run-pipeline/core/model';

/** Every preimage starts with its kind and a format version, so that no two kinds of hashes meet. */
export function hashOf(kind: string, ...parts: readonly (string | Uint8Array)[]): Digest {
  const hash = createHash('sha256').update(`run-pipeline:${kind}:1\n`);
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return digest(`sha256:${hash.digest('hex')}`);
}

/** sha256 of bytes, as artifacts are named. */
export const contentHash = (bytes: Uint8Array): Digest =>
  digest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
