import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digest, RunPipelineError, type Digest } from '@run-pipeline/core/model';

/** What an address that users write stands for. `shown` is fit for messages and logs: it opens nothing. */
export type StorageUrl =
  /** A path, or `file:`. */
  | { readonly kind: 'path'; readonly path: string; readonly shown: string }
  | { readonly kind: 'http'; readonly url: URL; readonly shown: string }
  /** `key` ends in `/`, or is empty, where a folder is meant. */
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string; readonly shown: string }
  | { readonly kind: 'artifact'; readonly hash: Digest; readonly shown: string };

/** A drive letter is no scheme. */
const SCHEME = /^([a-z][a-z\d+.-]+):/i;
const BUCKET = /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/i;

export function parseStorageUrl(text: string, cwd: string): StorageUrl {
  if (typeof text !== 'string' || text === '') throw wrongUrl(String(text), 'it is not a text');
  if (text.includes('\0')) throw wrongUrl(text, 'it holds a NUL');
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return { kind: 'path', path: resolve(cwd, text), shown: text };
    case 'file':
      return filePath(text);
    case 'http':
    case 'https':
      return httpUrl(text);
    case 's3':
      return s3Url(text);
    case 'artifact':
      return artifactUrl(text);
    default:
      throw wrongUrl(text.replace(/[?#].*$/s, ''), `there is no storage for ${scheme}: here`);
  }
}

function filePath(text: string): StorageUrl {
  try {
    const path = fileURLToPath(text);
    return { kind: 'path', path, shown: path };
  } catch (error) {
    throw wrongUrl(text, (error as Error).message);
  }
}

function httpUrl(text: string): StorageUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrongUrl(text.replace(/\/\/[^/]*@/, '//').replace(/[?#].*$/s, ''), 'it is not a URL');
  }
  url.hash = '';
  return { kind: 'http', url, shown: shownUrl(url) };
}

/** Without user name, password and query: a signature or a token may stand in it. */
export const shownUrl = (url: URL): string => `${url.origin}${url.pathname}${url.search === '' ? '' : '?…'}`;

function s3Url(text: string): StorageUrl {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(text) ?? [];
  if (!BUCKET.test(bucket)) throw wrongUrl(text, 'it names no bucket');
  return { kind: 's3', bucket, key, shown: `s3://${bucket}/${key}` };
}

function artifactUrl(text: string): StorageUrl {
  const hex = /^artifact:\/\/sha256\/([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex === undefined) throw wrongUrl(text, 'an artifact is artifact://sha256/ and 64 hexadecimal digits');
  return { kind: 'artifact', hash: digest(`sha256:${hex}`), shown: text };
}

const wrongUrl = (shown: string, why: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'storage-url',
    message: `StorageManager: ${JSON.stringify(shown)} cannot be used: ${why}`,
    help: 'addresses are paths, file:, http:, https:, s3://bucket/key, and the url of an artifact',
  });
