import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { clearCodecs, registerCodec, registeredCodecs } from './codec.js';
import { decodeValue } from './decode.js';
import { directoryBlobs } from './directory-blobs.js';
import { encodeValue } from './encode.js';

class Matrix {
  constructor(
    readonly rows: number,
    readonly cells: readonly number[],
  ) {}
}

const matrixCodec = {
  id: 'matrix',
  is: (value: unknown): value is Matrix => value instanceof Matrix,
  encode: (matrix: Matrix) => Buffer.from(JSON.stringify([matrix.rows, matrix.cells])),
  decode: (bytes: Uint8Array) => {
    const [rows, cells] = JSON.parse(Buffer.from(bytes).toString()) as [number, number[]];
    return new Matrix(rows, cells);
  },
};

const directory = await mkdtemp(join(tmpdir(), 'codec-'));
const blobs = directoryBlobs(join(directory, 'blobs'));
const encode = (value: unknown) => encodeValue(value, { name: 'value', blobs, now: new Date(0) });
const decode = ({ record, inline }: Awaited<ReturnType<typeof encode>>): Promise<unknown> =>
  decodeValue({ codec: record.type, ...record, inline }, { blobs, directory });

afterEach(async () => {
  clearCodecs();
  await rm(directory, { recursive: true, force: true });
});

test('a registered type is stored by its codec, which is recorded', async () => {
  registerCodec<Matrix>({ ...matrixCodec, version: 3, preview: (matrix) => `${matrix.rows} rows` });
  const stored = await encode(new Matrix(2, [1, 2]));
  expect(stored.record).toMatchObject({ type: 'matrix', codecVersion: 3, preview: '2 rows' });
  expect(await decode(stored)).toEqual(new Matrix(2, [1, 2]));
});

test('instances of a registered type inside a value come back, shared ones as one', async () => {
  registerCodec<Matrix>(matrixCodec);
  const shared = new Matrix(1, [1]);
  const value = {
    best: shared,
    all: new Map([['a', shared]]),
    other: [new Matrix(2, [2, 3])],
    at: new Date(5),
  };
  const stored = await encode(value);
  expect(stored.record.type).toBe('superjson');
  const read = (await decode(stored)) as typeof value;
  expect(read).toEqual(value);
  expect(read.best).toBeInstanceOf(Matrix);
  expect(read.all.get('a')).toBe(read.best);
});

test('encode and decode may be asynchronous', async () => {
  registerCodec<Matrix>({
    ...matrixCodec,
    encode: async (matrix) => matrixCodec.encode(matrix),
    decode: async (bytes) => matrixCodec.decode(bytes),
  });
  const value = [new Matrix(1, [1]), new Matrix(2, [2])];
  expect(await decode(await encode(value))).toEqual(value);
});

test('reading a type that is not registered says how to register it', async () => {
  registerCodec<Matrix>(matrixCodec);
  const [whole, inside] = [await encode(new Matrix(1, [1])), await encode([new Matrix(1, [1])])];
  clearCodecs();
  for (const stored of [whole, inside]) {
    await expect(decode(stored)).rejects.toMatchObject({
      kind: 'artifact',
      code: 'codec-unknown',
      message: 'no codec is registered for values of type matrix',
      help: expect.stringContaining("registerCodec({ id: 'matrix'") as unknown,
    });
  }
});

test('a codec reads what older versions of it wrote, and refuses what newer ones did', async () => {
  registerCodec<Matrix>({ ...matrixCodec, version: 2 });
  const stored = await encode(new Matrix(1, [1]));
  const versions: number[] = [];
  registerCodec<Matrix>({
    ...matrixCodec,
    version: 4,
    decode(bytes, { version }) {
      versions.push(version);
      return matrixCodec.decode(bytes);
    },
  });
  expect(await decode(stored)).toEqual(new Matrix(1, [1]));
  expect(versions).toEqual([2]);
  registerCodec<Matrix>({ ...matrixCodec, version: 1 });
  await expect(decode(stored)).rejects.toMatchObject({ code: 'codec-newer' });
});

test('what a codec throws is told with the name of the value', async () => {
  registerCodec<Matrix>({
    ...matrixCodec,
    encode() {
      throw new Error('out of ink');
    },
  });
  await expect(encode(new Matrix(1, []))).rejects.toMatchObject({
    code: 'codec-failed',
    message: 'value could not be stored as matrix: out of ink',
  });
  registerCodec<Matrix>({ ...matrixCodec, encode: () => 'text' as never });
  await expect(encode(new Matrix(1, []))).rejects.toMatchObject({
    message: 'value: encode() of the codec matrix must give a Uint8Array',
  });
});

test('a codec whose test trips over other values takes none of them', async () => {
  registerCodec<Matrix>({
    ...matrixCodec,
    is: (value): value is Matrix => (value as Matrix).cells.length > 0,
  });
  expect((await encode(null)).record.type).toBe('superjson');
  expect((await encode([undefined, new Date(1)])).record.type).toBe('superjson');
});

test('registering an id again replaces it; the registry is shared by every copy of the framework', () => {
  registerCodec<Matrix>(matrixCodec);
  registerCodec<Matrix>({ ...matrixCodec, version: 2 });
  expect(registeredCodecs().map(({ id, version }) => [id, version])).toEqual([['matrix', 2]]);
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('run-pipeline.codecs')];
  expect([...(shared as Map<string, unknown>).keys()]).toEqual(['matrix']);
});

test('a codec that cannot work is refused when it is registered', () => {
  expect(() => registerCodec({ ...matrixCodec, id: '../x' })).toThrow('is not a valid id');
  expect(() => registerCodec({ ...matrixCodec, id: 'superjson' })).toThrow('built-in');
  expect(() => registerCodec({ ...matrixCodec, version: 1.5 })).toThrow('whole number');
  expect(() => registerCodec({ ...matrixCodec, decode: undefined as never })).toThrow(
    'decode of matrix must be a function',
  );
});
