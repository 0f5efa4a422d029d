import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isSafeFileName } from '../../artifacts/file-name.js';

/** How much an archive may become. */
export interface ExtractionLimits {
  /** Bytes of all files together. */
  readonly bytes: number;
  /** Files and directories. */
  readonly entries: number;
}

/** Why an archive is not extracted, in words that follow its name. */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused';
}

const MAX_DEPTH = 128;
const MAX_PATH = 4096;

/**
 * An empty directory that an archive is unpacked into, whatever the archive says (INVARIANTS 20): every
 * part of a path is checked before it is used, there are files and directories alone and no links to be
 * followed, each file is made anew, and what comes is counted as it comes, not as it was announced.
 */
export class ExtractedTree {
  readonly #root: string;
  readonly #limits: ExtractionLimits;
  readonly #signal: AbortSignal;
  readonly #directories = new Set<string>();
  #bytes = 0;
  #entries = 0;

  constructor(options: {
    readonly root: string;
    readonly limits: ExtractionLimits;
    readonly signal: AbortSignal;
  }) {
    this.#root = options.root;
    this.#limits = options.limits;
    this.#signal = options.signal;
  }

  async addDirectory(name: string): Promise<void> {
    const parts = this.#partsOf(name);
    await this.#makeDirectory(parts, name);
  }

  async addFile(options: {
    readonly name: string;
    /**
     * What comes, and what it goes through. Asked for when it is read at once: a stream that fails while
     * nobody listens ends the process.
     */
    readonly open: () => Promise<readonly [Readable, ...Transform[]]>;
    readonly executable: boolean;
  }): Promise<void> {
    const { name, open, executable } = options;
    const parts = this.#partsOf(name);
    if (parts.length === 0) throw new ArchiveRefused(`it holds a file without a name`);
    await this.#makeDirectory(parts.slice(0, -1), name);
    const counter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        this.#bytes += chunk.length;
        if (this.#bytes <= this.#limits.bytes) done(null, chunk);
        else done(new ArchiveRefused(`its files have more than ${this.#limits.bytes} bytes together`));
      },
    });
    try {
      const content = await open();
      const output = createWriteStream(join(this.#root, ...parts), {
        flags: 'wx',
        mode: executable ? 0o555 : 0o444,
      });
      await pipeline([...content, counter, output], { signal: this.#signal });
    } catch (error) {
      this.#signal.throwIfAborted();
      throw isInTheWay(error) ? new ArchiveRefused(`it holds ${quoted(name)} twice`) : error;
    }
  }

  /** `./a//b/` is a and b. */
  #partsOf(name: string): readonly string[] {
    this.#signal.throwIfAborted();
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) {
      throw new ArchiveRefused(`it holds more than ${this.#limits.entries} files and directories`);
    }
    if (name.startsWith('/') || /^[a-z]:/i.test(name)) {
      throw new ArchiveRefused(`it holds the absolute path ${quoted(name)}`);
    }
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const isSafe =
      parts.every(isSafeFileName) && parts.length <= MAX_DEPTH && Buffer.byteLength(name) <= MAX_PATH;
    if (!isSafe) throw new ArchiveRefused(`it holds the path ${quoted(name)}, which is not allowed`);
    return parts;
  }

  async #makeDirectory(parts: readonly string[], name: string): Promise<void> {
    const path = join(this.#root, ...parts);
    if (this.#directories.has(path)) return;
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      throw isInTheWay(error)
        ? new ArchiveRefused(`it holds ${quoted(name)} below a file of the same name`)
        : error;
    }
    for (let at = path; at.length >= this.#root.length; at = dirname(at)) this.#directories.add(at);
  }
}

function isInTheWay(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR';
}

/** A name from an archive must not control a terminal. */
export const quoted = (name: string): string =>
  JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
