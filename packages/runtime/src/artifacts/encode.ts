import {
  INLINE_LIMIT,
  artifactUrl,
  isRunPipelineError,
  RunPipelineError,
  type Digest,
  type StoredArtifact,
} from '@run-pipeline/core/model';
import type { BlobStore } from '@run-pipeline/core/ports';
import { readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { builtInCodecs } from './built-in.js';
import { registeredCodecFor, type Codec, type EncodeContext, type Encoded } from './codec.js';
import { previewText, previewValue } from './preview.js';
import { hashFile, sha256 } from './sha256.js';
import { diskFullError } from './store-failure.js';

export interface EncodeOptions {
  /** The artifact's name: `train`. */
  readonly name: string;
  /** What the value is called in errors: `step_two.train`. Default: the name. */
  readonly valuePath?: string;
  readonly blobs: BlobStore;
  /** When it was produced. */
  readonly now: Date;
  /** Where relative paths of `file()` start. Default: the current directory. */
  readonly cwd?: string;
}

/**
 * Turns a value into an artifact: encoded, hashed, and durable in the blob store unless it is small
 * enough to ride in the store's transaction (then its bytes are in `inline`).
 *
 * @throws RunPipelineError `artifact-lossy` when it would not come back the same, naming the place;
 *   `file-missing` and the like for files; `disk-full`, `read-only` from the blob store.
 */
export async function encodeValue(value: unknown, options: EncodeOptions): Promise<StoredArtifact> {
  const packed = await packValue(value, {
    path: options.valuePath ?? options.name,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  return storePacked(packed, options);
}

/** A value as its codec made it, and not stored yet: plain data, which another thread may store. */
export interface PackedValue extends Pick<Encoded, 'content' | 'meta'> {
  readonly type: string;
  readonly codecVersion: number;
  readonly preview: string;
}

/** The first half of `encodeValue`. At once where the codec is: what the value is later does not count then. */
export function packValue(
  value: unknown,
  options: { readonly path: string; readonly cwd?: string },
): PackedValue | Promise<PackedValue> {
  const codec = codecFor(value);
  const pack = ({ content, meta, preview }: Encoded): PackedValue => ({
    type: codec.id,
    codecVersion: codec.version,
    content,
    ...(meta === undefined ? {} : { meta }),
    preview: preview === undefined ? previewValue(value) : previewText(preview),
  });
  const encoded = encodeWith(codec, value, { path: options.path, cwd: options.cwd ?? process.cwd() });
  return encoded instanceof Promise ? encoded.then(pack) : pack(encoded);
}

/** The second half. */
export async function storePacked(
  packed: PackedValue,
  options: Pick<EncodeOptions, 'name' | 'blobs' | 'now'>,
): Promise<StoredArtifact> {
  const { type, codecVersion, content, meta, preview } = packed;
  try {
    const { hash, size, inline } = await store(content, options.blobs);
    return {
      record: {
        name: options.name,
        type,
        hash,
        size,
        url: artifactUrl(hash),
        codecVersion,
        ...(preview === '' ? {} : { preview }),
        createdAt: options.now.toISOString(),
        ...(meta === undefined ? {} : { meta }),
      },
      ...(inline === undefined ? {} : { inline }),
    };
  } finally {
    await removeTemporary(content);
  }
}

/** What would be recorded of a value, without storing it. */
export interface HashedValue {
  readonly type: string;
  readonly codecVersion: number;
  readonly hash: Digest;
  readonly size: number;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The hash `encodeValue` would give: for literals and files as inputs of a fingerprint. Files are
 * read, not kept. Use `artifactIdentity` of the result where a value's identity is meant.
 */
export async function hashValue(
  value: unknown,
  options: { readonly path: string; readonly cwd?: string },
): Promise<HashedValue> {
  const context = { path: options.path, cwd: options.cwd ?? process.cwd() };
  return withEncoded(value, context, async (codec, { content, meta }) => {
    const { hash, size } =
      'path' in content
        ? await hashFile(content.path)
        : { hash: sha256(...partsOf(content)), size: sizeOf(content) };
    return { type: codec.id, codecVersion: codec.version, hash, size, meta };
  });
}

/** What beside the bytes makes the value that a consumer gets. */
const IDENTIFYING_META = ['fileName', 'executable', 'mime', 'view'] as const;

/**
 * The identity of a stored value, for fingerprints: its bytes, how they are read, and what of `meta`
 * the consumer sees (the name of a file, the type of an image). Two artifacts with equal identities
 * decode to equal values; equal hashes alone do not say that.
 */
export function artifactIdentity(record: {
  readonly type: string;
  readonly codecVersion: number;
  readonly hash: Digest;
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}): string {
  const meta = IDENTIFYING_META.flatMap((key) =>
    record.meta?.[key] === undefined ? [] : [[key, record.meta[key]]],
  );
  return JSON.stringify([record.type, record.codecVersion, record.hash, ...meta]);
}

async function withEncoded<T>(
  value: unknown,
  context: EncodeContext,
  use: (codec: Codec, encoded: Encoded) => Promise<T>,
): Promise<T> {
  const codec = codecFor(value);
  const encoded = await encodeWith(codec, value, context);
  try {
    return await use(codec, encoded);
  } finally {
    await removeTemporary(encoded.content);
  }
}

const codecFor = (value: unknown): Codec =>
  registeredCodecFor(value) ?? builtInCodecs.find((candidate) => candidate.matches(value))!;

async function removeTemporary(content: Encoded['content']): Promise<void> {
  if ('path' in content && content.temporary)
    await rm(dirname(content.path), { recursive: true, force: true });
}

function encodeWith(codec: Codec, value: unknown, context: EncodeContext): Encoded | Promise<Encoded> {
  const failed = (error: unknown): never => {
    throw encodeError(error, codec, context);
  };
  try {
    const encoded = codec.encode(value, context);
    return encoded instanceof Promise ? encoded.catch(failed) : encoded;
  } catch (error) {
    return failed(error);
  }
}

function encodeError(error: unknown, codec: Codec, context: EncodeContext): unknown {
  if (isRunPipelineError(error)) return error;
  return (
    diskFullError(error, 'packing a directory', tmpdir()) ??
    new RunPipelineError({
      kind: 'artifact',
      code: 'codec-failed',
      message: `${context.path} could not be stored as ${codec.id}: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
    })
  );
}

async function store(
  content: Encoded['content'],
  blobs: BlobStore,
): Promise<{ readonly hash: Digest; readonly size: number; readonly inline?: Uint8Array }> {
  if (!('path' in content))
    return sizeOf(content) > INLINE_LIMIT ? blobs.put(content) : inlined(partsOf(content));
  const { size } = await stat(content.path);
  if (size <= INLINE_LIMIT) {
    const bytes = await readFile(content.path);
    if (bytes.byteLength <= INLINE_LIMIT) return inlined([bytes]);
  }
  const stored = await blobs.put({ path: content.path });
  if (stored.size > INLINE_LIMIT) return stored;
  // It shrank meanwhile: small values ride along whatever else holds them.
  const small = await blobs.read(stored.hash);
  return small.ok ? inlined([small.bytes]) : stored;
}

/** A copy: what was encoded may be a view of the step's own memory, which the step may still change. */
function inlined(parts: readonly Uint8Array[]): {
  readonly hash: Digest;
  readonly size: number;
  readonly inline: Uint8Array;
} {
  const inline = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    inline.set(part, at);
    at += part.byteLength;
  }
  return { hash: sha256(inline), size: inline.byteLength, inline };
}

type Bytes = Uint8Array | readonly Uint8Array[];
const partsOf = (content: Bytes): readonly Uint8Array[] =>
  content instanceof Uint8Array ? [content] : content;
const sizeOf = (content: Bytes): number => partsOf(content).reduce((sum, part) => sum + part.byteLength, 0);
