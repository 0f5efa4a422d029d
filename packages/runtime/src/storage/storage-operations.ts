import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import { ensureHome } from '../project/home.js';
import { resolvePaths } from '../project/paths.js';
import type { Project, ProjectPaths } from '../project/project.js';
import { findCurrentTask } from '../task/current-task.js';
import { liveTask, markUncacheable } from '../task/live-task.js';
import { artifactSize, copyOfArtifact } from './artifact-copy.js';
import { cacheLimit } from './cache-limit.js';
import { StorageCache } from './cache/storage-cache.js';
import { copyOfFile, copyOfRemote, isExtracted, type CopyContext } from './copies.js';
import { filesBelow, replaceFile } from './local-files.js';
import { storageMissing } from './remote/http-failure.js';
import { httpHead } from './remote/http-head.js';
import { httpRemote } from './remote/http-remote.js';
import { putFile } from './remote/http-upload.js';
import { Progress } from './remote/progress.js';
import { isPassing } from './remote/remote.js';
import { retrying } from './remote/retry.js';
import { openS3, type S3 } from '../s3/s3-client.js';
import { headObject, listObjects } from './remote/s3-objects.js';
import { s3Remote } from './remote/s3-remote.js';
import { uploadToS3 } from './remote/s3-upload.js';
import { StallGuard } from './remote/stall-guard.js';
import type {
  LocalCopyOptions,
  QueryOptions,
  StorageEntry,
  StorageHost,
  StorageManagerApi,
  StorageMetadata,
  UploadOptions,
} from './storage-manager.js';
import { resolveOptions, type ResolvedOptions } from './storage-options.js';
import { parseStorageUrl, type StorageUrl } from './storage-url.js';

/** What `StorageManager` does, for each kind of address. */
export class StorageOperations implements StorageManagerApi {
  readonly #host: StorageHost;
  /** By directory. */
  readonly #caches = new Map<string, StorageCache>();

  constructor(host: StorageHost) {
    this.#host = host;
  }

