import type { StorageEntry, StorageMetadata } from '../storage-manager.js';
import type { S3 } from '../../s3/s3-client.js';
import { isS3Missing, s3Failure } from './s3-failure.js';

interface S3Request {
  readonly s3: S3;
  readonly bucket: string;
  readonly key: string;
  readonly shown: string;
  readonly signal: AbortSignal;
}

/** Undefined: there is no such object. */
export async function headObject(request: S3Request): Promise<Omit<StorageMetadata, 'url'> | undefined> {
  const { s3, bucket, key, shown, signal } = request;
  try {
    const head = await s3.client.send(new s3.library.HeadObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: signal,
    });
    return {
      ...(head.ContentLength === undefined ? {} : { size: head.ContentLength }),
      ...(head.LastModified === undefined ? {} : { modifiedAt: head.LastModified }),
      ...(head.ETag === undefined ? {} : { etag: head.ETag }),
      ...(head.ContentType === undefined ? {} : { contentType: head.ContentType }),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (isS3Missing(error)) return undefined;
    throw s3Failure(error, 'read', shown);
  }
}

/** Every object below a key; the order in which they come means nothing, so they are sorted here. */
export async function listObjects(request: S3Request): Promise<readonly StorageEntry[]> {
  const { s3, bucket, key, shown, signal } = request;
  const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  const entries: StorageEntry[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await s3.client.send(
        new s3.library.ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
        { abortSignal: signal },
      );
      for (const object of page.Contents ?? []) {
        const found = object.Key ?? '';
        // An object whose name ends so stands for a folder.
        if (found === '' || found.endsWith('/')) continue;
        entries.push({
          path: found.slice(prefix.length),
          url: `s3://${bucket}/${found}`,
          size: object.Size ?? 0,
          ...(object.LastModified === undefined ? {} : { modifiedAt: object.LastModified }),
        });
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  } catch (error) {
    signal.throwIfAborted();
    throw s3Failure(error, 'list', shown);
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
