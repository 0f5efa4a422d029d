import { RunPipelineError } from '@run-pipeline/core/model';
import type { BlobFailure, BlobStore, PackageStore, Store } from '@run-pipeline/core/ports';
import { directoryBlobs } from '../artifacts/index.js';
import { embeddedQueue } from '../queue/index.js';
import { projectRelay, type Project, type ProjectPaths, type ProjectRelay } from '../project/index.js';

/**
 * The project inside of a task that has nothing to open it with: the store is the supervisor's, asked over
 * its channel, and bytes are in the directory that both use, brought there by the supervisor when they are
 * elsewhere.
 */
export function relayedProject(
  paths: ProjectPaths,
  { blobsDirectory }: NonNullable<ProjectPaths['relay']>,
): Project {
  supervisor();
  const store = relayedStore();
  return {
    ...paths,
    store,
    blobs: relayedBlobs(blobsDirectory),
    blobsDirectory,
    packages: relayedPackages(),
    queue: embeddedQueue(store),
    // Whoever answers puts what is queued into the queue.
    fleet: false,
    // Nobody vouches for what a task makes: the keys are not the task's.
    signing: { signer: undefined, trust: undefined },
    withheld: [],
    relayed: true,
    concurrency: undefined,
    close: () => Promise.resolve(),
  };
}

/** Looked up for each call: an inline task has one for its own time only, and the project outlives it. */
function supervisor(): ProjectRelay {
  const relay = projectRelay();
  if (relay !== undefined) return relay;
  throw new RunPipelineError({
    kind: 'usage',
    code: 'no-supervisor',
    message: 'the project of this task cannot be reached from here: nobody supervises this process',
  });
}

function relayedStore(): Store {
  const own = {
    watch: (listener: () => void) => supervisor().watch(listener),
    close: () => Promise.resolve(),
  };
  return new Proxy(own as Store, {
    get(target, key) {
      if (typeof key !== 'string' || key === 'then' || Object.hasOwn(target, key))
        return Reflect.get(target, key) as unknown;
      return (...args: readonly unknown[]) => supervisor().call({ of: 'store', method: key, args });
    },
  });
}

function relayedBlobs(directory: string): BlobStore {
  const here = directoryBlobs(directory);
  /** Undefined: it is in the directory now. */
  const bring = async (hash: unknown): Promise<BlobFailure | undefined> => {
    const brought = (await supervisor().call({ of: 'blobs', method: 'localPath', args: [hash] })) as
      { readonly ok: true } | BlobFailure;
    return brought.ok ? undefined : brought;
  };
  return {
    put: (source) => here.put(source),
    adopt: (hashes) => supervisor().call({ of: 'blobs', method: 'adopt', args: [hashes] }) as Promise<void>,
    async hold(hashes) {
      for (const hash of hashes) await bring(hash);
      return { release: () => {} };
    },
    delete: (hash) => here.delete(hash),
    list: () => here.list(),
    sweep: (olderThanMs) => here.sweep(olderThanMs),
    async read(hash) {
      const found = await here.read(hash);
      return found.ok ? found : ((await bring(hash)) ?? here.read(hash));
    },
    async localPath(hash) {
      const found = await here.localPath(hash);
      return found.ok ? found : ((await bring(hash)) ?? here.localPath(hash));
    },
    stat: async (hash) =>
      (await here.stat(hash)) ??
      ((await supervisor().call({ of: 'blobs', method: 'stat', args: [hash] })) as Awaited<
        ReturnType<BlobStore['stat']>
      >),
  };
}

/** What a task makes of a script is published; nothing is signed here: the keys are not the task's. */
function relayedPackages(): PackageStore {
  const call =
    (method: string) =>
    (...args: readonly unknown[]): Promise<unknown> =>
      supervisor().call({ of: 'packages', method, args });
  return {
    write: call('write') as PackageStore['write'],
    read: call('read') as PackageStore['read'],
    age: call('age') as PackageStore['age'],
    delete: call('delete') as PackageStore['delete'],
    list: () => {
      throw notFromATask('list packages');
    },
    writeSignature: () => Promise.reject(notFromATask('sign packages')),
    readSignature: () => Promise.resolve(undefined),
  };
}

const notFromATask = (what: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'not-from-a-task',
    message: `a task cannot ${what}: its supervisor alone can`,
  });
