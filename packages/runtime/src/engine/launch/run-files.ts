import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileValue } from '@run-pipeline/core/define';
import type { StoredArtifact } from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import type { StorageCache } from '../../storage/cache/storage-cache.js';
import { decodeStored } from '../step/values.js';

/** A file or directory of the machine that launched a run, as it was then: content, name and kind. */
export interface CarriedFile {
  /** Absolute, there. */
  readonly path: string;
  readonly directory: boolean;
  readonly artifact: StoredArtifact;
}

/**
 * The files that a run was launched with. Paths stay what they were where it was launched: they are names by
 * which text, events and fingerprints speak of them. Whoever wants the content asks here.
 *
 * On a fleet it is always the content that was carried: a file of the same path on another machine is
 * another file. On one machine a file that is still at its path is taken from there, as if the run
 * had not been left to an agent.
 */
export interface RunFiles {
  /** The content of an absolute path, if that is not to be read from the path itself. */
  carried(path: string, directory: boolean): StoredArtifact | undefined;
  /** Where the content can be read on this machine, for as long as this process lives. */
  place(path: string, directory: boolean): Promise<string>;
  /** What a path of this machine was called where the run was launched. */
  original(path: string): string;
  /** The run was launched elsewhere: what it was given then is all that there is. */
  readonly areCarried: boolean;
}

/** Of a run that executes where it was launched. */
export const OWN_FILES: RunFiles = {
  carried: () => undefined,
  place: (path) => Promise.resolve(path),
  original: (path) => path,
  areCarried: false,
};

export function runFiles(
  project: Pick<Project, 'blobs' | 'home' | 'fleet'>,
  files: readonly CarriedFile[] | undefined,
): RunFiles {
  return files === undefined ? OWN_FILES : new CarriedFiles(project, files);
}

class CarriedFiles implements RunFiles {
  readonly areCarried = true;
  readonly #project: Pick<Project, 'blobs' | 'home' | 'fleet'>;
  readonly #files: ReadonlyMap<string, CarriedFile>;
  /** By the path of a copy here. */
  readonly #copies = new Map<string, CarriedFile>();
  readonly #placing = new Map<string, Promise<string>>();
  #cache: StorageCache | undefined;

  constructor(project: Pick<Project, 'blobs' | 'home' | 'fleet'>, files: readonly CarriedFile[]) {
    this.#project = project;
    this.#files = new Map(files.map((file) => [keyOf(file.path, file.directory), file]));
  }

  carried(path: string, directory: boolean): StoredArtifact | undefined {
    const copied = this.#copies.get(path);
    if (copied?.directory === directory) return copied.artifact;
    const file = this.#files.get(keyOf(path, directory));
    if (file === undefined || (!this.#project.fleet && existsSync(path))) return undefined;
    return file.artifact;
  }

  async place(path: string, directory: boolean): Promise<string> {
    const artifact = this.carried(path, directory);
    if (artifact === undefined || this.#copies.has(path)) return path;
    const key = keyOf(path, directory);
    const placing = this.#placing.get(key) ?? this.#copy({ path, directory, artifact });
    this.#placing.set(key, placing);
    return placing;
  }

  original(path: string): string {
    return this.#copies.get(path)?.path ?? path;
  }

  /**
   * A copy under its own name, in the bounded cache of local copies. Its path tells the content, so that a
   * body which is executed again is given the same one; it stays while this process lives.
   */
  async #copy(file: CarriedFile): Promise<string> {
    const { entryId, StorageCache: Cache } = await import('../../storage/cache/storage-cache.js');
    const { cacheLimit } = await import('../../storage/cache-limit.js');
    const { artifact, directory } = file;
    const { record } = artifact;
    const name = String(record.meta?.['fileName']);
    const form = entryId(directory ? 'directory' : 'file', record.hash, name);
    const id = record.meta?.['executable'] === true ? `${form}-x` : form;
    const cache = (this.#cache ??= new Cache({
      directory: join(this.#project.home, 'cache', 'storage'),
      limit: cacheLimit(process.env),
    }));
    const copy =
      (await cache.use(id, undefined)) ??
      (await cache.scratch(async (work) => {
        const { path, name: safe } = (await decodeStored(this.#project, artifact, work)) as FileValue;
        return cache.add({ id, name: safe, task: undefined, build: async (target) => rename(path, target) });
      }));
    this.#copies.set(copy, file);
    return copy;
  }
}

const keyOf = (path: string, directory: boolean): string => `${directory ? 'directory' : 'file'} ${path}`;
