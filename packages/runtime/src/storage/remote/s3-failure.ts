import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import { s3FailureKind } from '../../s3/s3-failure.js';
import { storageMissing } from './http-failure.js';
import { isPassing, TransientFailure } from './remote.js';

export function isS3Missing(error: unknown): boolean {
  const kind = s3FailureKind(error);
  return kind === 'missing' || kind === 'no-bucket';
}

/** What the SDK throws, in words; `doing` is `read` or `write`. */
export function s3Failure(error: unknown, doing: string, shown: string): unknown {
  if (isRunPipelineError(error) || error instanceof TransientFailure) return error;
  const { name, message } = error as Error;
  const kind = s3FailureKind(error);
  if (isS3Missing(error)) return storageMissing(shown);
  if (kind === 'passing' || isPassing(error)) {
    return new TransientFailure(`${name}: ${message}`, { cause: error });
  }
  return new RunPipelineError({
    kind: 'artifact',
    code: kind === 'denied' ? 'storage-denied' : 'storage-failed',
    message: `cannot ${doing} ${shown}: ${name}: ${message}`,
    help:
      kind === 'denied'
        ? 'give credentials as for every tool of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
        : undefined,
    cause: error,
  });
}