  async getLocalCopy(url: string, given?: LocalCopyOptions): Promise<string> {
    const options = resolveOptions('getLocalCopy', given);
    const source = this.#mutable(url, 'getLocalCopy');
    options.signal.throwIfAborted();
    if (source.kind === 'path') {
      const found = await stat(source.path).catch(() => undefined);
      if (found === undefined) throw storageMissing(source.shown);
      const isItself = found.isDirectory() || !isExtracted(source.path, options);
      return isItself ? source.path : copyOfFile(source.path, await this.#context(options));
    }
    const context = await this.#context(options);
    switch (source.kind) {
      case 'http': {
        const stall = new StallGuard(options.stallMs);
        const remote = httpRemote({ url: source.url, headers: options.headers, stall });
        return copyOfRemote(remote, { key: `http ${withoutUser(source.url)}`, stall }, context);
      }
      case 's3': {
        const stall = new StallGuard(options.stallMs);
        const remote = s3Remote({ s3: await this.#s3(options), ...source });
        return copyOfRemote(remote, { key: `${endpoint()} ${source.shown}`, stall }, context);
      }
      case 'artifact':
        return copyOfArtifact(source.hash, async () => this.#project(), context);
      default:
        return source satisfies never;
    }
  }

  async upload(localPath: string, url: string, given?: UploadOptions): Promise<string> {
    const options = resolveOptions('upload', given);
    const target = parseStorageUrl(url, process.cwd());
    const local = parseStorageUrl(localPath, process.cwd());
    if (local.kind !== 'path') {
      throw usage('storage-upload', `upload takes a path of this machine, not ${local.shown}`, undefined);
    }
    const found = await stat(local.path).catch(() => undefined);
    if (found === undefined) throw storageMissing(local.shown);
    if (!found.isDirectory()) {
      await this.#uploadFile(local.path, target, options);
      return url;
    }
    for (const file of await filesBelow(local.path)) {
      await this.#uploadFile(join(local.path, file.path), below(target, file.path), options);
    }
    return url;
  }

  async list(url: string, given?: QueryOptions): Promise<readonly StorageEntry[]> {
    const options = resolveOptions('list', given);
    const source = this.#mutable(url, 'list');
    if (source.kind === 'path') {
      const found = await stat(source.path).catch(() => undefined);
      if (found === undefined) return [];
      if (!found.isDirectory()) throw usage('storage-list', `${source.shown} is no folder`, undefined);
      const files = await filesBelow(source.path);
      const isUrl = url.startsWith('file:');
      return files.map((file) => {
        const path = join(source.path, file.path);
        return { ...file, url: isUrl ? pathToFileURL(path).href : path };
      });
    }
    if (source.kind !== 's3') {
      throw usage(
        'storage-list',
        `${source.shown} cannot be listed: ${source.kind === 'http' ? 'http has no folders' : 'an artifact is one value'}`,
        'paths, file: and s3: can be listed',
      );
    }
    return listObjects({ s3: await this.#s3(options), ...source, signal: options.signal });
  }

  async exists(url: string, given?: QueryOptions): Promise<boolean> {
    return (await this.#describe(url, 'exists', given)) !== undefined;
  }

  async getMetadata(url: string, given?: QueryOptions): Promise<StorageMetadata> {
    const found = await this.#describe(url, 'getMetadata', given);
    if (found === undefined) throw storageMissing(parseStorageUrl(url, process.cwd()).shown);
    return found;
  }

  /** Undefined: there is nothing. */
  async #describe(
    url: string,
    operation: 'exists' | 'getMetadata',
    given: QueryOptions | undefined,
  ): Promise<StorageMetadata | undefined> {
    const options = resolveOptions(operation, given);
    const source = this.#mutable(url, operation);
    const { shown } = source;
    switch (source.kind) {
      case 'path': {
        const found = await stat(source.path).catch(() => undefined);
        return found === undefined
          ? undefined
          : { url: shown, ...(found.isFile() ? { size: found.size } : {}), modifiedAt: found.mtime };
      }
      case 'http': {
        const stall = new StallGuard(options.stallMs);
        const head = async (): ReturnType<typeof httpHead> =>
          httpHead({ url: source.url, headers: options.headers, stall, signal: options.signal });
        const headers = await attempted(shown, 'read', retrying(options.retry, options.signal, head));
        return headers === undefined ? undefined : { url: shown, ...describeHeaders(headers) };
      }
      case 's3': {
        const s3 = await this.#s3(options);
        const head = async (): ReturnType<typeof headObject> =>
          headObject({ s3, ...source, signal: options.signal });
        const found = await attempted(shown, 'read', retrying(options.retry, options.signal, head));
        return found === undefined ? undefined : { url: shown, ...found };
      }
      case 'artifact': {
        const project = await this.#project();
        try {
          const size = await artifactSize(source.hash, project);
          return size === undefined ? undefined : { url: shown, size };
        } finally {
          await project.close();
        }
      }
      default:
        return source satisfies never;
    }
  }

  async #uploadFile(path: string, target: StorageUrl, options: ResolvedOptions): Promise<void> {
    options.signal.throwIfAborted();
    const { shown } = target;
    const progress = new Progress({ what: `uploading ${shown}`, write: tell });
    const onBytes = (sent: number): void => progress.moved(sent);
    progress.begin(0, (await stat(path)).size);
    try {
      switch (target.kind) {
        case 'path':
          return await replaceFile(path, target.path);
        case 'http': {
          const stall = new StallGuard(options.stallMs);
          const { url } = target;
          const { headers, signal } = options;
          const put = async (): Promise<void> => putFile({ path, url, headers, stall, signal, onBytes });
          return await attempted(shown, 'write', retrying(options.retry, signal, put));
        }
        case 's3': {
          const s3 = await this.#s3(options);
          const { signal } = options;
          const put = async (): Promise<void> => uploadToS3({ s3, ...target, path, signal, onBytes });
          return await attempted(shown, 'write', retrying(options.retry, signal, put));
        }
        case 'artifact':
          throw usage(
            'storage-upload',
            `nothing can be uploaded to ${shown}: it is named by its content`,
            'task.uploadArtifact(name, path) keeps a file as an artifact',
          );
        default:
          return target satisfies never;
      }
    } finally {
      progress.end();
    }
  }

  /** What a step learns from an address that can change keeps its result out of the cache (INVARIANTS 3). */
  #mutable(url: string, operation: string): StorageUrl {
    const source = parseStorageUrl(url, process.cwd());
    if (source.kind !== 'artifact') {
      markUncacheable(`StorageManager.${operation} reads ${source.shown}, which may change`);
    }
    return source;
  }

  async #context(options: ResolvedOptions): Promise<CopyContext> {
    const paths = statePaths();
    const directory = join(paths.home, 'cache', 'storage');
    let cache = this.#caches.get(directory);
    if (cache === undefined) {
      ensureHome(paths);
      cache = new StorageCache({ directory, limit: cacheLimit(process.env) });
      this.#caches.set(directory, cache);
    }
    const current = findCurrentTask();
    const task = current === undefined ? undefined : `${current.id} ${current.attempt}`;
    await cache.releaseOthers(task);
    return { cache, directory, task, options, write: tell };
  }

  async #project(): Promise<Project> {
    return this.#host.openProject(statePaths());
  }

  async #s3(options: ResolvedOptions): Promise<S3> {
    return openS3({
      env: process.env,
      cwd: process.cwd(),
      stallMs: options.stallMs,
      maxAttempts: 3,
      missing: (cause) =>
        new RunPipelineError({
          kind: 'usage',
          code: 'storage-driver',
          message: 's3: addresses need the package @aws-sdk/client-s3, which is not installed',
          help: 'install it beside run-pipeline: npm install @aws-sdk/client-s3',
          cause,
        }),
    });
  }
}

/** Of the task that runs; else of where this program was started. */
const statePaths = (): ProjectPaths =>
  liveTask()?.state ?? resolvePaths({ cwd: process.cwd(), env: process.env });

/** Whoever asks as another user is answered by the server, not by the index. */
function withoutUser(url: URL): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy.href;
}

