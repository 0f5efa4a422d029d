import type { Digest } from '@run-pipeline/core/model';
import { INLINE_LIMIT } from '@run-pipeline/core/model';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeValue } from './decode.js';
import { directoryBlobs } from './directory-blobs.js';
import { artifactIdentity, encodeValue, hashValue } from './encode.js';
import { image, text } from './markers.js';
import { splitSegments } from './segments.js';
import { sha256 } from './sha256.js';
import { toJson } from './to-json.js';

const directory = await mkdtemp(join(tmpdir(), 'encode-'));
const blobs = directoryBlobs(join(directory, 'blobs'));
afterAll(() => rm(directory, { recursive: true, force: true }));

const now = new Date('2026-01-02T03:04:05.678Z');
const encode = (value: unknown) => encodeValue(value, { name: 'train', blobs, now });
const decode = ({ record, inline }: Awaited<ReturnType<typeof encode>>): Promise<unknown> =>
  decodeValue({ codec: record.type, ...record, inline }, { blobs, directory });

test('an artifact records what it is, its hash, size, preview, columns and time', async () => {
  const rows = [
    { sepal: 5.1, kind: 'setosa' },
    { sepal: 7, kind: 'versicolor' },
  ];
  const bytes = Buffer.from(JSON.stringify({ json: rows }));
  const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
  const { record, inline } = await encode(rows);
  expect(record).toEqual({
    name: 'train',
    type: 'superjson',
    hash,
    size: bytes.length,
    url: `artifact://sha256/${hash.slice(7)}`,
    codecVersion: 1,
    preview: '{sepal: 5.1, kind: "setosa"}\n{sepal: 7, kind: "versicolor"}',
    createdAt: '2026-01-02T03:04:05.678Z',
    meta: { rows: 2, columns: ['sepal', 'kind'] },
  });
  expect(Buffer.from(inline!)).toEqual(bytes);
});

test('values ride along up to the limit, and are durable in the blob store above it', async () => {
  const filling = INLINE_LIMIT - '{"json":""}'.length;
  const small = await encode('x'.repeat(filling));
  expect([small.record.size, small.inline?.byteLength]).toEqual([INLINE_LIMIT, INLINE_LIMIT]);
  expect(await blobs.stat(small.record.hash)).toBeUndefined();
  const large = await encode('x'.repeat(filling + 1));
  expect([large.record.size, large.inline]).toEqual([INLINE_LIMIT + 1, undefined]);
  expect(await blobs.stat(large.record.hash)).toMatchObject({ size: INLINE_LIMIT + 1 });
});

test.each([
  ['superjson', { a: 1 }],
  ['superjson', 'a string'],
  ['superjson', undefined],
  ['superjson', { weights: new Float64Array(5000) }],
  ['superjson', [new Date(1), new Map([[1, 2]])]],
  ['text', text('# Report\n\u{1f49a}\u0000\ufeff')],
  ['text', text('\ufeff'.repeat(9000))],
  ['bytes', Buffer.from([0, 255])],
  ['bytes', new Uint8Array(100_000).fill(7)],
  ['bytes', new Float64Array([1, -0, Number.NaN])],
  ['bytes', new BigInt64Array([1n])],
  ['bytes', new ArrayBuffer(8)],
  ['image', image(Buffer.from([1, 2, 3]), { mime: 'image/png' })],
])('hashValue gives the hash of encodeValue, as %s', async (type, value) => {
  const stored = await encode(value);
  expect(stored.record.type).toBe(type);
  expect(await hashValue(value, { path: 'train' })).toEqual({
    type,
    codecVersion: 1,
    hash: stored.record.hash,
    size: stored.record.size,
    meta: stored.record.meta,
  });
});

test('text, bytes and images come back as the consumer expects them', async () => {
  expect(await decode(await encode(text('\ufeffa\u0000💚')))).toBe('\ufeffa\u0000💚');
  expect(await decode(await encode(text('\ufeff'.repeat(9000))))).toBe('\ufeff'.repeat(9000));
  for (const size of [3, 100_000]) {
    for (const value of [
      Buffer.alloc(size, 'ab'),
      new Uint8Array(size).fill(9),
      new Float32Array(size).fill(0.5),
      new DataView(new ArrayBuffer(size)),
    ]) {
      const read = (await decode(await encode(value))) as typeof value;
      expect(read).toStrictEqual(value);
      expect(read.buffer.byteLength).toBe(value.byteLength);
    }
    const png = Buffer.alloc(size, 1);
    expect(await decode(await encode(image(png, { mime: 'image/png' })))).toStrictEqual({
      bytes: new Uint8Array(png),
      mime: 'image/png',
    });
  }
});

