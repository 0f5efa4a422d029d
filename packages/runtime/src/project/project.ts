import type { Signer, Trust } from '../signing/index.js';
import type { BlobStore, PackageStore, Store, TaskQueue } from '@run-pipeline/core/ports';

/**
 * Where things are for one invocation: resolved once, at the door. `home` is the nearest
 * `.run-pipeline/` above the current directory, else beside the workspace root's package.json;
 * RUN_PIPELINE_HOME overrides.
 *
 * Inside `home`: `state.db` (store), `blobs/` (blob store), `packages/<hash>/` (task packages),
 * `cache/` (evaluated JavaScript and manifest memos; may be deleted at any time), `tmp/`.
 */
export interface ProjectPaths {
  /** The directory the user invoked us in: relative file() paths and messages. */
  readonly cwd: string;
  /** The directory that holds `home`; source positions are shown relative to it. */
  readonly root: string;
  readonly home: string;
  /** Inside of a task that has nothing to open the project with: it asks its supervisor (`relay.ts`). */
  readonly relay?: { readonly blobsDirectory: string } | undefined;
}

export interface Signing {
  /** Undefined: what is made here is not signed. */
  readonly signer: Signer | undefined;
  /** Undefined: anybody's code is executed. */
  readonly trust: Trust | undefined;
}

/** Where task packages are. */
export interface PackagePlace extends ProjectPaths {
  /** Where packages are exchanged with other machines; undefined: they are in `<home>/packages` alone. */
  readonly packages: PackageStore | undefined;
  /** Who vouches for the code that is made here, and whose code is executed here. */
  readonly signing: Signing;
}

/** The opened project: what commands and the engine work with. */
export interface Project extends PackagePlace {
  readonly store: Store;
  readonly blobs: BlobStore;
  /**
   * A directory of this machine where workers read and write bytes themselves: all that `blobs` has, or
   * (S3) what was brought here (`hold`) and what they wrote (`adopt`).
   */
  readonly blobsDirectory: string;
  /** How ready tasks reach agents. */
  readonly queue: TaskQueue;
  /** The queue is on Redis: agents are on other machines, and a step waits for one of them. */
  readonly fleet: boolean;
  /** Variables that tasks do not get: what opens all this, and what signs. */
  readonly withheld: readonly string[];
  /** Whether tasks have to ask their supervisor for what is in the project, since they cannot open it. */
  readonly relayed: boolean;
  /** From `run-pipeline.config.ts`. */
  readonly concurrency: number | undefined;
  /** Closes queue, bytes and store. */
  close(): Promise<void>;
}
