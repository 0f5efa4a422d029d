import { createStorageManager, type StorageManagerApi } from '../storage/index.js';

/**
 * Local copies of files wherever they are, and files brought to where they shall be. An address is a path, a
 * `file:`, `http:`, `https:` or `s3://bucket/key` URL, or the `url` of an artifact (`$<step.artifacts.data.url>`).
 *
 * What was downloaded is kept in `.run-pipeline/cache/storage`, for all runs of the project. S3 needs the package
 * `@aws-sdk/client-s3` and the settings of AWS's own tools.
 *
 * A step whose result depends on what can change without its inputs changing (everything but an artifact) is
 * executed every time: its result does not enter the cache, and `run-pipeline why` says so.
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { StorageManager } from 'run-pipeline';
 *
 * async function countRows(datasetUrl: string) {
 *   const path = await StorageManager.getLocalCopy(datasetUrl);
 *   return (await readFile(path, 'utf8')).trimEnd().split('\n').length;
 * }
 * ```
 */
export const StorageManager: StorageManagerApi = createStorageManager({
  openProject: async (paths) => {
    const { openProjectAt } = await import('../engine/open-project.js');
    return openProjectAt(paths, process.env);
  },
});
