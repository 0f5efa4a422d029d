import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ProjectPaths } from '../project/project.js';
import { isUnchanged, type ReadSet } from '../project/read-set.js';
import type { SourceBundle } from './discovery.js';
import { loadDirectory, writeAtomically } from './materialise.js';

/** Raise it when the shape of the memo or the meaning of the bundle changes. */
const FORMAT = 4;

export interface LoadMemo {
  readonly format: typeof FORMAT;
  readonly reads: ReadSet;
  /** The user's file. */
  readonly file: string;
  /** Name of the executable JavaScript beside the memo, with its map. */
  readonly executable: string;
  /** Of the executable, as it was written. */
  readonly sha256: string;
  /** Content hash of the bundle's own file: code with placeholders. */
  readonly bundle: string;
}

/**
 * The transformed JavaScript of a user's file, reused while everything that was read to make it is
 * unchanged (contents, failed look-ups, package.json and tsconfig files), so that a repeated run loads
 * no esbuild. Only text is kept: the file is evaluated every time.
 */
export class LoadCache {
  readonly #directory: string;
  readonly #memo: string;
  readonly #file: string;

  /** `installation`: whatever of this installation decides the result (where the framework is). */
  constructor(options: {
    readonly paths: ProjectPaths;
    readonly file: string;
    readonly installation: string;
  }) {
    this.#directory = loadDirectory(options.paths);
    this.#file = options.file;
    const key = createHash('sha256')
      .update(`load\0${FORMAT}\0${options.paths.root}\0${options.file}\0${options.installation}`)
      .digest('hex')
      .slice(0, 24);
    this.#memo = join(this.#directory, `${key}.json`);
  }

  find(): { readonly executable: string; readonly bundle: SourceBundle } | undefined {
    const memo = readJson<LoadMemo>(this.#memo);
    if (memo?.format !== FORMAT || !isUnchanged(memo.reads)) return undefined;
    const executable = join(this.#directory, memo.executable);
    const path = join(this.#directory, memo.bundle);
    // Not synced when they were written: after a power cut they may be empty, and an empty file has no pipeline.
    const isWhole = sha256Of(executable) === memo.sha256 && bundleName(sha256Of(path)) === memo.bundle;
    return isWhole ? { executable, bundle: lazyBundle(path) } : undefined;
  }

  keep(entry: { readonly executable: string; readonly bundle: SourceBundle; readonly reads: ReadSet }): void {
    const text = JSON.stringify(entry.bundle);
    const name = bundleName(createHash('sha256').update(text).digest('hex'));
    mkdirSync(this.#directory, { recursive: true });
    writeAtomically(join(this.#directory, name), text);
    const memo: LoadMemo = {
      format: FORMAT,
      reads: entry.reads,
      file: this.#file,
      executable: basename(entry.executable),
      sha256: sha256Of(entry.executable) ?? '',
      bundle: name,
    };
    writeAtomically(this.#memo, JSON.stringify(memo));
  }
}

const bundleName = (sha256: string | undefined): string => `${sha256?.slice(0, 24)}.bundle.json`;

function sha256Of(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return undefined; // it is not there, or is no file
  }
}

/** Read only if somebody wants to keep it: a fully cached run may not. */
function lazyBundle(path: string): SourceBundle {
  let read: SourceBundle | undefined;
  const bundle = (): SourceBundle => (read ??= JSON.parse(readFileSync(path, 'utf8')) as SourceBundle);
  return {
    get code() {
      return bundle().code;
    },
    get map() {
      return bundle().map;
    },
    get externals() {
      return bundle().externals;
    },
    get modules() {
      return bundle().modules;
    },
  };
}

export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined; // absent or damaged: made anew
  }
}
