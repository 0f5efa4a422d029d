import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import type { S3Address } from './address.js';
import { s3FailureKind, s3Status } from './s3-failure.js';

const CREDENTIALS =
  'Give credentials as for every tool of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.';

/** What is wrong with the bucket, and what to do about it. */
export function bucketError(
  error: unknown,
  {
    doing,
    address,
    patienceMs,
  }: { readonly doing: string; readonly address: S3Address; readonly patienceMs: number },
): unknown {
  if (isRunPipelineError(error) || !(error instanceof Error)) return error;
  const { bucket, shown } = address;
  const said = saidBy(error);
  const make = (code: string, message: string, help: string | undefined): RunPipelineError =>
    // What the SDK throws holds its connection and everything that was sent.
    new RunPipelineError({ kind: 'store', code, message, help, cause: new Error(said) });
  const kind = s3FailureKind(error);
  switch (kind) {
    case 'no-bucket':
      return make(
        'bucket-missing',
        `there is no bucket ${bucket}, where artifacts are to be kept (${shown})`,
        `Create it, or correct RUN_PIPELINE_BLOBS; another server than that of AWS is named by AWS_ENDPOINT_URL_S3.`,
      );
    case 'denied':
      return make(
        'blobs-denied',
        `${doing} ${shown} is not allowed: ${said}`,
        `${CREDENTIALS} What is needed there: s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, and s3:ListBucket for the bucket.`,
      );
    case 'passing':
      return make(
        'blobs-unreachable',
        `${doing} ${shown} failed for ${Math.round(patienceMs / 100) / 10} s: ${said}`,
        'Check the network and the server (AWS_ENDPOINT_URL_S3). RUN_PIPELINE_BLOBS_PATIENCE_MS sets how long it is tried.',
      );
    case 'missing':
    case 'no-upload':
    case 'unsupported':
    case 'other':
      // A bug of ours has no answer of a server.
      return '$metadata' in error || 'code' in error
        ? make('blobs-failed', `${doing} ${shown} failed: ${said}`, helpOf(error))
        : error;
    default:
      return kind satisfies never;
  }
}

/** Who is asked for what has no body (HEAD) answers with a number alone: the SDK calls that "Unknown: UnknownError". */
function saidBy(error: Error): string {
  if (error.name === 'Unknown' || error.name === 'UnknownError')
    return `the server answers ${s3Status(error) ?? 'nothing that can be understood'}`;
  return speaksNoTls(error)
    ? 'the server speaks no TLS'
    : `${error.name}: ${error.message.trim().split('\n')[0]!}`;
}

const speaksNoTls = (error: Error): boolean =>
  (error as NodeJS.ErrnoException).code === 'EPROTO' &&
  /wrong.version.number|packet length/i.test(error.message);

function helpOf(error: Error): string | undefined {
  if (speaksNoTls(error))
    return 'Turn TLS on there, or write AWS_ENDPOINT_URL_S3=http://… where nobody is in between.';
  if (/certificate|self.signed|altnames/i.test(error.message))
    return 'Name the authority that signed its certificate: AWS_CA_BUNDLE=/path/ca.pem';
  return /^E[A-Z]+$/.test((error as NodeJS.ErrnoException).code ?? '')
    ? 'Check that AWS_ENDPOINT_URL_S3 names the S3 server (unset: AWS itself).'
    : undefined;
}
