import type { StoredArtifact } from '@run-pipeline/core/model';
import type { DecodeInput } from './arguments.js';
import type { TaskRequest } from './protocol.js';
import type { ScratchDirectory } from './scratch-directory.js';

/** How values enter and leave a task: through codecs, large ones through the blob store. */
export interface TaskValues {
  readonly decode: DecodeInput;
  /** The bytes are durable (or inline in the result) when it resolves. */
  encode(name: string, value: unknown): Promise<StoredArtifact>;
  /** Image bytes as a value that is kept as an image. */
  image(bytes: Uint8Array, options: { readonly mime: string }): unknown;
}

export async function openTaskValues(
  request: Pick<TaskRequest, 'blobs' | 'step' | 'cwd'>,
  scratch: ScratchDirectory,
): Promise<TaskValues> {
  const { decodeValue, directoryBlobs, encodeValue, image } = await import('../artifacts/index.js');
  const blobs = directoryBlobs(request.blobs.path);
  return {
    async decode(input) {
      const { codec, codecVersion, hash, inline, meta } = input;
      return decodeValue({ codec, codecVersion, hash, inline, meta }, { blobs, directory: scratch.path });
    },
    encode: (name, value) =>
      encodeValue(value, {
        name,
        valuePath: `${request.step}.${name}`,
        blobs,
        now: new Date(),
        cwd: request.cwd,
      }),
    image,
  };
}
