import { isPassingConnection } from './connection-failure.js';

interface S3Error extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  readonly Code?: string;
}

/** What the SDK threw, as far as it makes a difference. */
export type S3FailureKind =
  /** No such object. */
  | 'missing'
  | 'no-bucket'
  /** The parts of an upload are gone: it was aborted, by `gc` or by the bucket's own rules. */
  | 'no-upload'
  | 'denied'
  /** Neither this server nor this make of it can do that. */
  | 'unsupported'
  /** Trying again may help. */
  | 'passing'
  | 'other';

export const s3Status = (error: unknown): number | undefined =>
  (error as S3Error | undefined)?.$metadata?.httpStatusCode;

const DENIED = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
]);
/** Told with a status that says something else. The clock is set right by the SDK, for the next time. */
const PASSING = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'InternalError',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

export function s3FailureKind(error: unknown): S3FailureKind {
  const { name, Code: code } = (error ?? {}) as S3Error;
  const status = s3Status(error);
  const says = (names: ReadonlySet<string>): boolean => names.has(name) || names.has(code ?? '');
  if (says(NO_BUCKET)) return 'no-bucket';
  if (says(NO_UPLOAD)) return 'no-upload';
  if (says(PASSING) || isPassingConnection(error)) return 'passing';
  if (says(NOT_IMPLEMENTED) || status === 501 || status === 405) return 'unsupported';
  if (says(DENIED) || status === 401 || status === 403) return 'denied';
  if (status === 404 || says(MISSING)) return 'missing';
  return status !== undefined && (status >= 500 || status === 408 || status === 429) ? 'passing' : 'other';
}

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const NO_BUCKET = new Set(['NoSuchBucket']);
const NO_UPLOAD = new Set(['NoSuchUpload']);
const NOT_IMPLEMENTED = new Set(['NotImplemented']);