test('values with equal bytes that read differently have different identities', async () => {
  const bytes = Buffer.from('{"json":1}');
  const values = [
    1,
    text('{"json":1}'),
    bytes,
    new Uint8Array(bytes),
    image(bytes, { mime: 'image/png' }),
    image(bytes, { mime: 'image/gif' }),
  ];
  const hashed = await Promise.all(values.map((value) => hashValue(value, { path: 'x' })));
  expect(new Set(hashed.map(({ hash }) => hash)).size).toBe(1);
  expect(new Set(hashed.map(artifactIdentity)).size).toBe(values.length);
  expect(artifactIdentity((await encode(text('{"json":1}'))).record)).toBe(artifactIdentity(hashed[1]!));
});

test('rows and columns do not count as identity', async () => {
  const { record } = await encode([{ a: 1 }]);
  expect(artifactIdentity({ ...record, meta: {} })).toBe(artifactIdentity(record));
});

test('a marker that cannot be what it says is refused at once', () => {
  expect(() => text(1 as never)).toThrow('takes a string');
  expect(() => image('png' as never, { mime: 'image/png' })).toThrow('takes the bytes');
  expect(() => image(Buffer.of(1), { mime: 'text/html' })).toThrow('not the type of an image');
});

test('bytes with a right hash and a wrong form are an error, never a value', async () => {
  const documents = [
    '',
    'null',
    '[]',
    '{}',
    '{"json":1',
    '{"json":[1],"meta":{"values":{"5":["Date"]}}}',
    '{"json":{"a":1},"meta":{"values":{"a":["Date"]}}}',
    '{"json":"x","meta":{"values":["class"]}}',
    '{"json":"x","meta":{"values":[["class","Model"]]}}',
    '{"json":"x","meta":{"values":["bigint"]}}',
    '{"json":"x","meta":{"values":[["custom","codec"]]}}',
    '{"json":0,"meta":{"values":[["custom","binary:Float64Array"]]}}',
    '{"json":{},"meta":{"referentialEqualities":{"a.b":["c"]}}}',
    '{"json":[null,{}],"meta":{"referentialEqualities":{"1":["0"]}}}',
    '{"json":{"name":"Function","message":"x"},"meta":{"values":[["custom","error"]]}}',
    'rpsegs\0\x01',
    `rpsegs\0\x01${'\xff'.repeat(16)}`,
    `rpsegs\0\x01${'\0'.repeat(15)}\x01`,
  ];
  for (const document of documents) {
    const inline = Buffer.from(document, 'latin1');
    const value = decodeValue(
      { codec: 'superjson', codecVersion: 1, hash: sha256(inline), inline },
      { blobs, directory },
    );
    await expect(value, document).rejects.toMatchObject({ kind: 'artifact' });
  }
});

test('segments start at multiples of eight, whatever the length of the text', async () => {
  for (let length = 0; length < 20; length++) {
    const { inline } = await encode({
      text: 'ü'.repeat(length),
      odd: new Uint8Array(length),
      numbers: new Float64Array([1]),
    });
    const { segments } = splitSegments(inline!);
    for (const segment of segments) expect((segment.byteOffset - inline!.byteOffset) % 8).toBe(0);
  }
});

test('get --json gives plain JSON where the value is that, else superjson', () => {
  expect(toJson([{ a: 1 }])).toEqual([{ a: 1 }]);
  expect(toJson({ at: new Date(0) })).toEqual({
    json: { at: '1970-01-01T00:00:00.000Z' },
    meta: { values: { at: ['Date'] }, v: 1 },
  });
  expect(toJson({ w: new Float32Array([1, 0.5]) })).toEqual({
    json: { w: [1, 0.5] },
    meta: { values: { w: [['typed-array', 'Float32Array']] }, v: 1 },
  });
  expect(toJson(new Float32Array([Number.NaN]))).toEqual({
    json: 'AADAfw==',
    meta: { values: [['custom', 'binary:Float32Array']], v: 1 },
  });
  expect(toJson(Buffer.from('hi'))).toEqual({
    json: 'aGk=',
    meta: { values: [['custom', 'binary:Buffer']], v: 1 },
  });
});
