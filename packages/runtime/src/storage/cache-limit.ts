import { byteSize } from '../project/byte-size.js';

/** Bytes that the copies of a project may have together. */
export const cacheLimit = (env: Readonly<Record<string, string | undefined>>): number =>
  byteSize(env, {
    name: 'RUN_PIPELINE_STORAGE_CACHE_SIZE',
    otherwise: 10 * 1024 ** 3,
    code: 'storage-cache-size',
  });
