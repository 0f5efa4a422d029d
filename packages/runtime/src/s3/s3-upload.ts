import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { S3 } from './s3-client.js';

const MOST_PARTS = 10_000;

/** What is sent; read in order, once. */
export interface UploadContent {
  readonly size: number;
  /** The next so many bytes. */
  next(length: number): Promise<Uint8Array>;
}

export interface S3Upload {
  readonly s3: S3;
  readonly bucket: string;
  readonly key: string;
  readonly content: UploadContent;
  /** What is larger goes in parts of this size: one that fails is sent again alone. */
  readonly partBytes: number;
  /** Parts that are on their way at once. */
  readonly parallel: number;
  /** Makes one request that sends so many bytes, once or until it succeeds. */
  readonly attempt: <T>(bytes: number, request: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Once everything was read and before the object exists: what it throws is the end. */
  readonly confirm?: () => void;
  readonly onBytes?: (sent: number) => void;
}

/** The object is there with all of its content, or as it was before. Rejects with what the SDK throws. */
export async function uploadObject(upload: S3Upload): Promise<void> {
  if (upload.content.size <= upload.partBytes) await putWhole(upload);
  else await putParts(upload);
}

async function putWhole(upload: S3Upload): Promise<void> {
  const { s3, bucket, key, content, attempt, confirm, onBytes } = upload;
  const { client, library } = s3;
  // In memory up to the size of a part: a stream could not be sent again.
  const Body = await content.next(content.size);
  confirm?.();
  const put = { Bucket: bucket, Key: key, ...body(Body) };
  await attempt(Body.byteLength, (abortSignal) =>
    client.send(new library.PutObjectCommand(put), { abortSignal }),
  );
  onBytes?.(content.size);
}

interface Part {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

async function putParts(upload: S3Upload): Promise<void> {
  const { s3, bucket, key, attempt, confirm } = upload;
  const { client, library } = s3;
  const object = { Bucket: bucket, Key: key };
  const { UploadId } = await attempt(0, (abortSignal) =>
    client.send(new library.CreateMultipartUploadCommand(object), { abortSignal }),
  );
  const target = { ...object, UploadId };
  try {
    const parts = await sendParts(upload, target);
    confirm?.();
    const whole = { ...target, MultipartUpload: { Parts: [...parts] } };
    await attempt(0, (abortSignal) =>
      client.send(new library.CompleteMultipartUploadCommand(whole), { abortSignal }),
    );
  } catch (error) {
    // Parts that nobody completes are kept, and paid for.
    await client
      .send(new library.AbortMultipartUploadCommand(target), { abortSignal: AbortSignal.timeout(10_000) })
      .catch(() => undefined);
    throw error;
  }
}

async function sendParts(
  { s3, content, partBytes, parallel, attempt, onBytes }: S3Upload,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
): Promise<readonly Part[]> {
  const { client, library } = s3;
  const length = Math.max(partBytes, Math.ceil(content.size / MOST_PARTS));
  const parts: Part[] = [];
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let failure: { readonly error: unknown } | undefined;
  for (let at = 0, number = 1; at < content.size && failure === undefined; at += length, number += 1) {
    if (underWay.size >= parallel) await Promise.race(underWay);
    const bytes = await content.next(Math.min(length, content.size - at));
    const send = async (): Promise<void> => {
      try {
        const part = { ...target, PartNumber: number, ...body(bytes) };
        const { ETag } = await attempt(bytes.byteLength, (abortSignal) =>
          client.send(new library.UploadPartCommand(part), { abortSignal }),
        );
        parts.push({ PartNumber: number, ETag });
        sent += bytes.byteLength;
        onBytes?.(sent);
      } catch (error) {
        failure ??= { error };
      }
    };
    const sending: Promise<void> = send().finally(() => underWay.delete(sending));
    underWay.add(sending);
  }
  // No part may arrive after the upload was given up.
  await Promise.all(underWay);
  if (failure !== undefined) throw failure.error;
  return parts.sort((a, b) => a.PartNumber - b.PartNumber);
}

/** Every make of S3 refuses bytes that do not match this sum, whatever became of them on the way. */
function body(bytes: Uint8Array): {
  readonly Body: Uint8Array;
  readonly ContentLength: number;
  readonly ContentMD5?: string;
} {
  const sum = md5(bytes);
  return {
    Body: bytes,
    ContentLength: bytes.byteLength,
    ...(sum === undefined ? {} : { ContentMD5: sum }),
  };
}

/** Undefined where the rules of the machine (FIPS) do not allow it. */
function md5(bytes: Uint8Array): string | undefined {
  try {
    return createHash('md5').update(bytes).digest('base64');
  } catch {
    return undefined;
  }
}

/** Reads a file from its start; `close` when done. */
export async function fileContent(
  path: string,
): Promise<UploadContent & { readonly close: () => Promise<void> }> {
  const file = await open(path, 'r');
  const { size } = await file.stat();
  let at = 0;
  return {
    size,
    async next(length) {
      const bytes = Buffer.allocUnsafe(length);
      for (let filled = 0; filled < length;) {
        const { bytesRead } = await file.read(bytes, filled, length - filled, at);
        if (bytesRead === 0) throw new Error('the file became shorter while it was read');
        filled += bytesRead;
        at += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}
