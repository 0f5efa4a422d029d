import { digest, type Digest } from '@run-pipeline/core/model';
import type { PackageStore } from '@run-pipeline/core/ports';
import type { Bucket } from './bucket.js';
import type { StoreMarks } from './store-marks.js';

/** Task packages in a bucket: `<prefix>/packages/<64 hex digits>`, a signature `….<id of the key>.sig` beside it. */
export class S3Packages implements PackageStore {
  readonly #bucket: Bucket;
  readonly #marks: StoreMarks | undefined;

  constructor(bucket: Bucket, marks: StoreMarks | undefined) {
    this.#bucket = bucket;
    this.#marks = marks;
  }

  write(hash: Digest, bytes: Uint8Array): Promise<void> {
    return this.#write(keyOf(hash), bytes);
  }

  async #write(key: string, bytes: Uint8Array): Promise<void> {
    await this.#marks?.leave();
    await this.#bucket.put(key, async () => {
      let at = 0;
      return {
        size: bytes.byteLength,
        next: async (length) => bytes.subarray(at, (at += length)),
      };
    });
  }

  read(hash: Digest): Promise<Uint8Array | undefined> {
    return this.#read(keyOf(hash));
  }

  async #read(key: string): Promise<Uint8Array | undefined> {
    const content = await this.#bucket.read(key);
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

  async delete(hash: Digest): Promise<void> {
    await this.#bucket.delete(keyOf(hash));
    for await (const { key } of this.#bucket.list(`${keyOf(hash)}.`)) await this.#bucket.delete(key);
  }

  writeSignature(hash: Digest, key: string, signature: Uint8Array): Promise<void> {
    return this.#write(signatureKey(hash, key), signature);
  }

  readSignature(hash: Digest, key: string): Promise<Uint8Array | undefined> {
    return this.#read(signatureKey(hash, key));
  }
}

const FOLDER = 'packages/';
const KEY = /^packages\/([0-9a-f]{64})$/;
const keyOf = (hash: Digest): string => `${FOLDER}${digest(hash).slice('sha256:'.length)}`;

function signatureKey(hash: Digest, key: string): string {
  if (!/^[0-9a-f]{1,64}$/.test(key)) throw new Error('the id of a key is hexadecimal');
  return `${keyOf(hash)}.${key}.sig`;
}
