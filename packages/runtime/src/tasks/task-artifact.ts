import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  didYouMean,
  RunPipelineError,
  type ArtifactRecord,
  type StoredArtifact,
} from '@run-pipeline/core/model';

/**
 * An artifact of a task: what is recorded of it, and its value. Get it from `task.artifacts`.
 *
 * @example
 * ```ts
 * const task = await Task.get<{ rows: number[] }>({ project: 'examples', name: 'stage data' });
 * console.log(task.artifacts.rows.url, task.artifacts.rows.size);
 * const rows = await task.artifacts.rows.get();
 * ```
 */
export class TaskArtifact<T = unknown> {
  readonly #access: ArtifactAccess;

  readonly name: string;
  /** The codec's id: `superjson`, `text`, `bytes`, `file`, `directory`, `image`, or a registered one. */
  readonly type: string;
  /** `artifact://sha256/…`: what `StorageManager` and parameters of other tasks take. */
  readonly url: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  /** A short look at the value; undefined where there is nothing to show. */
  readonly preview: string | undefined;
  /** ISO time. */
  readonly createdAt: string;
  /** What the codec tells of it: `{ fileName: 'iris.csv' }`. */
  readonly meta: Readonly<Record<string, unknown>>;

  /** Not to be called: `task.artifacts` has them. */
  constructor(made: never) {
    const given: unknown = made;
    if (!(given instanceof Made)) throw new TypeError('artifacts are made by task.uploadArtifact');
    const { record, access } = given;
    this.#access = access;
    this.name = record.name;
    this.type = record.type;
    this.url = record.url;
    this.hash = record.hash;
    this.size = record.size;
    this.preview = record.preview;
    this.createdAt = record.createdAt;
    this.meta = record.meta ?? {};
  }

  /**
   * The value, decoded anew for every call. A file or folder is a `FileValue`.
   *
   * @throws RunPipelineError of kind `artifact` when it is missing, damaged, or of a type without a codec here
   */
  async get(): Promise<T> {
    return (await this.#access.read()) as T;
  }

  /**
   * Path of a local copy: the file or the folder itself; of any other value a file with its content (JSON,
   * text, an image, bytes as they are stored). The copy is the caller's alone; it lies in the project's
   * state, and `run-pipeline gc` removes it.
   */
  async getLocalCopy(): Promise<string> {
    if (this.type === 'file' || this.type === 'directory')
      return ((await this.#access.read()) as { readonly path: string }).path;
    const [extension, content] = await this.#content();
    const directory = join(await this.#access.directory(), `copy-${randomUUID()}`);
    await mkdir(directory, { recursive: true });
    const path = join(directory, `${this.name}.${extension}`);
    await writeFile(path, content, { flag: 'wx' });
    return path;
  }

  async #content(): Promise<readonly [extension: string, content: string | Uint8Array]> {
    switch (this.type) {
      case 'superjson': {
        const { toJson } = await import('../artifacts/index.js');
        return ['json', `${JSON.stringify(toJson(await this.#access.read()), null, 2)}\n`];
      }
      case 'text':
        return ['txt', await this.#access.bytes()];
      case 'image':
        return [/^image\/([a-z]+)/.exec(String(this.meta['mime']))?.[1] ?? 'bin', await this.#access.bytes()];
      default:
        return ['bin', await this.#access.bytes()];
    }
  }
}

class Made {
  readonly record: ArtifactRecord;
  readonly access: ArtifactAccess;

  constructor(record: ArtifactRecord, access: ArtifactAccess) {
    this.record = record;
    this.access = access;
  }
}

export interface ArtifactAccess {
  readonly read: () => Promise<unknown>;
  /** As they are stored. */
  readonly bytes: () => Promise<Uint8Array>;
  /** Where local copies go. */
  readonly directory: () => Promise<string>;
}

/** By name. */
export type TaskArtifacts<Values> = { readonly [Name in keyof Values]: TaskArtifact<Values[Name]> };

/**
 * The artifacts of a task as properties. A name that the task has not got is an error that says which it
 * has: a typed name would otherwise be undefined where the type says it is not. `in` and `Object.keys` tell.
 */
export function artifactsByName<Values>(options: {
  readonly artifacts: readonly StoredArtifact[];
  /** `examples/stage data (01j…)`. */
  readonly label: string;
  readonly access: (artifact: StoredArtifact) => ArtifactAccess;
}): TaskArtifacts<Values> {
  const { artifacts, label, access } = options;
  const byName = Object.create(null) as Record<string, TaskArtifact>;
  for (const artifact of artifacts) {
    const { record } = artifact;
    byName[record.name] = new TaskArtifact(new Made(record, access(artifact)) as never);
  }
  const names = Object.keys(byName);
  return new Proxy(byName, {
    get(target, name) {
      if (typeof name === 'symbol' || name in target || ASKED_BY_TOOLS.has(name))
        return Reflect.get(target, name) as unknown;
      throw new RunPipelineError({
        kind: 'usage',
        code: 'unknown-artifact',
        message: `the task ${label} has no artifact "${name}"${didYouMean(name, names)}`,
        help: names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`,
      });
    },
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
  }) as TaskArtifacts<Values>;
}

/** What `await`, `JSON.stringify`, consoles and test frameworks ask of any object. */
const ASKED_BY_TOOLS: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'inspect',
  'constructor',
  'toString',
  'valueOf',
  'nodeType',
  'tagName',
  'asymmetricMatch',
  '$$typeof',
  '@@__IMMUTABLE_ITERABLE__@@',
  '@@__IMMUTABLE_RECORD__@@',
]);
