import { open, stat } from 'node:fs/promises';
import type { S3 } from './s3-client.js';
import { s3Failure } from './s3-failure.js';

/** Objects larger than this go in parts: one that fails is sent again alone. */
const PART_BYTES = 64 * 1024 * 1024;
const MOST_PARTS = 10_000;

export interface S3Upload {
  readonly s3: S3;
  readonly bucket: string;
  readonly key: string;
  readonly shown: string;
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onBytes: (sent: number) => void;
  readonly partBytes?: number;
}

/** The object is there with all of its content, or as it was before. */
export async function uploadToS3(upload: S3Upload): Promise<void> {
  const { size } = await stat(upload.path);
  const { partBytes = PART_BYTES } = upload;
  try {
    if (size <= partBytes) await putWhole(upload, size);
    else await putParts(upload, size, Math.max(partBytes, Math.ceil(size / MOST_PARTS)));
  } catch (error) {
    upload.signal.throwIfAborted();
    throw s3Failure(error, 'write', upload.shown);
  }
}

async function putWhole({ s3, bucket, key, path, signal, onBytes }: S3Upload, size: number): Promise<void> {
  // In memory up to the size of a part: a stream could not be sent again by the SDK.
  const file = await open(path, 'r');
  try {
    const { client, library } = s3;
    const body = await readPart(file, 0, size);
    await client.send(
      new library.PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentLength: size }),
      { abortSignal: signal },
    );
    onBytes(size);
  } finally {
    await file.close();
  }
}

async function putParts(
  { s3, bucket, key, path, signal, onBytes }: S3Upload,
  size: number,
  partBytes: number,
): Promise<void> {
  const { client, library } = s3;
  const object = { Bucket: bucket, Key: key };
  const options = { abortSignal: signal };
  const { UploadId } = await client.send(new library.CreateMultipartUploadCommand(object), options);
  const file = await open(path, 'r');
  try {
    const parts: { readonly PartNumber: number; readonly ETag: string | undefined }[] = [];
    for (let at = 0; at < size; at += partBytes) {
      const PartNumber = parts.length + 1;
      const Body = await readPart(file, at, Math.min(partBytes, size - at));
      const { ETag } = await client.send(
        new library.UploadPartCommand({ ...object, UploadId, PartNumber, Body, ContentLength: Body.length }),
        options,
      );
      parts.push({ PartNumber, ETag });
      onBytes(at + Body.length);
    }
    await client.send(
      new library.CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: parts } }),
      options,
    );
  } catch (error) {
    // Parts that nobody completes are kept, and paid for.
    await client
      .send(new library.AbortMultipartUploadCommand({ ...object, UploadId }))
      .catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

async function readPart(
  file: Awaited<ReturnType<typeof open>>,
  start: number,
  length: number,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(bytes, at, length - at, start + at);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    at += bytesRead;
  }
  return bytes;
}
