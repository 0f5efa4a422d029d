import { digest, type Digest } from '@run-pipeline/core/model';
import type { PackageStore } from '@run-pipeline/core/ports';
import type { Bucket } from './bucket.js';

/** Task packages in a bucket: `<prefix>/packages/<64 hex digits>`. */
export class S3Packages implements PackageStore {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async write(hash: Digest, bytes: Uint8Array): Promise<void> {
    await this.#bucket.put(keyOf(hash), async () => {
      let at = 0;
      return {
        size: bytes.byteLength,
        next: async (length) => bytes.subarray(at, (at += length)),
      };
    });
  }

  async read(hash: Digest): Promise<Uint8Array | undefined> {
    const content = await this.#bucket.read(keyOf(hash));
    if (content === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async age(hash: Digest): Promise<number | undefined> {
    const found = await this.#bucket.head(keyOf(hash));
    return found === undefined ? undefined : Date.now() - found.modifiedAt;
  }

  async *list(): AsyncGenerator<{ readonly hash: Digest; readonly size: number; readonly ageMs: number }> {
    for await (const { key, size, modifiedAt } of this.#bucket.list(FOLDER)) {
      const hex = KEY.exec(key)?.[1];
      if (hex !== undefined) yield { hash: digest(`sha256:${hex}`), size, ageMs: Date.now() - modifiedAt };
    }
  }

  delete(hash: Digest): Promise<void> {
    return this.#bucket.delete(keyOf(hash));
  }
}

const FOLDER = 'packages/';
const KEY = /^packages\/([0-9a-f]{64})$/;
const keyOf = (hash: Digest): string => `${FOLDER}${digest(hash).slice('sha256:'.length)}`;
