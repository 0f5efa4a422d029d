import { join } from 'node:path';
import type { BlobStore, PackageStore, Store, TaskQueue } from '@run-pipeline/core/ports';
import { directoryBlobs } from '../artifacts/index.js';
import { directoryPackages } from '../package/index.js';
import type { BlobsSetting, QueueSetting, StoreSetting } from '../project/index.js';
import { carriedStore, embeddedQueue } from '../queue/index.js';
import { openSqliteStore } from '../store/index.js';

/**
 * One line per driver. What needs an npm package of the user's is imported when it is chosen, and never
 * before: the embedded ones start without it.
 */
export type Env = Readonly<Record<string, string | undefined>>;

export async function openStore(setting: StoreSetting, env: Env): Promise<Store> {
  switch (setting.driver) {
    case 'sqlite':
      return openSqliteStore({ file: setting.file });
    case 'postgres': {
      const { openPostgresStore } = await import('../store/postgres/index.js');
      return openPostgresStore({ url: setting.url.reveal(), env });
    }
    default:
      return setting satisfies never;
  }
}

export interface OpenedBlobs {
  readonly blobs: BlobStore;
  readonly blobsDirectory: string;
  readonly packages: PackageStore | undefined;
}

export async function openBlobs(
  setting: BlobsSetting,
  { store, env }: { readonly store: Store; readonly env: Env },
): Promise<OpenedBlobs> {
  const blobsDirectory = setting.directory;
  switch (setting.driver) {
    case 'directory':
      return {
        blobs: directoryBlobs(blobsDirectory),
        blobsDirectory,
        packages: setting.shared ? directoryPackages(join(blobsDirectory, 'packages')) : undefined,
      };
    case 's3': {
      const { openS3Blobs } = await import('../s3/index.js');
      return {
        ...openS3Blobs({
          url: setting.url.reveal(),
          directory: blobsDirectory,
          env,
          storeKey: () => store.secretKey(),
        }),
        blobsDirectory,
      };
    }
    default:
      return setting satisfies never;
  }
}

export interface OpenedQueue {
  readonly queue: TaskQueue;
  /** The store as everybody has to use it, so that the queue hears of what it queues. */
  readonly store: Store;
}

export async function openQueue(
  setting: QueueSetting,
  { store, env }: { readonly store: Store; readonly env: Env },
): Promise<OpenedQueue> {
  switch (setting.driver) {
    case 'embedded':
      return { queue: embeddedQueue(store), store };
    case 'redis': {
      const { openBullQueue } = await import('../queue/bull/index.js');
      const queue = await openBullQueue({ url: setting.url.reveal(), env, store });
      return { queue, store: carriedStore(store, queue) };
    }
    default:
      return setting satisfies never;
  }
}
