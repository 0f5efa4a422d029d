import fc from 'fast-check';
import superjson from 'superjson';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeValue } from './decode.js';
import { directoryBlobs } from './directory-blobs.js';
import { encodeValue } from './encode.js';
import type { BlobStore } from '@run-pipeline/core/ports';

let directory: string;
let blobs: BlobStore;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'round-trip-'));
  blobs = directoryBlobs(join(directory, 'blobs'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const now = new Date('2026-01-02T03:04:05.678Z');
const encode = (value: unknown) => encodeValue(value, { name: 'value', blobs, now });
const decode = ({ record, inline }: Awaited<ReturnType<typeof encode>>): Promise<unknown> =>
  decodeValue(
    { codec: record.type, codecVersion: record.codecVersion, hash: record.hash, inline, meta: record.meta },
    { blobs, directory: join(directory, 'local') },
  );
const roundTrip = async (value: unknown): Promise<unknown> => decode(await encode(value));

/** Random nested values, some of whose parts are the same object. */
const pool = [{ shared: 1 }, ['shared'], new Date(5), new Map([['k', 1]])];
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    tie('array'),
    tie('object'),
    tie('map'),
    tie('set'),
    tie('error'),
  ),
  leaf: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, undefined, null, true, false, '', '__proto__'),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(/a\/b[/]\n/giu, /(?:)/, new URL('https://example.com/a?b=c#d')),
    fc.constantFrom(...pool),
    fc.float64Array(),
    fc.uint8Array(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.bigInt64Array(),
    fc.int16Array().map((array) => new DataView(array.buffer)),
    fc.int16Array().map((array) => array.slice().buffer),
  ),
  key: fc.oneof(
    fc.string(),
    fc.constantFrom('a.b', 'a\\', '', '__proto__', 'constructor', 'prototype', '0', '10', 'then', 'toJSON'),
  ),
  array: fc.array(tie('value'), { maxLength: 5 }),
  object: fc
    .array(fc.tuple(tie('key') as fc.Arbitrary<string>, tie('value')), { maxLength: 5 })
    .chain((entries) => fc.boolean().map((bare) => objectOf(entries, bare))),
  map: fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
  set: fc.array(tie('value'), { maxLength: 4 }).map((members) => new Set(members)),
  error: fc.tuple(fc.string(), tie('value')).map(([message, cause]) => new TypeError(message, { cause })),
})).value;

function objectOf(entries: readonly (readonly [string, unknown])[], bare: boolean): object {
  const object = (bare ? Object.create(null) : {}) as object;
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

/** Everything two values can differ in, as a list; identity as the number of the first meeting. */
function describeValue(value: unknown): unknown[] {
  const met = new Map<object, number>();
  const lines: unknown[] = [];
  const visit = (item: unknown): void => {
    if (typeof item !== 'object' || item === null)
      return void lines.push(Object.is(item, -0) ? '-0' : [typeof item, String(item)]);
    const number = met.get(item);
    if (number !== undefined) return void lines.push(['same as', number]);
    met.set(item, met.size);
    const prototype = Object.getPrototypeOf(item) as {
      readonly constructor: { readonly name: string };
    } | null;
    lines.push(prototype === null ? 'no prototype' : prototype.constructor.name);
    if (ArrayBuffer.isView(item)) {
      lines.push(Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('hex'));
    } else if (item instanceof ArrayBuffer) {
      lines.push(Buffer.from(item).toString('hex'));
    } else if (item instanceof Map) {
      for (const [key, member] of item) {
        visit(key);
        visit(member);
      }
    } else if (item instanceof Set) {
      for (const member of item) visit(member);
    } else if (item instanceof Date || item instanceof RegExp || item instanceof URL) {
      lines.push(item instanceof Date ? item.getTime() : String(item));
    } else if (item instanceof Error) {
      lines.push(item.message);
      visit(item.cause);
    } else {
      for (const key of Reflect.ownKeys(item)) {
        lines.push(['key', String(key)]);
        if (key !== 'length') visit((item as Record<PropertyKey, unknown>)[key]);
      }
    }
    lines.push('end');
  };
  visit(value);
  return lines;
}

test('any value of the kinds that are kept comes back the same, with its shared objects', async () => {
  await fc.assert(
    fc.asyncProperty(anyValue, async (value) => {
      expect(describeValue(await roundTrip(value))).toEqual(describeValue(value));
    }),
    { numRuns: 500 },
  );
});

test('encoding the same value again gives the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(anyValue, async (value) => {
      const [first, second] = [await encode(value), await encode(value)];
      expect(second.record).toEqual(first.record);
      expect(await encode(await decode(first))).toEqual(first);
    }),
    { numRuns: 200 },
  );
});

