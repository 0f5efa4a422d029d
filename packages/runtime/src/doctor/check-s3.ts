import { randomUUID } from 'node:crypto';
import { parseS3Address } from '../s3/address.js';
import { driverMissing, openS3, type S3 } from '../s3/s3-client.js';
import {
  clockFinding,
  error,
  failed,
  isLocal,
  ok,
  reasonOf,
  shownMs,
  SLOW_MS,
  warning,
  type Finding,
} from './finding.js';

const PATIENCE_MS = 10_000;

/** Writes, reads, lists and deletes one small object below the prefix. */
export async function checkS3(
  url: string,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): Promise<readonly Finding[]> {
  const { bucket, prefix, shown } = parseS3Address(url);
  let s3: S3;
  try {
    s3 = await openS3({ ...options, stallMs: PATIENCE_MS, maxAttempts: 1, missing: driverMissing });
  } catch (thrown) {
    return [failed('blobs', thrown, 'check RUN_PIPELINE_BLOBS')];
  }
  const { client, library } = s3;
  const object = { Bucket: bucket, Key: `${prefix}doctor/${randomUUID()}` };
  const content = 'run-pipeline doctor';
  const operations: readonly (readonly [name: string, permission: string, run: () => Promise<void>])[] = [
    [
      'write',
      's3:PutObject',
      async () => void (await client.send(new library.PutObjectCommand({ ...object, Body: content }))),
    ],
    [
      'read',
      's3:GetObject',
      async () => {
        const { Body } = await client.send(new library.GetObjectCommand(object));
        const text = await Body?.transformToString();
        if (text !== content) throw new Error('what was read is not what was written');
      },
    ],
    [
      'list',
      's3:ListBucket',
      async () =>
        void (await client.send(
          new library.ListObjectsV2Command({ Bucket: bucket, Prefix: object.Key, MaxKeys: 1 }),
        )),
    ],
    [
      'delete',
      's3:DeleteObject',
      async () => void (await client.send(new library.DeleteObjectCommand(object))),
    ],
  ];
  const findings: Finding[] = [];
  const refused: string[] = [];
  // Of the quickest: the first one loads the library and finds the credentials.
  let took = Infinity;
  let reached = false;
  try {
    for (const [name, permission, run] of operations) {
      const began = performance.now();
      try {
        await run();
        took = Math.min(took, performance.now() - began);
        reached = true;
      } catch (thrown) {
        const status = statusOf(thrown);
        if (status === undefined || status >= 500 || isAbout(thrown, BUCKET_OR_KEYS)) {
          findings.push(unreachable(thrown, { shown, bucket, name }));
          return findings;
        }
        reached = true;
        // Without the object nothing can be read: that is no further refusal.
        if (status === 403 || status === 401) refused.push(`${name} (${permission})`);
        else if (status !== 404) throw thrown;
      }
    }
  } catch (thrown) {
    return [failed('blobs', thrown, 'look into the log of the S3 server')];
  } finally {
    client.destroy();
  }
  if (reached)
    findings.push(
      took <= 2 * SLOW_MS || took === Infinity
        ? ok('blobs', took === Infinity ? `${shown} answers` : `${shown} answers in ${shownMs(took)}`)
        : warning(
            'blobs',
            `${shown} answers in ${shownMs(took)}`,
            'bring agents and S3 nearer to each other',
          ),
    );
  findings.push(
    refused.length === 0
      ? ok('blobs permissions', 'objects can be written, read, listed and deleted')
      : error(
          'blobs permissions',
          `refused: ${refused.join(', ')}`,
          `allow them for ${shown}, and s3:AbortMultipartUpload and s3:ListBucketMultipartUploads with them`,
        ),
    encryption(options.env),
    clockFinding('blobs clock', s3.clockOffset(), 'the S3 server'),
  );
  return findings;
}

/** Answers that say that nothing will work. */
const BUCKET_OR_KEYS =
  /^(NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch|PermanentRedirect|AuthorizationHeaderMalformed|RequestTimeTooSkewed|ExpiredToken|InvalidToken)$/;

const isAbout = (thrown: unknown, names: RegExp): boolean =>
  thrown instanceof Error && names.test(thrown.name);

const statusOf = (thrown: unknown): number | undefined =>
  (thrown as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;

function unreachable(
  thrown: unknown,
  { shown, bucket, name }: { readonly shown: string; readonly bucket: string; readonly name: string },
): Finding {
  const kind = thrown instanceof Error ? thrown.name : '';
  const reason = reasonOf(thrown);
  const help =
    kind === 'NoSuchBucket'
      ? `make it (aws s3 mb s3://${bucket}), or name another one in RUN_PIPELINE_BLOBS`
      : kind === 'CredentialsProviderError' ||
          /credential|AccessKey|Signature|Token/i.test(`${kind} ${reason}`)
        ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role of AWS'
        : kind === 'RequestTimeTooSkewed'
          ? 'set the clock of this machine'
          : kind === 'PermanentRedirect' || kind === 'AuthorizationHeaderMalformed'
            ? 'set AWS_REGION to the region of the bucket'
            : /wrong.version.number|packet length/i.test(reason)
              ? 'it speaks no TLS: turn it on there, or write AWS_ENDPOINT_URL_S3=http://…'
              : /certificate|self.signed|altnames/i.test(reason)
                ? 'name the authority that signed its certificate: AWS_CA_BUNDLE=/path/ca.pem'
                : 'check that the server runs and that AWS_ENDPOINT_URL_S3 names it (unset: AWS itself)';
  return error(
    'blobs',
    `${shown} cannot be used (${name}): ${kind === '' ? '' : `${kind}: `}${reason.trim().split('\n')[0]!}`,
    help,
  );
}

function encryption(env: Readonly<Record<string, string | undefined>>): Finding {
  const check = 'blobs TLS';
  const endpoint = [env['AWS_ENDPOINT_URL_S3'], env['AWS_ENDPOINT_URL']].find((each) => (each ?? '') !== '');
  if (endpoint === undefined || endpoint.startsWith('https:')) return ok(check, 'used');
  const host = new URL(endpoint).hostname;
  return isLocal(host)
    ? ok(check, 'not used, and the server is on this machine')
    : warning(
        check,
        `the connection to ${host} is not encrypted`,
        'let it listen with TLS, and write https:// into AWS_ENDPOINT_URL_S3',
      );
}
