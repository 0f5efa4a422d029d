import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Library from '@aws-sdk/client-s3';
import { maskUrl, RunPipelineError } from '@run-pipeline/core/model';
import { readPem } from '../tls-files.js';

type S3Library = typeof Library;

export interface S3 {
  readonly library: S3Library;
  readonly client: Library.S3Client;
  /** Milliseconds by which the server's clock is ahead of ours, as its last answer said. */
  readonly clockOffset: () => number;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Opens S3 with the settings that all of AWS's tools read (AWS_REGION, AWS_ACCESS_KEY_ID, profiles,
 * AWS_ENDPOINT_URL_S3 for other makes). The library is the user's to install: most never need it.
 */
export async function openS3(options: {
  readonly env: Env;
  readonly cwd: string;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly stallMs: number;
  /** How often the SDK itself tries each request. */
  readonly maxAttempts: number;
  /** Without the library. */
  readonly missing: (cause: unknown) => RunPipelineError;
}): Promise<S3> {
  const { env, stallMs, maxAttempts } = options;
  const library = await loadLibrary(options);
  const endpoint = endpointOf(env);
  // As AWS's other tools read it; their library for JavaScript does not.
  const bundle = env['AWS_CA_BUNDLE'] ?? '';
  const client = withoutRemarks(
    () =>
      new library.S3Client({
        // Other makes of S3 store the checksums of the SDK's own way of sending into the content, or refuse it.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
        // Buckets as host names need a DNS that only AWS has.
        ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
        ...(hasRegion(env) ? {} : { region: 'us-east-1' }),
        maxAttempts,
        requestHandler: {
          connectionTimeout: stallMs,
          socketTimeout: stallMs,
          ...(bundle === '' ? {} : { httpsAgent: { ca: readPem(bundle, 'AWS_CA_BUNDLE') } }),
        },
      }),
  );
  return { library, client, clockOffset: followClock(client) };
}

/** As all of AWS's tools read it. What is no address would be told as `Invalid URL`, without saying which. */
function endpointOf(env: Env): string | undefined {
  const name = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'].find((each) => (env[each] ?? '') !== '');
  if (name === undefined) return undefined;
  const text = env[name]!;
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'setting',
    message: `${name} (${maskUrl(text)}) is not the address of a server`,
    help: `write ${name}=https://host:9000 (the bucket belongs into RUN_PIPELINE_BLOBS), or unset it for AWS itself`,
  });
}

const REMARKS = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/** Which Node.js fits is said by this package; the library's remark would go into the middle of what is shown. */
function withoutRemarks<T>(make: () => T): T {
  const before = process.env[REMARKS];
  process.env[REMARKS] = before ?? 'true';
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env[REMARKS];
  }
}

/** A profile may have one: then the SDK finds it itself. */
const hasRegion = (env: Env): boolean =>
  ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE'].some((name) => (env[name] ?? '') !== '');

/** Ages of objects are told by the server's dates, so they are compared with the server's clock. */
function followClock(client: Library.S3Client): () => number {
  let offset = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = (result.response ?? {}) as { headers?: Readonly<Record<string, string>> };
      const date = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(date)) offset = date - Date.now();
      return result;
    },
    { step: 'deserialize', name: 'followClock', priority: 'high' },
  );
  return () => offset;
}

const LIBRARY = '@aws-sdk/client-s3';

/** The error of whoever keeps artifacts or packages in S3. */
export const driverMissing = (cause: unknown): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'driver-missing',
    message: `artifacts are to be kept in S3, and the package ${LIBRARY} is not installed`,
    help: `install it beside run-pipeline: npm install ${LIBRARY}`,
    cause,
  });

/** Before anything else is done, and without loading it: that takes longer than many commands do. */
export function requireLibrary(cwd: string): void {
  try {
    createRequire(import.meta.url).resolve(LIBRARY);
  } catch {
    try {
      createRequire(join(cwd, 'package.json')).resolve(LIBRARY);
    } catch (cause) {
      throw driverMissing(cause);
    }
  }
}

/** Beside this installation, else from where the user's program runs. */
async function loadLibrary({
  cwd,
  missing,
}: {
  readonly cwd: string;
  readonly missing: (cause: unknown) => RunPipelineError;
}): Promise<S3Library> {
  try {
    return (await import('@aws-sdk/client-s3')) as S3Library;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    const path = createRequire(join(cwd, 'package.json')).resolve(LIBRARY);
    return (await import(pathToFileURL(path).href)) as S3Library;
  } catch (cause) {
    throw missing(cause);
  }
}

function isNotFound(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
