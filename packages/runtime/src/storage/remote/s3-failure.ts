import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import { storageMissing } from './http-failure.js';
import { isPassing, TransientFailure } from './remote.js';

interface S3Error extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: object;
  readonly code?: string;
}

export const s3Status = (error: unknown): number | undefined =>
  (error as S3Error | undefined)?.$metadata?.httpStatusCode;

export function isS3Missing(error: unknown): boolean {
  const { name } = error as S3Error;
  return s3Status(error) === 404 || name === 'NoSuchKey' || name === 'NotFound';
}

/** What the SDK throws, in words; `doing` is `read` or `write`. */
export function s3Failure(error: unknown, doing: string, shown: string): unknown {
  if (isRunPipelineError(error) || error instanceof TransientFailure) return error;
  const { name, message } = error as S3Error;
  const status = s3Status(error);
  if (isS3Missing(error)) return storageMissing(shown);
  if (isPassing(error) || name === 'TimeoutError' || (status !== undefined && status >= 500)) {
    return new TransientFailure(`${name}: ${message}`, { cause: error });
  }
  const isDenied = status === 401 || status === 403 || name === 'CredentialsProviderError';
  return new RunPipelineError({
    kind: 'artifact',
    code: isDenied ? 'storage-denied' : 'storage-failed',
    message: `cannot ${doing} ${shown}: ${name}: ${message}`,
    help: isDenied
      ? 'give credentials as for every tool of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
      : undefined,
    cause: error,
  });
}
