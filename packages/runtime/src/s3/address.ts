import { RunPipelineError } from '@run-pipeline/core/model';

/** Where in S3 a project keeps its blobs and packages. */
export interface S3Address {
  readonly bucket: string;
  /** Before every key: empty, or ends in a slash. */
  readonly prefix: string;
  /** For messages. */
  readonly shown: string;
}

const BUCKET = /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/i;
/** What is a character of a key for every make of S3, and means nothing in a URL or a path. */
const SEGMENT = /^(?!\.{1,2}$)[\w!'()*.-]+$/;

/** `s3://bucket` or `s3://bucket/some/prefix`. The endpoint and what opens it are settings of their own. */
export function parseS3Address(text: string): S3Address {
  const [, authority = '', path = ''] = /^s3:\/\/([^/?#]*)\/?(.*)$/is.exec(text) ?? [];
  // It may hold a password, and is then not to be shown.
  if (authority.includes('@')) {
    throw wrong(
      's3://…@…',
      'it holds a user name',
      'credentials are given as for every tool of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
    );
  }
  if (!BUCKET.test(authority)) {
    throw wrong(
      text,
      `${JSON.stringify(authority)} is no name of a bucket`,
      'write s3://bucket/prefix; another server than that of AWS is named by AWS_ENDPOINT_URL_S3=https://host:port',
    );
  }
  const segments = path.replace(/\/+$/, '') === '' ? [] : path.replace(/\/+$/, '').split('/');
  const odd = segments.find((segment) => !SEGMENT.test(segment));
  if (odd !== undefined) {
    throw wrong(
      text,
      `${JSON.stringify(odd)} cannot be a part of the prefix`,
      "letters, digits and - _ . ! ' ( ) * are what every make of S3 takes",
    );
  }
  const prefix = segments.map((segment) => `${segment}/`).join('');
  return { bucket: authority, prefix, shown: `s3://${authority}/${prefix}`.replace(/\/$/, '') };
}

const wrong = (shown: string, why: string, help: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'blobs-setting',
    message: `artifacts cannot be kept in ${shown}: ${why}`,
    help,
  });