test('any single changed byte of a stored value is detected, wherever it is stored', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyValue,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (value, position, change) => {
        const stored = await encode(value);
        fc.pre(stored.inline !== undefined && stored.inline.byteLength > 0);
        const bytes = Uint8Array.from(stored.inline!);
        bytes[position % bytes.byteLength]! ^= change;
        await expect(decode({ ...stored, inline: bytes })).rejects.toMatchObject({
          kind: 'artifact',
          code: 'artifact-damaged',
        });
      },
    ),
    { numRuns: 200 },
  );
});

const jsonValue = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !/"(?:__proto__|constructor|prototype)":/.test(JSON.stringify(value)));

test('plain JSON is stored byte for byte as superjson writes it', async () => {
  await fc.assert(
    fc.asyncProperty(jsonValue, async (value) => {
      fc.pre(!describeValue(value).some((line) => line === '-0'));
      const { record, inline } = await encode(value);
      expect(record.type).toBe('superjson');
      expect(Buffer.from(inline!).toString()).toBe(superjson.stringify(value));
    }),
    { numRuns: 300 },
  );
});

/** What superjson itself keeps: no binary values, no keys it refuses, nothing shared. */
const superjsonValue = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('array'), tie('object'), tie('map')),
  leaf: fc.oneof(
    fc.string(),
    fc.double(),
    fc.constantFrom(-0, Number.NaN, undefined, null),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom('a').map(() => /x\/y/giu),
    fc.webUrl().map((url) => new URL(url)),
    fc.string().map((message) => new Error(message)),
  ),
  array: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(
    fc.oneof(
      // fast-check makes names of Object.prototype on purpose; superjson throws at these.
      fc.string({ minLength: 1 }).filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
      fc.constantFrom('a.b', 'a\\b', '.'),
    ),
    tie('value'),
    { maxKeys: 4, noNullPrototype: true },
  ),
  map: fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
})).value;

test('what is written is superjson: superjson reads it, and writes the same', async () => {
  await fc.assert(
    fc.asyncProperty(superjsonValue, async (value) => {
      const { inline } = await encode(value);
      fc.pre(inline !== undefined);
      const text = Buffer.from(inline!).toString();
      expect(describeValue(superjson.parse(text))).toEqual(describeValue(value));
      fc.pre(!text.includes('referentialEqualities'));
      // superjson takes equal NaNs and bigints for shared objects, and says so; nothing else differs.
      const theirs = superjson.serialize(value);
      const { referentialEqualities: _, ...meta } = theirs.meta ?? {};
      const others = Object.keys(meta).filter((key) => key !== 'v').length > 0;
      expect(JSON.parse(text)).toEqual(
        JSON.parse(JSON.stringify(others ? { json: theirs.json, meta } : { json: theirs.json })),
      );
    }),
    { numRuns: 300 },
  );
});

test('a cycle comes back as a cycle, through every kind of container', async () => {
  const list: unknown[] = [1];
  list.push(list);
  const map = new Map<unknown, unknown>();
  map.set('self', map).set(list, map);
  const set = new Set<unknown>([map]);
  set.add(set);
  const error = new Error('loop');
  error.cause = error;
  for (const value of [list, map, set, error]) {
    expect(describeValue(await roundTrip(value))).toEqual(describeValue(value));
  }
});

test('an object reached by very many paths is written once', async () => {
  let value: unknown = { end: true };
  for (let depth = 0; depth < 200; depth++) value = { left: value, right: value };
  const { record } = await encode(value);
  expect(record.size).toBeLessThan(1_000_000);
  const read = (await roundTrip(value)) as { left: unknown; right: unknown };
  expect(read.left).toBe(read.right);
});

