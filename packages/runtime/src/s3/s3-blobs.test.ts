import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Digest } from '@run-pipeline/core/model';
import type { BlobStore } from '@run-pipeline/core/ports';
import { directoryBlobs, sha256 } from '../artifacts/index.js';
import { openS3Blobs } from './index.js';
import { S3Server } from './s3-server.test-support.js';

let server: S3Server;
let directory: string;
beforeAll(async () => {
  server = await S3Server.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-blobs-'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's3cr3t');
  server.objects.clear();
  server.uploads.clear();
  server.begun.clear();
  server.requests.length = 0;
  server.intercept = undefined;
  server.clock = 0;
  server.buckets = undefined;
  server.pageSize = 1000;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

type Env = Readonly<Record<string, string>>;
/** Each machine has a directory of its own. */
const machine = (name: string, env: Env = {}): BlobStore =>
  openS3Blobs({
    url: 's3://bucket/prefix',
    directory: join(directory, name),
    env: { AWS_ENDPOINT_URL: server.url, RUN_PIPELINE_BLOBS_PATIENCE_MS: '3000', ...env },
  }).blobs;
const keyOf = (hash: Digest): string => `bucket/prefix/blobs/${hash.slice(7, 9)}/${hash.slice(7)}`;
const copyOf = (name: string, hash: Digest): string => join(directory, name, hash.slice(7, 9), hash.slice(7));
const count = (method: string, part = ''): number =>
  server.requests.filter((each) => each.startsWith(`${method} `) && each.includes(part)).length;

const MIB = 1024 * 1024;
const SMALL = Buffer.from('some content '.repeat(2_000));
const LARGE = randomBytes(21 * MIB + 17);

function answer(response: ServerResponse, status: number, code: string): true {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  return true;
}

const saying =
  (status: number, code: string) =>
  (_: IncomingMessage, response: ServerResponse): true =>
    answer(response, status, code);

/** Answers the first so many requests that fit in its own way. */
function failing(
  times: number,
  fits: (request: IncomingMessage) => boolean,
  how: (request: IncomingMessage, response: ServerResponse) => true,
): void {
  let left = times;
  server.intercept = (request, response) => {
    if (left === 0 || !fits(request)) return false;
    left -= 1;
    return how(request, response);
  };
}
const any = (): boolean => true;
const reading = ({ method }: IncomingMessage): boolean => method === 'GET';
const reset = (request: IncomingMessage): true => {
  request.socket.resetAndDestroy();
  return true;
};

describe('what passes is waited for', () => {
  test.each([
    ['500', saying(500, 'InternalError')],
    ['503 SlowDown', saying(503, 'SlowDown')],
    ['429', saying(429, 'TooManyRequests')],
    ['a reset connection', reset],
    ['no answer', (): true => true],
  ] as const)('%s, twice, while storing, reading, looking, listing and deleting', async (_, how) => {
    const patient = { RUN_PIPELINE_BLOBS_PATIENCE_MS: '1500' };
    const [here, there] = [machine('a', patient), machine('b', patient)];
    // A request that is not answered is given up after a third of the patience.
    failing(1, any, how);
    const { hash } = await here.put(SMALL);
    failing(2, any, how);
    expect(await there.stat(hash)).toMatchObject({ size: SMALL.length });
    failing(1, any, how);
    const read = await there.read(hash);
    expect(read.ok && SMALL.equals(read.bytes)).toBe(true);
    failing(1, any, how);
    const listed = [];
    for await (const blob of there.list()) listed.push(blob.hash);
    expect(listed).toEqual([hash]);
    failing(1, any, how);
    await there.delete(hash);
    expect(server.objects.size).toBe(0);
  });

  test('parts that fail are sent again, alone', async () => {
    failing(
      2,
      ({ url }) => /partNumber=[13]&/.test(url ?? ''),
      (_, response) => answer(response, 500, 'InternalError'),
    );
    const { hash } = await machine('a').put(LARGE);
    expect(server.objects.get(keyOf(hash))!.bytes.equals(LARGE)).toBe(true);
    expect([count('PUT', 'partNumber='), server.uploads.size]).toEqual([5, 0]);
  });

  test('a connection that breaks while reading is continued where it broke', async () => {
    const { hash } = await machine('a').put(LARGE);
    failing(1, reading, (_, response) => {
      const { bytes, etag } = server.objects.get(keyOf(hash))!;
      response.writeHead(200, { 'content-length': bytes.length, etag });
      response.write(bytes.subarray(0, 5 * MIB), () => response.socket?.destroy());
      return true;
    });
    const there = machine('b');
    const read = await there.read(hash);
    expect(read.ok && LARGE.equals(read.bytes)).toBe(true);
    expect(count('GET')).toBe(2);
  });

  test('what stands still while reading is continued', async () => {
    const { hash } = await machine('a').put(SMALL);
    failing(1, reading, (_, response) => {
      const { bytes, etag } = server.objects.get(keyOf(hash))!;
      response.writeHead(200, { 'content-length': bytes.length, etag });
      response.write(bytes.subarray(0, 100));
      return true;
    });
    const read = await machine('b', { RUN_PIPELINE_BLOBS_PATIENCE_MS: '1500' }).read(hash);
    expect(read.ok && SMALL.equals(read.bytes)).toBe(true);
  });

  test('a content that was cut short or changed on its way is asked for again', async () => {
    const { hash } = await machine('a').put(SMALL);
    for (const [name, wrong] of [
      ['b', SMALL.subarray(0, 100)],
      ['c', Buffer.from(SMALL).fill('x', 50, 60)],
    ] as const) {
      failing(1, reading, (_, response) => {
        response.end(wrong);
        return true;
      });
      const read = await machine(name).read(hash);
      expect(read.ok && SMALL.equals(read.bytes)).toBe(true);
    }
  });

  test('an upload whose parts somebody removed is begun anew', async () => {
    failing(
      1,
      ({ method, url }) => method === 'POST' && url!.includes('uploadId='),
      (_, response) => {
        server.uploads.clear();
        server.begun.clear();
        return answer(response, 404, 'NoSuchUpload');
      },
    );
    const { hash } = await machine('a').put(LARGE);
    expect(server.objects.get(keyOf(hash))!.bytes.equals(LARGE)).toBe(true);
  });
});

describe('what does not pass is said, in time', () => {
  test.each([
    ['a server that is away', reset, 'blobs-unreachable'],
    ['a server that never answers', (): true => true, 'blobs-unreachable'],
    ['no right', saying(403, 'AccessDenied'), 'blobs-denied'],
    ['a wrong key', saying(403, 'SignatureDoesNotMatch'), 'blobs-denied'],
    ['a request that it does not take', saying(400, 'InvalidRequest'), 'blobs-failed'],
  ] as const)('%s', async (_, how, code) => {
    const { hash } = await machine('a').put(SMALL);
    const there = machine('b', { RUN_PIPELINE_BLOBS_PATIENCE_MS: '600' });
    failing(Number.POSITIVE_INFINITY, any, how);
    const error = { kind: 'store', code, message: expect.stringContaining('s3://bucket/prefix') };
    await expect(there.put(Buffer.from('other'))).rejects.toMatchObject(error);
    await expect(there.read(hash)).rejects.toMatchObject(error);
    await expect(there.stat(hash)).rejects.toMatchObject(error);
    await expect(there.hold([hash])).rejects.toMatchObject(error);
    await expect(there.delete(hash)).rejects.toMatchObject(error);
    await expect(there.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(error);
    // The directory of a machine is no store: nothing of what failed counts as stored.
    server.intercept = undefined;
    expect([...server.objects.keys()]).toEqual([keyOf(hash)]);
  });

  test('a server that sends a byte now and then is given up', async () => {
    const { hash } = await machine('a').put(SMALL);
    server.intercept = (request, response) => {
      if (!reading(request)) return false;
      response.writeHead(200, {
        'content-length': SMALL.length,
        etag: server.objects.get(keyOf(hash))!.etag,
      });
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    await expect(machine('b', { RUN_PIPELINE_BLOBS_PATIENCE_MS: '600' }).read(hash)).rejects.toMatchObject({
      code: 'blobs-unreachable',
    });
  });

  test('a bucket that is not there', async () => {
    server.buckets = new Set(['another']);
    await expect(machine('a').put(SMALL)).rejects.toMatchObject({
      kind: 'store',
      code: 'bucket-missing',
      message: expect.stringContaining('there is no bucket bucket'),
      help: expect.stringContaining('AWS_ENDPOINT_URL_S3'),
    });
  });

  test('an object that is damaged is said to be, whole or cut; what is not there is missing', async () => {
    const { hash } = await machine('a').put(SMALL);
    for (const wrong of [Buffer.from(SMALL).fill('x', 9, 10), SMALL.subarray(0, -1)]) {
      server.put(keyOf(hash), wrong);
      const there = machine(`b${wrong.length}`);
      expect(await there.read(hash)).toMatchObject({ ok: false, reason: 'damaged' });
      expect(await there.localPath(hash)).toMatchObject({ ok: false, reason: 'damaged' });
    }
    server.objects.clear();
    expect(await machine('c').read(hash)).toMatchObject({ ok: false, reason: 'missing' });
  });

  test('an upload in parts that fails leaves neither an object nor parts', async () => {
    failing(
      Number.POSITIVE_INFINITY,
      ({ url }) => url!.includes('partNumber=3'),
      (_, response) => answer(response, 403, 'AccessDenied'),
    );
    await expect(machine('a').put(LARGE)).rejects.toMatchObject({ code: 'blobs-denied' });
    expect([server.objects.size, server.uploads.size]).toEqual([0, 0]);
  });

  test('what changes while it is sent is not stored under the hash that it had', async () => {
    // More parts than are on their way at once: the last ones are read after the change.
    const content = Buffer.alloc(41 * MIB, 'content ');
    const { hash } = await directoryBlobs(join(directory, 'a')).put(content);
    let changing: Promise<void> | undefined;
    let changed = false;
    server.intercept = ({ url }, response) => {
      if (changed || !url!.includes('partNumber=')) return false;
      changing ??= writeFile(copyOf('a', hash), Buffer.alloc(content.length)).then(() => {
        changed = true;
      });
      return answer(response, 500, 'InternalError');
    };
    await expect(machine('a').adopt([hash])).rejects.toMatchObject({ code: 'blob-missing' });
    expect([changed, server.objects.size, server.uploads.size]).toEqual([true, 0, 0]);
  });
});

describe('two machines share a bucket', () => {
  test('what a worker of one wrote reaches a worker of the other', async () => {
    const written = await directoryBlobs(join(directory, 'a')).put(LARGE);
    const [here, there] = [machine('a'), machine('b')];
    await here.adopt([written.hash]);
    const held = await there.hold([written.hash]);
    expect((await readFile(copyOf('b', written.hash))).equals(LARGE)).toBe(true);
    held.release();
  });

  test('a copy that is damaged is replaced from the bucket, also while it is adopted', async () => {
    const [here, there] = [machine('a'), machine('b')];
    const { hash } = await here.put(SMALL);
    await there.read(hash);
    for (const use of [
      () => there.read(hash),
      () => there.localPath(hash),
      async () => (await there.hold([hash])).release(),
    ]) {
      await writeFile(copyOf('b', hash), 'damaged');
      await use();
      expect((await readFile(copyOf('b', hash))).equals(SMALL)).toBe(true);
    }
    await writeFile(copyOf('b', hash), 'damaged');
    await there.adopt([hash]);
    expect(server.objects.get(keyOf(hash))!.bytes.equals(SMALL)).toBe(true);
  });

  test('what is neither here nor in the bucket cannot be adopted', async () => {
    await expect(machine('a').adopt([sha256(Buffer.from('nowhere'))])).rejects.toMatchObject({
      kind: 'store',
      code: 'blob-missing',
    });
  });

  test('what was read or sent a moment ago is not asked for or sent again', async () => {
    const [here, there] = [machine('a'), machine('b')];
    const { hash } = await here.put(SMALL);
    await here.put(SMALL);
    await here.adopt([hash]);
    expect(count('PUT')).toBe(1);
    await Promise.all([there.read(hash), there.localPath(hash), there.hold([hash])]);
    await there.read(hash);
    expect(count('GET')).toBe(1);
  });

  test('parts are read of the object, or of the copy where there is one', async () => {
    const [here, there] = [machine('a'), machine('b')];
    const { hash } = await here.put(SMALL);
    for (const [offset, size] of [
      [0, 10],
      [100, 1],
      [SMALL.length - 5, 100],
      [SMALL.length + 5, 10],
      [7, 0],
    ] as const) {
      const wanted = SMALL.subarray(offset, offset + size);
      for (const blobs of [here, there])
        expect(wanted.equals((await blobs.readPart!(hash, { offset, size }))!)).toBe(true);
    }
    expect(count('GET')).toBe(4);
    expect(await readdir(join(directory, 'b'))).toEqual(['used']);
    expect(await there.readPart!(sha256(Buffer.from('nowhere')), { offset: 0, size: 1 })).toBeUndefined();
  });

  test('ages are by the clock of the server, however wrong ours is', async () => {
    server.clock = -5 * 60 * 60_000;
    const here = machine('a');
    const { hash } = await here.put(SMALL);
    const found = await here.stat(hash);
    expect(Math.abs(Date.now() - found!.modifiedAt)).toBeLessThan(60_000);
    server.clock = 5 * 60 * 60_000;
    for await (const { modifiedAt } of here.list())
      expect(Date.now() - modifiedAt).toBeGreaterThan(9 * 60 * 60_000);
  });
});

describe('the directory of a machine is bounded', () => {
  const AGO = 20 * 60_000;
  const old = async (name: string, hash: Digest, ms = AGO): Promise<void> => {
    const at = new Date(Date.now() - ms);
    await utimes(copyOf(name, hash), at, at);
    await utimes(join(directory, name, 'used', hash.slice(7)), at, at).catch(() => undefined);
  };
  const isHere = (name: string, hash: Digest): Promise<boolean> =>
    stat(copyOf(name, hash)).then(
      () => true,
      () => false,
    );
  const bytes = (text: string): Buffer => Buffer.alloc(100_000, text);

  test('what was used least recently goes first, down to nine tenths of the bound', async () => {
    const hashes: Digest[] = [];
    // What stores keeps to its bound by itself: this one has a large one.
    for (const text of ['a', 'b', 'c', 'd']) hashes.push((await machine('a').put(bytes(text))).hash);
    const blobs = machine('a', { RUN_PIPELINE_BLOBS_CACHE_SIZE: '250KB' });
    for (const [at, hash] of hashes.entries()) await old('a', hash, AGO + (4 - at) * 60_000);
    await old('a', hashes[0]!, AGO);
    await blobs.sweep(3_600_000);
    expect(await Promise.all(hashes.map((hash) => isHere('a', hash)))).toEqual([true, false, false, true]);
    // It comes back when it is asked for.
    expect(await blobs.read(hashes[1]!)).toMatchObject({ ok: true });
  });

  test('what a running task was given stays, as does what nobody has adopted', async () => {
    const blobs = machine('a', { RUN_PIPELINE_BLOBS_CACHE_SIZE: '1KB' });
    const held = (await blobs.put(bytes('held'))).hash;
    const free = (await blobs.put(bytes('free'))).hash;
    const recent = (await blobs.put(bytes('recent'))).hash;
    const written = (await directoryBlobs(join(directory, 'a')).put(bytes('written'))).hash;
    const hold = await blobs.hold([held]);
    for (const hash of [held, free, written]) await old('a', hash);
    await blobs.sweep(3_600_000);
    expect(await Promise.all([held, free, recent, written].map((hash) => isHere('a', hash)))).toEqual([
      true,
      false,
      true,
      true,
    ]);
    hold.release();
    await old('a', held);
    await blobs.sweep(3_600_000);
    expect(await isHere('a', held)).toBe(false);
    await blobs.adopt([written]);
    expect(server.objects.has(keyOf(written))).toBe(true);
  });

  test('what a dead worker left is removed after a week, when no bucket has it', async () => {
    const blobs = machine('a');
    const left = (await directoryBlobs(join(directory, 'a')).put(bytes('left'))).hash;
    const known = (await blobs.put(bytes('known'))).hash;
    for (const hash of [left, known]) await old('a', hash, 8 * 24 * 3_600_000);
    expect(await blobs.sweep(3_600_000)).toEqual({ removed: 1 });
    expect([await isHere('a', left), await isHere('a', known)]).toEqual([false, true]);
  });

  test('room is made while blobs come in', async () => {
    const blobs = machine('a', { RUN_PIPELINE_BLOBS_CACHE_SIZE: '250KB' });
    const first = (await blobs.put(bytes('first'))).hash;
    await old('a', first);
    for (const text of ['second', 'third', 'fourth']) await blobs.put(bytes(text));
    await vi.waitFor(async () => expect(await isHere('a', first)).toBe(false), { timeout: 10_000 });
    expect(await readdir(join(directory, 'a', 'tmp'))).toEqual([]);
  });

  test('a size that is none is an error at the door', () => {
    expect(() => machine('a', { RUN_PIPELINE_BLOBS_CACHE_SIZE: 'much' })).toThrow('which is no size');
  });

  test('nor is a time that is none', () => {
    for (const text of ['a minute', '99', '-1'])
      expect(() => machine('a', { RUN_PIPELINE_BLOBS_PATIENCE_MS: text })).toThrow(
        `=${text} is no number of milliseconds`,
      );
  });
});
