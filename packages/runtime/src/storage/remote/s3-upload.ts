import { fileContent, uploadObject } from '../../s3/s3-upload.js';
import type { S3 } from '../../s3/s3-client.js';
import { s3Failure } from './s3-failure.js';

const PART_BYTES = 64 * 1024 * 1024;

/** A file becomes an object: there with all of its content, or as it was before. */
export async function uploadToS3(upload: {
  readonly s3: S3;
  readonly bucket: string;
  readonly key: string;
  readonly shown: string;
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onBytes: (sent: number) => void;
  readonly partBytes?: number;
}): Promise<void> {
  const { path, signal, shown, partBytes = PART_BYTES, ...target } = upload;
  const content = await fileContent(path);
  try {
    await uploadObject({
      ...target,
      content,
      partBytes,
      // The user's connection may be a slow one: he sees how far it is.
      parallel: 1,
      attempt: (_, request) => request(signal),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw s3Failure(error, 'write', shown);
  } finally {
    await content.close();
  }
}
