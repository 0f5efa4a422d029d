import type { BlobStore, PackageStore } from '@run-pipeline/core/ports';
import { byteSize } from '../project/byte-size.js';
import { parseS3Address } from './address.js';
import { Bucket } from './bucket.js';
import { patienceOf } from './patience.js';
import { S3Blobs } from './s3-blobs.js';
import { driverMissing, openS3, requireLibrary } from './s3-client.js';
import { S3Packages } from './s3-packages.js';
import { StoreMarks } from './store-marks.js';

/**
 * S3 and whatever speaks like it: the client that everybody here uses, and a bucket as the place where every
 * machine gets blobs and packages. Loaded only where a project's setting says `s3:`.
 */
export interface S3Stores {
  readonly blobs: BlobStore;
  readonly packages: PackageStore;
}

const DEFAULT_CACHE = 20 * 1024 ** 3;

/**
 * Opens blobs and packages in `s3://bucket/prefix`. Nothing is asked of the server yet, and the library is loaded
 * with the first request.
 *
 * @throws RunPipelineError of kind `usage`: `blobs-cache-size`, `driver-missing`.
 */
export function openS3Blobs(options: {
  readonly url: string;
  /** Of this machine: where copies are, and where workers read and write. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the store whose rows name what is kept here; undefined: this process keeps and collects nothing of its own. */
  readonly storeKey?: () => Promise<Uint8Array>;
}): S3Stores {
  const { url, directory, env, storeKey } = options;
  const cwd = process.cwd();
  const address = parseS3Address(url);
  const cacheLimit = byteSize(env, {
    name: 'RUN_PIPELINE_BLOBS_CACHE_SIZE',
    otherwise: DEFAULT_CACHE,
    code: 'blobs-cache-size',
  });
  const patience = patienceOf(env);
  requireLibrary(cwd);
  const bucket = new Bucket({
    address,
    patience,
    // One try each: how long is tried is ours to say.
    open: () => openS3({ env, cwd, stallMs: patience.stallMs, maxAttempts: 1, missing: driverMissing }),
  });
  const marks = storeKey === undefined ? undefined : new StoreMarks(bucket, storeKey);
  return {
    blobs: new S3Blobs({ bucket, directory, cacheLimit, marks }),
    packages: new S3Packages(bucket, marks),
  };
}
