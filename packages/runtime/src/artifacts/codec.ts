import type { ArtifactRecord, Digest } from '@run-pipeline/core/model';
import { RunPipelineError } from '@run-pipeline/core/model';
import { types } from 'node:util';

/**
 * How one kind of value becomes bytes and comes back. `id` and `version` are recorded with every
 * artifact and enter fingerprints: raise the version when the same value would give other bytes.
 */
export interface Codec {
  readonly id: string;
  readonly version: number;
  /** Whether it takes this value. Must not throw; asked for whole values and for class instances inside them. */
  matches(value: unknown): boolean;
  encode(value: unknown, context: EncodeContext): Encoded | Promise<Encoded>;
  /** Gives a value that shares nothing with any other. */
  decode(stored: StoredBytes, context: DecodeContext): unknown;
}

export interface EncodeContext {
  /** What the value is called in errors: `step_two.train`. */
  readonly path: string;
  /** Relative paths of `file()` and `directory()` start here. */
  readonly cwd: string;
}

export interface Encoded {
  /** Bytes, bytes in parts (not joined, to spare a copy), or a file; `temporary` files are deleted once stored. */
  readonly content:
    Uint8Array | readonly Uint8Array[] | { readonly path: string; readonly temporary: boolean };
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Left out: a look at the value, as for any other. */
  readonly preview?: string;
}

/** Verified before a codec sees it. */
export interface StoredBytes {
  readonly codecVersion: number;
  readonly hash: Digest;
  readonly size: number;
  readonly meta: Readonly<Record<string, unknown>>;
  /** The bytes, for this reader alone. */
  bytes(): Promise<Uint8Array>;
  /** The same as a file that must not be modified. */
  file(): Promise<string>;
}

export interface DecodeContext {
  /** A private directory of the task, for local copies; made when needed. */
  readonly directory: string;
}

/** What `registerCodec` takes. */
export interface CodecOptions<T> {
  /** Recorded as the artifact's type: a letter, then letters, digits, `.`, `-`, `_`. */
  readonly id: string;
  /** Default 1. Raise it when the same value gives other bytes; it is part of the cache key. */
  readonly version?: number;
  /** Whether a value is of this type. */
  readonly is: (value: unknown) => value is T;
  /** The same value must always give the same bytes, or nothing that depends on it stays cached. */
  readonly encode: (value: T) => Uint8Array | Promise<Uint8Array>;
  /** `version` is that of the codec that wrote the bytes: at most this one's. */
  readonly decode: (bytes: Uint8Array, info: { readonly version: number }) => T | Promise<T>;
  /** A short text to show for the value; at most 4 KiB are kept. */
  readonly preview?: (value: T) => string;
}

const CODECS = Symbol.for('run-pipeline.codecs');
const ID = /^[A-Za-z][\w.-]{0,63}$/;
const BUILT_IN = new Set(['superjson', 'text', 'bytes', 'image', 'file', 'directory']);

/** On `globalThis`, because a user's bundle and the framework may each hold a copy of this module. */
function registered(): Map<string, Codec> {
  const holder = globalThis as { [CODECS]?: Map<string, Codec> };
  return (holder[CODECS] ??= new Map());
}

/**
 * Teaches run-pipeline to store values of a type of yours: a whole return, or an instance anywhere
 * inside one. Call it at the top level of the file that uses the type, so that it is part of every
 * step's package. Registering an id again replaces it.
 *
 * @throws TypeError when the id is not a valid name or belongs to a built-in type.
 *
 * @example
 * ```ts
 * class Matrix {
 *   constructor(readonly rows: number, readonly cells: Float64Array) {}
 * }
 *
 * registerCodec<Matrix>({
 *   id: 'matrix',
 *   is: (value): value is Matrix => value instanceof Matrix,
 *   encode: (matrix) => Buffer.from(JSON.stringify([matrix.rows, [...matrix.cells]])),
 *   decode: (bytes) => {
 *     const [rows, cells] = JSON.parse(Buffer.from(bytes).toString()) as [number, number[]];
 *     return new Matrix(rows, Float64Array.from(cells));
 *   },
 * });
 * ```
 */
export function registerCodec<T>(options: CodecOptions<T>): void {
  const { id, version = 1, is, encode, decode, preview } = options;
  if (typeof id !== 'string' || !ID.test(id))
    throw new TypeError(`registerCodec: ${JSON.stringify(id)} is not a valid id`);
  if (BUILT_IN.has(id)) throw new TypeError(`registerCodec: ${id} is a built-in type; choose another id`);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`registerCodec: version of ${id} must be a whole number from 1`);
  for (const [name, part] of Object.entries({ is, encode, decode })) {
    if (typeof part !== 'function') throw new TypeError(`registerCodec: ${name} of ${id} must be a function`);
  }
  registered().set(id, {
    id,
    version,
    matches(value) {
      try {
        return is(value);
      } catch {
        return false; // asked about every value, `is` may trip over null; that is a no
      }
    },
    encode(value, { path }) {
      const encoded = (content: unknown): Encoded => {
        if (!(content instanceof Uint8Array)) {
          throw new RunPipelineError({
            kind: 'artifact',
            code: 'codec-failed',
            message: `${path}: encode() of the codec ${id} must give a Uint8Array`,
          });
        }
        return { content, ...(preview === undefined ? {} : { preview: preview(value as T) }) };
      };
      const content = encode(value as T);
      return isThenable(content) ? Promise.resolve(content).then(encoded) : encoded(content);
    },
    decode: async (stored) => decode(await stored.bytes(), { version: stored.codecVersion }),
  });
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/** Every registered codec, newest registration of an id only. */
export function registeredCodecs(): readonly Codec[] {
  return [...registered().values()];
}

/** Forgets registered codecs: a warm worker does it before each task, whose package registers its own. */
export function clearCodecs(): void {
  registered().clear();
}

/** The registered codec that takes a value. */
export function registeredCodecFor(value: unknown): Codec | undefined {
  const codecs = registered();
  if (codecs.size === 0 || types.isProxy(value)) return undefined;
  for (const codec of codecs.values()) if (codec.matches(value)) return codec;
  return undefined;
}

export function registeredCodec(id: string): Codec | undefined {
  return registered().get(id);
}

/** Refuses bytes that nothing here can read: an unregistered type, or a newer version of a known one. */
export function requireReadable(
  codec: Codec | undefined,
  record: Pick<ArtifactRecord, 'type' | 'codecVersion'>,
): Codec {
  if (codec === undefined) {
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'codec-unknown',
      message: `no codec is registered for values of type ${record.type}`,
      help: `Call registerCodec({ id: '${record.type}', … }) at the top level of the file that reads it.`,
    });
  }
  if (record.codecVersion > codec.version) {
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'codec-newer',
      message: `this ${record.type} value was written by version ${record.codecVersion} of its codec; here is version ${codec.version}`,
      help: 'Use the newer version of the program, or run the step that made it again.',
    });
  }
  return codec;
}
