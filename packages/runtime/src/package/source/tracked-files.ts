import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';

/** What a look at the disk found: enough to notice later that it would find something else. */
export type Observation =
  | { readonly kind: 'missing' }
  | { readonly kind: 'directory' }
  /** Only its being there mattered. */
  | { readonly kind: 'file' }
  | { readonly kind: 'content'; readonly size: number; readonly mtimeNs: bigint; readonly hash: string };

/**
 * The disk as packaging sees it. Every look is remembered, the failed ones too: a file that appears
 * later can shadow the one that was found (INVARIANTS 5).
 */
export class TrackedFiles {
  readonly observed = new Map<string, Observation>();
  readonly #texts = new Map<string, string | undefined>();
  readonly #real = new Map<string, string>();

  kind(path: string): 'file' | 'directory' | 'missing' {
    const known = this.observed.get(path);
    if (known !== undefined) return known.kind === 'content' ? 'file' : known.kind;
    const stats = statSync(path, { throwIfNoEntry: false });
    const kind = stats?.isFile() === true ? 'file' : stats?.isDirectory() === true ? 'directory' : 'missing';
    this.observed.set(path, { kind });
    return kind;
  }

  isFile(path: string): boolean {
    return this.kind(path) === 'file';
  }

  /** The text, or undefined when there is no such file. */
  read(path: string): string | undefined {
    if (this.#texts.has(path)) return this.#texts.get(path);
    if (this.kind(path) !== 'file') return undefined;
    const { text, observation } = readContent(path);
    this.observed.set(path, observation);
    this.#texts.set(path, text);
    return text;
  }

  /** Remembers the content of a file that something else reads. */
  note(path: string): string | undefined {
    this.read(path);
    const observation = this.observed.get(path);
    return observation?.kind === 'content' ? observation.hash : undefined;
  }

  /** The bytes of a file that is there. */
  bytes(path: string): Buffer {
    this.note(path);
    return readFileSync(path);
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

  realPath(path: string): string {
    let real = this.#real.get(path);
    if (real === undefined) {
      real = realpathSync.native(path);
      this.#real.set(path, real);
    }
    return real;
  }
}

function readContent(path: string): { text: string; observation: Observation } {
  // The times are taken before the bytes: a write in between then shows as a newer time.
  const { size, mtimeNs } = statSync(path, { bigint: true });
  const bytes = readFileSync(path);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return {
    text: bytes.toString('utf8'),
    observation: { kind: 'content', size: Number(size), mtimeNs, hash },
  };
}
