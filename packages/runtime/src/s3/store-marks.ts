import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Bucket } from './bucket.js';

/**
 * Which stores keep something below a prefix: each leaves a mark (`<prefix>/stores/<id>`) before it keeps anything.
 * A collection frees what its own store does not name, so below a prefix with marks of several it must not free
 * anything: most of it may be another's.
 */
export class StoreMarks {
  readonly #bucket: Bucket;
  readonly #key: () => Promise<Uint8Array>;
  #left: Promise<void> | undefined;

  constructor(bucket: Bucket, key: () => Promise<Uint8Array>) {
    this.#bucket = bucket;
    this.#key = key;
  }

  /** Awaited before the first write of this process; asks the bucket once. */
  leave(): Promise<void> {
    if (this.#left === undefined) {
      this.#left = this.#leaveOnce();
      this.#left.catch(() => (this.#left = undefined));
    }
    return this.#left;
  }

  /** Of other stores, with what they say of themselves. */
  async others(): Promise<readonly string[]> {
    const own = await this.#own();
    const found: string[] = [];
    for await (const { key } of this.#bucket.list(FOLDER)) if (key !== own) found.push(key);
    return Promise.all(found.map(async (key) => `${key} (${await this.#text(key)})`));
  }

  async #leaveOnce(): Promise<void> {
    const own = await this.#own();
    if ((await this.#bucket.head(own)) !== undefined) return;
    const text = Buffer.from(
      `a store of run-pipeline, since ${new Date().toISOString()} from ${hostname()}\n`,
    );
    await this.#bucket.put(own, async () => ({ size: text.byteLength, next: async () => text }));
  }

  /** The key of a store never leaves it: what is made of it tells stores apart, and nothing else. */
  async #own(): Promise<string> {
    const id = createHash('sha256')
      .update('run-pipeline:store-mark:1\n')
      .update(await this.#key());
    return `${FOLDER}${id.digest('hex').slice(0, 32)}`;
  }

  async #text(key: string): Promise<string> {
    const bytes = await this.#bucket.readPart(key, { offset: 0, size: 300 });
    return Buffer.from(bytes ?? [])
      .toString('utf8')
      .replace(/[^\P{C}]/gu, ' ')
      .trim();
  }
}

const FOLDER = 'stores/';
