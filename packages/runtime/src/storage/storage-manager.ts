import type { Project, ProjectPaths } from '../project/project.js';

/** How `StorageManager.getLocalCopy` brings what an address stands for. */
export interface LocalCopyOptions {
  /**
   * Extracts `.zip`, `.tar`, `.tar.gz` and `.tgz`, by the file's name; the path is then that of the directory.
   * Default true.
   */
  readonly extractArchive?: boolean;
  /** Downloads it again, whatever the server says of its age. Default false. */
  readonly forceDownload?: boolean;
  /**
   * Asks the server whether a copy that is here is still what is there. False: such a copy is used as it is, also
   * without a network. Default true.
   */
  readonly validate?: boolean;
  /** For `http:` and `https:`, sent to the address's own host alone: `{ authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte after which a connection counts as broken. Default 60,000. */
  readonly stallTimeout?: number;
  /** How often a failed transfer is tried again without getting any further. Default 5. */
  readonly retries?: number;
  /** What an archive may become at most, in bytes. Default: a hundred times its size, at least 1 GiB. */
  readonly maxExtractedBytes?: number;
  /** How many files and directories an archive may hold. Default a million. */
  readonly maxExtractedEntries?: number;
  /** Stops it. Default: the signal of the step that runs. */
  readonly signal?: AbortSignal;
}

export interface UploadOptions {
  /** For `http:` and `https:`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** As of `getLocalCopy`. */
  readonly stallTimeout?: number;
  /** As of `getLocalCopy`. */
  readonly retries?: number;
  /** As of `getLocalCopy`. */
  readonly signal?: AbortSignal;
}

export type QueryOptions = UploadOptions;

/** A file that `StorageManager.list` found. */
export interface StorageEntry {
  /** From the folder that was asked about, parts joined by `/`. */
  readonly path: string;
  /** The address of the file. */
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  readonly modifiedAt?: Date;
}

/** What `StorageManager.getMetadata` tells of a file. */
export interface StorageMetadata {
  /** Without user name, password and query. */
  readonly url: string;
  /** Bytes; undefined: the server does not say. */
  readonly size?: number;
  readonly modifiedAt?: Date;
  readonly etag?: string;
  readonly contentType?: string;
}

/** The methods of `StorageManager`. */
export interface StorageManagerApi {
  /**
   * The path of a file or directory with the content of an address: a path of its own for what is on this machine,
   * else a copy in the cache. A copy that is there is used if the server says that it is still good; of callers at
   * once, one downloads. Copies are shared and read-only, and stay as long as the step (or program) runs: copy one
   * that shall be changed.
   *
   * @returns an absolute path
   * @throws RunPipelineError: `storage-missing`, `storage-denied`, `storage-failed`, `archive-refused` …
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
  getLocalCopy(url: string, options?: LocalCopyOptions): Promise<string>;

  /**
   * Writes a local file, or all files below a directory, to an address: a path, `file:`, `s3:`, or (one file) `http:`
   * by PUT. A file that is there is replaced, at once and as a whole.
   *
   * @returns the address
   * @example
   * ```ts
   * import { StorageManager } from 'run-pipeline';
   *
   * const publish = () => StorageManager.upload('model.onnx', 's3://models/iris/model.onnx');
   * ```
   */
  upload(localPath: string, url: string, options?: UploadOptions): Promise<string>;

  /**
   * All files below a folder (a path, `file:`, `s3:`), ordered by their paths. None: an empty array.
   *
   * @throws RunPipelineError `storage-list` for addresses that cannot be listed.
   */
  list(url: string, options?: QueryOptions): Promise<readonly StorageEntry[]>;

  /** Whether there is something at an address; `false` only where that is known, an error where it is not. */
  exists(url: string, options?: QueryOptions): Promise<boolean>;

  /**
   * Size and age of a file, without reading it.
   *
   * @throws RunPipelineError `storage-missing` when there is none.
   */
  getMetadata(url: string, options?: QueryOptions): Promise<StorageMetadata>;
}

/** What the room needs of others. */
export interface StorageHost {
  /** Opens the project's state, for artifacts; its store is closed afterwards. */
  readonly openProject: (paths: ProjectPaths) => Promise<Project>;
}

/** Loads what does the work when it is used first: every task package that asks for it loads this. */
export function createStorageManager(host: StorageHost): StorageManagerApi {
  let loading: Promise<StorageManagerApi> | undefined;
  const load = async (): Promise<StorageManagerApi> => {
    loading ??= import('./storage-operations.js').then(
      ({ StorageOperations }) => new StorageOperations(host),
    );
    return loading;
  };
  const manager: StorageManagerApi = {
    getLocalCopy: async (url, options) =>
      placed(manager.getLocalCopy, async () => (await load()).getLocalCopy(url, options)),
    upload: async (localPath, url, options) =>
      placed(manager.upload, async () => (await load()).upload(localPath, url, options)),
    list: async (url, options) => placed(manager.list, async () => (await load()).list(url, options)),
    exists: async (url, options) => placed(manager.exists, async () => (await load()).exists(url, options)),
    getMetadata: async (url, options) =>
      placed(manager.getMetadata, async () => (await load()).getMetadata(url, options)),
  };
  return Object.freeze(manager);
}

/** What goes wrong far away, in a connection's event, is told where the user asked for it. */
async function placed<T>(caller: (...args: never[]) => unknown, work: () => Promise<T>): Promise<T> {
  const place: { stack?: string } = {};
  Error.captureStackTrace(place, caller);
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) {
      const frames = place.stack?.split('\n').slice(1).join('\n') ?? '';
      error.stack = `${error.stack ?? error.message}\n${frames}`;
    }
    throw error;
  }
}
