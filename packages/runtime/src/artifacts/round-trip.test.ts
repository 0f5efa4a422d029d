import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
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
