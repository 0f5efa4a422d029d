import { endianness } from 'node:os';
import { types } from 'node:util';

/**
 * Binary values (typed arrays, Buffer, DataView, ArrayBuffer) and their bytes. Only the bytes a view
 * shows are kept, never the rest of its memory (a small Buffer lives in a pool with unrelated data),
 * and what is read back has memory of its own.
 */
interface ViewKind {
  readonly prototype: object;
  readonly bytesPerElement: number;
  readonly make: (buffer: ArrayBuffer) => object;
}

interface TypedArrayConstructor {
  new (buffer: ArrayBuffer): ArrayBufferView;
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT: number;
}

const TYPED_ARRAYS = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array', // from Node 24 on
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

function viewKinds(): ReadonlyMap<string, ViewKind> {
  const kinds = new Map<string, ViewKind>();
  for (const name of TYPED_ARRAYS) {
    const TypedArray = (globalThis as unknown as Record<string, TypedArrayConstructor | undefined>)[name];
    if (TypedArray === undefined) continue;
    const { prototype, BYTES_PER_ELEMENT: bytesPerElement } = TypedArray;
    kinds.set(name, { prototype, bytesPerElement, make: (buffer) => new TypedArray(buffer) });
  }
  kinds.set('Buffer', {
    prototype: Buffer.prototype,
    bytesPerElement: 1,
    make: (buffer) => Buffer.from(buffer),
  });
  kinds.set('DataView', {
    prototype: DataView.prototype,
    bytesPerElement: 1,
    make: (buffer) => new DataView(buffer),
  });
  kinds.set('ArrayBuffer', {
    prototype: ArrayBuffer.prototype,
    bytesPerElement: 1,
    make: (buffer) => buffer,
  });
  return kinds;
}

const KINDS = viewKinds();
const NAME_BY_PROTOTYPE: ReadonlyMap<object, string> = new Map(
  [...KINDS].map(([name, kind]) => [kind.prototype, name]),
);

export function isBinary(value: unknown): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || types.isArrayBuffer(value);
}

/** The name of its kind (`Float64Array`, `Buffer`); undefined for subclasses of them. */
export function binaryKind(value: ArrayBufferView | ArrayBuffer): string | undefined {
  return NAME_BY_PROTOTYPE.get(Object.getPrototypeOf(value) as object);
}

/** Why the memory of a binary value cannot be kept as it is; undefined when it can. */
export function binaryProblem(value: ArrayBufferView | ArrayBuffer): string | undefined {
  const memory: ArrayBufferLike & { readonly resizable?: boolean } = ArrayBuffer.isView(value)
    ? value.buffer
    : value;
  if (types.isSharedArrayBuffer(memory))
    return 'is backed by shared memory (SharedArrayBuffer): copy it with slice()';
  if (memory.resizable === true) return 'is backed by a resizable ArrayBuffer: copy it with slice()';
  return undefined;
}

/** The bytes it shows, without a copy. */
export function bytesOf(value: ArrayBufferView | ArrayBuffer): Uint8Array {
  requireLittleEndian();
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** A value of that kind over a private copy of the bytes; undefined when the kind or the length does not fit. */
export function binaryFromBytes(name: string, bytes: Uint8Array): object | undefined {
  return overMemory(
    name,
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
  );
}

/** The same, over the bytes themselves when they are all there is of their memory. They must be the caller's own. */
export function binaryOverBytes(name: string, bytes: Uint8Array): object | undefined {
  const { buffer, byteLength } = bytes;
  if (buffer.byteLength !== byteLength || !(buffer instanceof ArrayBuffer))
    return binaryFromBytes(name, bytes);
  return overMemory(name, buffer);
}

function overMemory(name: string, memory: ArrayBuffer): object | undefined {
  const kind = KINDS.get(name);
  if (kind === undefined || memory.byteLength % kind.bytesPerElement !== 0) return undefined;
  requireLittleEndian();
  return kind.make(memory);
}

/** Elements are stored as they lie in memory: little-endian, as on every common platform. */
function requireLittleEndian(): void {
  if (endianness() !== 'LE')
    throw new Error('binary values are stored little-endian; this machine is big-endian');
}