/** Buckets of two makes of S3 may have one name. */
const endpoint = (): string => process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'] ?? 'aws';

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

function below(target: StorageUrl, path: string): StorageUrl {
  switch (target.kind) {
    case 'path':
      return { ...target, path: join(target.path, path) };
    case 's3': {
      const key = `${target.key}${target.key === '' || target.key.endsWith('/') ? '' : '/'}${path}`;
      return { ...target, key, shown: `s3://${target.bucket}/${key}` };
    }
    default:
      throw usage(
        'storage-upload',
        `a folder cannot be uploaded to ${target.shown}`,
        'upload its files one by one',
      );
  }
}

function describeHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Omit<StorageMetadata, 'url'> {
  const text = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const length = text('content-length');
  const modified = Date.parse(text('last-modified') ?? '');
  const etag = text('etag');
  const contentType = text('content-type');
  return {
    ...(length === undefined || !Number.isSafeInteger(Number(length)) ? {} : { size: Number(length) }),
    ...(Number.isNaN(modified) ? {} : { modifiedAt: new Date(modified) }),
    ...(etag === undefined ? {} : { etag }),
    ...(contentType === undefined ? {} : { contentType }),
  };
}

/** What could not be done after all, in words. */
async function attempted<T>(shown: string, doing: 'read' | 'write', work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isRunPipelineError(error) || !(error instanceof Error) || !('code' in error || isPassing(error)))
      throw error;
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'storage-failed',
      message: `cannot ${doing} ${shown}: ${error.message}`,
      help: isPassing(error) ? 'it was tried several times; check the network and the server' : undefined,
      cause: error,
    });
  }
}

const usage = (code: string, message: string, help: string | undefined): RunPipelineError =>
  new RunPipelineError({ kind: 'usage', code, message: `StorageManager: ${message}`, help });
