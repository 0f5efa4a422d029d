import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';

/**
 * Everything a computation read, so that its result may be used again: files by content, and paths
 * that were looked for and not found (a new file can shadow the one that was taken). Contents are
 * compared, never times: an edit within the same tick of the clock is an edit too.
 */
export interface ReadSet {
  /** Absolute path to sha256 of its content. */
  readonly files: Readonly<Record<string, string>>;
  /** Absolute paths at which no file was. */
  readonly absent: readonly string[];
  /** Absolute paths at which a file was, whatever its content. */
  readonly present: readonly string[];
  /** Absolute path to its real path: linking a package elsewhere is a change. */
  readonly links: Readonly<Record<string, string>>;
}

/** Collects a `ReadSet`. The first content seen of a file counts: it is the one that was used. */
export class ReadSetRecorder {
  readonly #files = new Map<string, string>();
  readonly #absent = new Set<string>();
  readonly #present = new Set<string>();
  readonly #links = new Map<string, string>();

  /** `content`: as it was read and used. */
  file(path: string, content: string | Uint8Array): void {
    if (!this.#files.has(path)) this.#files.set(path, contentHash(content));
  }

  /** Reads and records; undefined (recorded as absent) when there is no such file. */
  read(path: string): string | undefined {
    try {
      const content = readFileSync(path);
      this.file(path, content);
      return content.toString('utf8');
    } catch {
      this.#absent.add(path);
      return undefined;
    }
  }

  /** Records whether a file is at `path`, without its content. */
  probe(path: string): boolean {
    if (this.#files.has(path) || this.#present.has(path)) return true;
    if (this.#absent.has(path)) return false;
    const found = isFile(path);
    (found ? this.#present : this.#absent).add(path);
    return found;
  }

  link(path: string): void {
    if (!this.#links.has(path)) this.#links.set(path, realPath(path) ?? '');
  }

  result(): ReadSet {
    return {
      files: Object.fromEntries(this.#files),
      absent: [...this.#absent].filter((path) => !this.#files.has(path)),
      present: [...this.#present].filter((path) => !this.#files.has(path)),
      links: Object.fromEntries(this.#links),
    };
  }
}

/** Whether everything is still as it was read. */
export function isUnchanged(set: ReadSet): boolean {
  for (const [path, hash] of Object.entries(set.files)) {
    try {
      if (contentHash(readFileSync(path)) !== hash) return false;
    } catch {
      return false;
    }
  }
  for (const [path, target] of Object.entries(set.links)) {
    if ((realPath(path) ?? '') !== target) return false;
  }
  return set.present.every(isFile) && !set.absent.some(isFile);
}

export const contentHash = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    return false; // ENOTDIR, EACCES: not readable as a file there
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