test('members of a Set and keys of a Map that also stand elsewhere keep their order', async () => {
  const [first, second] = [{ id: 1 }, { id: 2 }];
  const read = (await roundTrip({
    all: [first, second],
    picked: new Set([first, second]),
    rank: new Map([
      [second, 1],
      [first, 2],
    ]),
  })) as {
    all: object[];
    picked: Set<object>;
    rank: Map<object, number>;
  };
  expect([...read.picked]).toEqual([{ id: 1 }, { id: 2 }]);
  expect([...read.picked][0]).toBe(read.all[0]);
  expect([...read.rank.keys()].map((key) => read.all.indexOf(key))).toEqual([1, 0]);
});

test('keys that would reach a prototype are data', async () => {
  const value = JSON.parse(
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"at":1}',
  ) as Record<string, unknown>;
  value['at'] = new Date(1);
  const read = (await roundTrip({ deep: value })) as { deep: object };
  expect(Object.getPrototypeOf(read.deep)).toBe(Object.prototype);
  expect(Object.keys(read.deep)).toEqual(['__proto__', 'constructor', 'at']);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('each read is private: changing one changes no other, nor the stored bytes', async () => {
  for (const value of [
    { list: [1] },
    new Float64Array([1, 2]),
    { nested: new Uint8Array([1, 2]) },
    Buffer.from('ab'),
  ]) {
    const stored = await encode(value);
    const before = Buffer.from(stored.inline!).toString('hex');
    const [first, second] = [await decode(stored), await decode(stored)];
    const unchanged = describeValue(second);
    scribble(first);
    expect(describeValue(second)).toEqual(unchanged);
    expect(Buffer.from(stored.inline!).toString('hex')).toBe(before);
  }
});

function scribble(value: unknown): void {
  if (ArrayBuffer.isView(value)) new Uint8Array(value.buffer).fill(255);
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(scribble);
  if (Array.isArray(value)) value.push('scribble');
}

test('changing a value after it was encoded does not change what was stored', async () => {
  const value = Buffer.from('before');
  const stored = await encode(value);
  value.write('after!');
  expect(await decode(stored)).toEqual(Buffer.from('before'));
});

test('what is read has memory of exactly its own size', async () => {
  const pooled = Buffer.from('pooled with others');
  expect(pooled.buffer.byteLength).toBeGreaterThan(pooled.byteLength);
  const big = new Float64Array(10_000).fill(1.5);
  for (const value of [pooled, { pooled }, big, { big, pooled }]) {
    const read = await roundTrip(value);
    const views = ArrayBuffer.isView(read) ? [read] : (Object.values(read as object) as ArrayBufferView[]);
    for (const view of views) expect(view.buffer.byteLength).toBe(view.byteLength);
    expect(describeValue(read)).toEqual(describeValue(value));
  }
});

test('binary values are stored raw: eight bytes a double, and no base64', async () => {
  const weights = new Float64Array(100_000).map((_, index) => Math.sqrt(index));
  const { record } = await encode({ weights, layers: 3 });
  expect(record.type).toBe('superjson');
  expect(record.size).toBeLessThan(800_000 + 200);
  expect(await roundTrip({ weights, layers: 3 })).toEqual({ weights, layers: 3 });
});

test('a large value lies in the blob store, and damage there is detected', async () => {
  const rows = Array.from({ length: 2000 }, (_, id) => ({ id, name: `row ${id}` }));
  const stored = await encode(rows);
  expect(stored.inline).toBeUndefined();
  expect(await decode(stored)).toEqual(rows);
  const hex = stored.record.hash.slice('sha256:'.length);
  const path = join(directory, 'blobs', hex.slice(0, 2), hex);
  const bytes = await readFile(path);
  bytes[1000]! ^= 1;
  await writeFile(path, bytes);
  await expect(decode(stored)).rejects.toMatchObject({ kind: 'artifact', code: 'artifact-damaged' });
  await blobs.delete(stored.record.hash);
  await expect(decode(stored)).rejects.toMatchObject({ kind: 'artifact', code: 'artifact-missing' });
  expect(await decode(await encode(rows))).toEqual(rows);
});
