import type { Readable } from 'node:stream';
import { isSafeFileName } from '../../artifacts/file-name.js';
import { ContentChanged, type Remote, type Validators } from './remote.js';
import type { S3 } from '../../s3/s3-client.js';
import { s3Status } from '../../s3/s3-failure.js';
import { s3Failure } from './s3-failure.js';

/** An object of S3. What is asked for is compared by us: not every make answers conditions rightly. */
export function s3Remote(options: {
  readonly s3: S3;
  readonly bucket: string;
  readonly key: string;
  readonly shown: string;
}): Remote {
  const { s3, bucket, key, shown } = options;
  const { client, library } = s3;
  const object = { Bucket: bucket, Key: key };
  return {
    shown,
    fileName: nameOf(key),
    ask: async ({ from, continues, known, signal }) => {
      try {
        if (known?.etag !== undefined && from === 0) {
          const head = await client.send(new library.HeadObjectCommand(object), { abortSignal: signal });
          if (head.ETag === known.etag && head.ContentLength === known.size) return { kind: 'same' };
        }
        const got = await client.send(
          new library.GetObjectCommand({
            ...object,
            ...(from > 0 ? { Range: `bytes=${from}-`, IfMatch: continues } : {}),
          }),
          { abortSignal: signal },
        );
        const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(got.ContentRange ?? '');
        const isPart = from > 0 && range !== null && Number(range[1]) === from;
        const total = isPart ? Number(range[2]) : got.ContentLength;
        const validators: Validators = {
          ...(got.ETag === undefined ? {} : { etag: got.ETag }),
          ...(total === undefined ? {} : { size: total }),
        };
        return {
          kind: 'content',
          from: isPart ? from : 0,
          total,
          body: got.Body as Readable,
          decoder: undefined,
          validators,
          continues: got.ETag,
          fileName: undefined,
        };
      } catch (error) {
        signal.throwIfAborted();
        const status = s3Status(error);
        if (from > 0 && (status === 412 || status === 416)) throw new ContentChanged();
        throw s3Failure(error, 'read', shown);
      }
    },
  };
}

function nameOf(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1);
  return isSafeFileName(name) && !/[\u0000-\u001f\u007f]/.test(name) ? name : 'download';
}
