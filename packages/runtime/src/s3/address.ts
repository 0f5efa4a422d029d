/** Where in S3 a project keeps its blobs and packages. */
export interface S3Address {
  readonly bucket: string;
  /** Before every key: empty, or ends in a slash. */
  readonly prefix: string;
  /** For messages. */
  readonly shown: string;
}

/** Of `s3://bucket` or `s3://bucket/some/prefix`, which was checked as a setting. */
export function parseS3Address(text: string): S3Address {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/?#]*)\/?([^?#]*)/i.exec(text) ?? [];
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;
  return { bucket, prefix, shown: `s3://${bucket}/${prefix}`.replace(/\/$/, '') };
}
