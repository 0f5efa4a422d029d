import { isRunPipelineError, RunPipelineError, type Digest } from '@run-pipeline/core/model';
import type { BlobFailure, BlobStore } from '@run-pipeline/core/ports';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtInCodec } from './built-in.js';
import { registeredCodec, requireReadable, type StoredBytes } from './codec.js';
import { sha256 } from './sha256.js';
import { diskFullError } from './store-failure.js';
import { artifactDamaged } from './value-path.js';

/** What is needed to read a value: from an artifact's record, or from a worker's input. */
export interface EncodedValue {
  readonly codec: string;
  readonly codecVersion: number;
  readonly hash: Digest;
  /** Present exactly when the value is small. */
  readonly inline?: Uint8Array | undefined;
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}

export interface DecodeOptions {
  readonly blobs: BlobStore;
  /** A private directory of the reader for local copies of files; made when needed, the reader's to remove. */
  readonly directory: string;
}

/**
 * Reads a value. The bytes are verified first, small ones too, and what comes back shares nothing with
 * any other read: no two steps ever see the same object.
 *
 * @throws RunPipelineError `artifact-missing`, `artifact-damaged`, `codec-unknown`, `codec-newer`,
 *   `codec-failed` when a registered codec's decode threw.
 */
export async function decodeValue(value: EncodedValue, options: DecodeOptions): Promise<unknown> {
  const codec = requireReadable(builtInCodec(value.codec) ?? registeredCodec(value.codec), {
    type: value.codec,
    codecVersion: value.codecVersion,
  });
  if (value.inline !== undefined && sha256(value.inline) !== value.hash) {
    throw artifactDamaged(
      `a stored value of type ${value.codec} is damaged: its bytes do not match ${value.hash}`,
    );
  }
  try {
    return await codec.decode(await storedBytes(value, options), { directory: options.directory });
  } catch (error) {
    if (isRunPipelineError(error)) throw error;
    throw (
      diskFullError(error, 'copying a file', options.directory) ??
      new RunPipelineError({
        kind: 'artifact',
        code: 'codec-failed',
        message: `a stored value of type ${value.codec} could not be read: ${error instanceof Error ? error.message : String(error)}`,
        cause: error,
      })
    );
  }
}

async function storedBytes(value: EncodedValue, { blobs, directory }: DecodeOptions): Promise<StoredBytes> {
  const { codecVersion, hash, inline, meta = {} } = value;
  if (inline !== undefined) {
    return {
      codecVersion,
      hash,
      size: inline.byteLength,
      meta,
      bytes: async () => new Uint8Array(inline), // a copy: the caller's bytes are decoded again for others
      file: () => writeLocal(inline, directory),
    };
  }
  const found = await blobs.stat(hash);
  if (found === undefined) throw missing(hash);
  return {
    codecVersion,
    hash,
    size: found.size,
    meta,
    async bytes() {
      const read = await blobs.read(hash);
      if (!read.ok) throw failure(read, hash);
      const { buffer, byteOffset, byteLength } = read.bytes;
      return new Uint8Array(buffer, byteOffset, byteLength); // never a Buffer, whatever the store gives
    },
    async file() {
      const local = await blobs.localPath(hash);
      if (!local.ok) throw failure(local, hash);
      return local.path;
    },
  };
}

async function writeLocal(bytes: Uint8Array, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(await mkdtemp(join(directory, 'inline-')), 'content');
  await writeFile(path, bytes, { flag: 'wx' });
  return path;
}

const failure = (found: BlobFailure, hash: Digest): RunPipelineError =>
  found.reason === 'missing' ? missing(hash) : artifactDamaged(found.message);

const missing = (hash: Digest): RunPipelineError =>
  new RunPipelineError({
    kind: 'artifact',
    code: 'artifact-missing',
    message: `the content ${hash} is gone from the blob store`,
    help: 'Run the step that made it again (--refresh=STEP).',
  });
