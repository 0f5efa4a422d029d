import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, realpathSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

/** What a look at the disk found: enough to notice later that it would find something else. */
export type Observation =
  | { readonly kind: 'missing' }
  | { readonly kind: 'directory' }
  /** Only its being there mattered. */
  | { readonly kind: 'file' }
  | ContentObservation;

export interface ContentObservation {
  readonly kind: 'content';
  readonly size: number;
  /** Nanoseconds, as decimal digits. */
  readonly mtime: string;
  readonly hash: string;
  /** A write soon after this one might not have changed the time: then only the content tells. */
  readonly settled: boolean;
}

/** File systems keep times as coarsely as 2 s (FAT); what is younger may change again unnoticed. */
const SETTLED_NS = 2_000_000_000n;

/**
 * The disk as packaging sees it. Every look is remembered, the failed ones too: a file that appears
 * later can shadow the one that was found (INVARIANTS 5).
 */
export class TrackedFiles {
  readonly observed = new Map<string, Observation>();
  /** Hashes of the names in directories that were listed. */
  readonly listed = new Map<string, string>();
  /** Directories of which only sizes and times of the files were looked at, by a hash of these. */
  readonly stamped = new Map<string, string>();
  /** Where links led. */
  readonly links = new Map<string, string>();
  readonly #texts = new Map<string, string | undefined>();
  readonly #lines = new Map<string, readonly string[]>();

  kind(path: string): 'file' | 'directory' | 'missing' {
    const known = this.observed.get(path);
    if (known !== undefined) return known.kind === 'content' ? 'file' : known.kind;
    const kind = kindOf(path);
    this.observed.set(path, { kind });
    return kind;
  }

  isFile(path: string): boolean {
    return this.kind(path) === 'file';
  }

  /** The text, or undefined when there is no such file. */
  read(path: string): string | undefined {
    if (!this.#texts.has(path)) this.#texts.set(path, this.bytes(path)?.toString('utf8'));
    return this.#texts.get(path);
  }

  /** The same by lines, which many steps of one file ask for. */
  lines(path: string): readonly string[] | undefined {
    let lines = this.#lines.get(path);
    if (lines === undefined) {
      lines = this.read(path)?.split(/\r\n|\n|\r/);
      if (lines !== undefined) this.#lines.set(path, lines);
    }
    return lines;
  }

  /** The bytes, or undefined when there is no such file. */
  bytes(path: string): Buffer | undefined {
    if (this.kind(path) !== 'file') return undefined;
    const { bytes, observation } = readContent(path);
    this.observed.set(path, observation);
    return bytes;
  }

  /** Remembers the content of a file that something else reads. The sha256, or undefined when it is missing. */
  note(path: string): string | undefined {
    const known = this.observed.get(path);
    if (known?.kind === 'content') return known.hash;
    this.bytes(path);
    const observation = this.observed.get(path);
    return observation?.kind === 'content' ? observation.hash : undefined;
  }

  readJson(path: string): Record<string, unknown> | undefined {
    const text = this.read(path);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The entries of a directory, sorted; none when it is not there. */
  list(directory: string): Dirent[] {
    const entries = listDirectory(directory);
    this.listed.set(directory, hashOfNames(entries));
    return entries;
  }

  /** Every file below a directory, without what is installed there. */
  filesBelow(directory: string): string[] {
    return this.list(directory).flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        return entry.name === 'node_modules' || entry.name === '.git' ? [] : this.filesBelow(path);
      }
      return entry.isFile() ? [path] : [];
    });
  }

  /**
   * Whether every file below a directory was last changed before a time (in nanoseconds), and long
   * enough ago that a later change will show.
   */
  isOlder(directory: string, than: bigint): boolean {
    const stamp = stampOf(directory);
    const isSettled = stamp.newest + SETTLED_NS < BigInt(Date.now()) * 1_000_000n;
    if (!isSettled || stamp.newest > than) return false;
    this.stamped.set(directory, stamp.hash);
    return true;
  }

  modified(path: string): bigint {
    return statSync(path, { bigint: true }).mtimeNs;
  }

  realPath(path: string): string {
    let real = this.links.get(path);
    if (real === undefined) {
      real = realpathSync.native(path);
      this.links.set(path, real);
    }
    return real;
  }
}

export function kindOf(path: string): 'file' | 'directory' | 'missing' {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true ? 'file' : stats?.isDirectory() === true ? 'directory' : 'missing';
}

export function listDirectory(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

export function hashOfNames(entries: readonly Dirent[]): string {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(`${entry.isDirectory() ? 'd' : 'f'}${entry.name}\0`);
  return hash.digest('hex');
}

/** Names, sizes and times of all files below a directory, without what is installed there. */
export function stampOf(directory: string): { readonly hash: string; readonly newest: bigint } {
  const hash = createHash('sha256');
  let newest = 0n;
  const walk = (at: string): void => {
    for (const entry of listDirectory(at)) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && entry.name !== '.git') walk(path);
        continue;
      }
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (stats.mtimeNs > newest) newest = stats.mtimeNs;
      hash.update(`${path}\0${stats.size}\0${stats.mtimeNs}\0`);
    }
  };
  walk(directory);
  return { hash: hash.digest('hex'), newest };
}

export function readContent(path: string): { bytes: Buffer; observation: ContentObservation } {
  // The times are taken before the bytes: a write in between then shows as a newer time.
  const { size, mtimeNs } = statSync(path, { bigint: true });
  const bytes = readFileSync(path);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const settled = mtimeNs + SETTLED_NS < BigInt(Date.now()) * 1_000_000n;
  return {
    bytes,
    observation: { kind: 'content', size: Number(size), mtime: String(mtimeNs), hash, settled },
  };
}
