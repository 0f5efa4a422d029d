import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Library from '@aws-sdk/client-s3';
import { RunPipelineError } from '@run-pipeline/core/model';

export type S3Library = typeof Library;

export interface S3 {
  readonly library: S3Library;
  readonly client: Library.S3Client;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Opens S3 with the settings that all of AWS's tools read (AWS_REGION, AWS_ACCESS_KEY_ID, profiles,
 * AWS_ENDPOINT_URL_S3 for other makes). The library is the user's to install: most never need it.
 */
export async function openS3(options: {
  readonly env: Env;
  readonly cwd: string;
  readonly stallMs: number;
}): Promise<S3> {
  const { env, cwd, stallMs } = options;
  const library = await loadLibrary(cwd);
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const client = new library.S3Client({
    // Other makes of S3 store the checksums of the SDK's own way of sending into the content, or refuse it.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Buckets as host names need a DNS that only AWS has.
    ...(endpoint === undefined || endpoint === '' ? {} : { endpoint, forcePathStyle: true }),
    ...(hasRegion(env) ? {} : { region: 'us-east-1' }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: stallMs, socketTimeout: stallMs },
  });
  return { library, client };
}

/** A profile may have one: then the SDK finds it itself. */
const hasRegion = (env: Env): boolean =>
  ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE'].some((name) => (env[name] ?? '') !== '');

const LIBRARY = '@aws-sdk/client-s3';

/** Beside this installation, else from where the user's program runs. */
async function loadLibrary(cwd: string): Promise<S3Library> {
  try {
    return (await import('@aws-sdk/client-s3')) as S3Library;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    const path = createRequire(join(cwd, 'package.json')).resolve(LIBRARY);
    return (await import(pathToFileURL(path).href)) as S3Library;
  } catch (cause) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'storage-driver',
      message: `s3: addresses need the package ${LIBRARY}, which is not installed`,
      help: `install it beside run-pipeline: npm install ${LIBRARY}`,
      cause,
    });
  }
}

function isNotFound(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
