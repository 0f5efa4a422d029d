import type { Digest } from '@run-pipeline/core/model';
import type { BlobStore } from '@run-pipeline/core/ports';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directoryBlobs } from '../../packages/runtime/src/artifacts/directory-blobs.js';

/** One blob store to test, empty, and what the suite does behind its back. */
export interface BlobStoreUnderTest {
  /** Another client of the same store, as another process would have. */
  readonly open: () => BlobStore;
  /** Where workers of the machine read and write that the first client is on. */
  readonly directory: string;
  /** Replaces the stored bytes, as a damaged disk would. */
  readonly damage: (hash: Digest, bytes: Uint8Array) => Promise<void>;
  /** Sets the age of a stored blob. */
  readonly age: (hash: Digest, ms: number) => Promise<void>;
  /** Leaves behind what a writer that died in the middle of a put leaves, of this age. */
  readonly abandonWrite: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function allOf(
  store: BlobStore,
): Promise<{ readonly hash: Digest; readonly size: number; readonly modifiedAt: number }[]> {
  const found = [];
  for await (const blob of store.list()) found.push(blob);
  return found;
}

const HOUR = 3_600_000;
const hashOf = (bytes: Uint8Array): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Two and a half MiB that differ everywhere: several reads of a streaming implementation. */
const large = (): Uint8Array =>
  Uint8Array.from({ length: 2_621_440 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

/** What every blob store does (core/ports/blob-store.ts). */
export function blobStoreConformance(name: string, create: () => Promise<BlobStoreUnderTest>): void {
  describe(`${name} is a blob store`, () => {
    let subject: BlobStoreUnderTest;
    let store: BlobStore;
    let scratch: string;

    beforeEach(async () => {
      subject = await create();
      store = subject.open();
      scratch = await mkdtemp(join(tmpdir(), 'blobs-'));
    });
    afterEach(async () => {
      await subject.close();
      await rm(scratch, { recursive: true, force: true });
    });

    const readBytes = async (hash: Digest, from = store): Promise<Uint8Array> => {
      const read = await from.read(hash);
      if (!read.ok) throw new Error(read.message);
      return new Uint8Array(read.bytes);
    };

    for (const [kind, bytes] of [
      ['empty', new Uint8Array()],
      ['small', bytesOf('hello')],
      ['large', large()],
    ] as const) {
      test(`${kind} bytes come back, under their hash`, async () => {
        const hash = hashOf(bytes);
        expect(await store.put(bytes)).toEqual({ hash, size: bytes.byteLength });
        expect(Buffer.compare(await readBytes(hash), bytes)).toBe(0);
        expect(await store.stat(hash)).toMatchObject({ size: bytes.byteLength });
      });

      test(`a ${kind} file comes back, under the hash of its content`, async () => {
        const path = join(scratch, 'source');
        await writeFile(path, bytes);
        expect(await store.put({ path })).toEqual({ hash: hashOf(bytes), size: bytes.byteLength });
        expect(Buffer.compare(await readBytes(hashOf(bytes)), bytes)).toBe(0);
        expect(Buffer.compare(await readFile(path), bytes)).toBe(0);
      });
    }

    test('a view of a larger buffer stores only what it shows', async () => {
      const whole = bytesOf('..inside..');
      const { hash } = await store.put(whole.subarray(2, 8));
      expect(Buffer.from(await readBytes(hash)).toString()).toBe('inside');
    });

    test('another client reads it as soon as put has returned', async () => {
      const { hash } = await store.put(bytesOf('shared'));
      expect(await readBytes(hash, subject.open())).toEqual(bytesOf('shared'));
    });

    test('putting content that exists gives the same answer, and renews its age', async () => {
      const first = await store.put(bytesOf('again'));
      await subject.age(first.hash, 3 * HOUR);
      const old = await store.stat(first.hash);
      // Another process, hours later.
      expect(await subject.open().put(bytesOf('again'))).toEqual(first);
      const renewed = await store.stat(first.hash);
      expect(renewed!.modifiedAt - old!.modifiedAt).toBeGreaterThan(2 * HOUR);
      expect(await allOf(store)).toHaveLength(1);
    });

    test('many writers of the same content at once are all right', async () => {
      const bytes = large();
      const clients = Array.from({ length: 8 }, () => subject.open());
      const results = await Promise.all(clients.map((client) => client.put(bytes)));
      expect(new Set(results.map(({ hash }) => hash))).toEqual(new Set([hashOf(bytes)]));
      expect(Buffer.compare(await readBytes(hashOf(bytes)), bytes)).toBe(0);
      expect(await allOf(store)).toHaveLength(1);
    });

    test('a missing blob is said to be missing', async () => {
      const hash = hashOf(bytesOf('never stored'));
      expect(await store.read(hash)).toMatchObject({ ok: false, reason: 'missing' });
      expect(await store.localPath(hash)).toMatchObject({ ok: false, reason: 'missing' });
      expect(await store.stat(hash)).toBeUndefined();
      await expect(store.delete(hash)).resolves.toBeUndefined();
    });

    for (const [how, wrong] of [
      ['other bytes', bytesOf('Original')],
      ['a cut', bytesOf('orig')],
      ['bytes behind it', bytesOf('original+')],
      ['nothing left', new Uint8Array()],
    ] as const) {
      test(`damage (${how}) is found by every way of reading, and repaired by putting it again`, async () => {
        const { hash } = await store.put(bytesOf('original'));
        expect(await store.localPath(hash)).toMatchObject({ ok: true });
        await subject.damage(hash, wrong);
        expect(await store.read(hash)).toMatchObject({ ok: false, reason: 'damaged' });
        expect(await store.localPath(hash)).toMatchObject({ ok: false, reason: 'damaged' });
        await store.put(bytesOf('original'));
        expect(Buffer.from(await readBytes(hash)).toString()).toBe('original');
        expect(await store.localPath(hash)).toMatchObject({ ok: true });
      });
    }

    test('what a worker wrote into the directory of this machine is there for others once it is adopted', async () => {
      const written = await Promise.all(
        [large(), bytesOf('small')].map((bytes) => directoryBlobs(subject.directory).put(bytes)),
      );
      const hashes = written.map(({ hash }) => hash);
      await store.adopt(hashes);
      await store.adopt(hashes);
      const other = subject.open();
      for (const { hash, size } of written) {
        expect(await other.stat(hash)).toMatchObject({ size });
        expect(hashOf(await readBytes(hash, other))).toBe(hash);
      }
      await store.adopt([]);
    });

    test('what is held lies in the directory of this machine, whole', async () => {
      const { hash } = await subject.open().put(large());
      const never = hashOf(bytesOf('never stored'));
      const held = await store.hold([hash, never, hash]);
      const found = await directoryBlobs(subject.directory).read(hash);
      expect(found.ok && hashOf(found.bytes)).toBe(hash);
      expect(await directoryBlobs(subject.directory).read(never)).toMatchObject({ reason: 'missing' });
      held.release();
      held.release();
    });

    test('a local path holds the verified content', async () => {
      const { hash } = await store.put(large());
      const local = await store.localPath(hash);
      expect(local.ok && Buffer.compare(await readFile(local.path), large())).toBe(0);
    });

    test('a deleted blob is gone, and can be put again', async () => {
      const { hash } = await store.put(bytesOf('short-lived'));
      await store.delete(hash);
      expect(await store.read(hash)).toMatchObject({ ok: false, reason: 'missing' });
      expect(await allOf(store)).toEqual([]);
      await store.put(bytesOf('short-lived'));
      expect(await readBytes(hash)).toEqual(bytesOf('short-lived'));
    });

    test('every blob is listed once, with its size and age', async () => {
      const before = Date.now();
      const texts = Array.from({ length: 50 }, (_, index) => `blob ${index}`);
      await Promise.all(texts.map((text) => store.put(bytesOf(text))));
      const listed = await allOf(store);
      expect(listed.map(({ hash }) => hash).sort()).toEqual(
        texts.map((text) => hashOf(bytesOf(text))).sort(),
      );
      expect(
        listed.every(({ size, modifiedAt }) => size >= 6 && size <= 8 && modifiedAt > before - 5000),
      ).toBe(true);
    });

    test('what dead writers left is swept when it is old enough, blobs never', async () => {
      const { hash } = await store.put(bytesOf('kept'));
      await subject.age(hash, 5 * HOUR);
      await subject.abandonWrite(3 * HOUR);
      await subject.abandonWrite(0);
      expect(await store.sweep(HOUR)).toEqual({ removed: 1 });
      expect(await store.sweep(HOUR)).toEqual({ removed: 0 });
      expect((await allOf(store)).map((blob) => blob.hash)).toEqual([hash]);
    });

    test('a hash that is not one never becomes a path', async () => {
      const hostile = 'sha256:../../../../etc/passwd' as Digest;
      await expect(store.read(hostile)).rejects.toThrow('not a digest');
      await expect(store.localPath(hostile)).rejects.toThrow('not a digest');
      await expect(store.delete(hostile)).rejects.toThrow('not a digest');
    });

    test('a source file that is not there is an error, and leaves nothing', async () => {
      await expect(store.put({ path: join(scratch, 'missing') })).rejects.toMatchObject({
        code: 'file-unreadable',
      });
      expect(await allOf(store)).toEqual([]);
      expect(await store.sweep(-1000)).toEqual({ removed: 0 });
    });
  });
}
