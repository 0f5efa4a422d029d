import { RunPipelineError, type Digest } from '@run-pipeline/core/model';
import { mkdir, mkdtemp, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isSafeFileName } from './file-name.js';
import { readChunks, READ_SIZE, sha256Stream } from './sha256.js';
import { artifactDamaged } from './value-path.js';

/**
 * A directory as one file: the same tree gives the same bytes, whenever and wherever it was made.
 * It holds regular files, whether each is executable, and empty directories; not owners, times or
 * links. Content is stored as it is, so what is unpacked is never larger than what was verified.
 *
 *     "run-pipeline directory 1\n", then for each entry, ordered by path:
 *       u8   1 empty directory · 2 file · 3 executable file
 *       u32  bytes of the path · the path, parts joined by "/", UTF-8
 *       u64  bytes of the content · the content
 *     u8 0
 */
const MAGIC = Buffer.from('run-pipeline directory 1\n', 'latin1');
const END = 0;
const EMPTY_DIRECTORY = 1;
const FILE = 2;
const EXECUTABLE = 3;
const HEAD = 5;
const MAX_PATH = 4096;
const MAX_DEPTH = 128;
/** Archives up to this size are made in memory. */
const IN_MEMORY = 8 * READ_SIZE;

interface Entry {
  readonly kind: number;
  /** Parts joined by `/`. */
  readonly path: string;
  readonly size: number;
}

export interface PackedDirectory {
  readonly content: Uint8Array | { readonly path: string; readonly temporary: true };
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
}

/** `name` is what the directory is called in errors. */
export async function packDirectory(root: string, name: string): Promise<PackedDirectory> {
  const entries = await listEntries(root, name);
  const files = entries.filter(({ kind }) => kind !== EMPTY_DIRECTORY);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const chunks = archiveChunks(root, entries, name);
  if (bytes <= IN_MEMORY) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(Buffer.from(chunk)); // chunks are reused: copy
    return { content: Buffer.concat(parts), files: files.length, bytes };
  }
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-'));
  const path = join(directory, 'directory');
  try {
    const file = await open(path, 'wx');
    try {
      for await (const chunk of chunks) await writeAll(file, chunk);
    } finally {
      await file.close();
    }
    return { content: { path, temporary: true }, files: files.length, bytes };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** The hash `packDirectory` leads to, without making the archive. */
export async function hashDirectory(
  root: string,
  name = root,
): Promise<{ readonly hash: Digest; readonly size: number }> {
  const state = sha256Stream();
  let size = 0;
  for await (const chunk of archiveChunks(root, await listEntries(root, name), name)) {
    state.update(chunk);
    size += chunk.byteLength;
  }
  return { hash: state.digest(), size };
}

async function listEntries(root: string, name: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw refused(name, path, 'is nested too deeply');
    const children = await readdir(join(root, path), { withFileTypes: true });
    if (children.length === 0 && path !== '') entries.push({ kind: EMPTY_DIRECTORY, path, size: 0 });
    for (const child of children) {
      const childPath = path === '' ? child.name : `${path}/${child.name}`;
      if (child.name.includes('\ufffd')) throw refused(name, childPath, 'has a name that is not valid UTF-8');
      if (Buffer.byteLength(childPath) > MAX_PATH) throw refused(name, childPath, 'has too long a path');
      if (child.isDirectory()) {
        await visit(childPath, depth + 1);
      } else if (child.isFile()) {
        const { mode, size } = await stat(join(root, childPath));
        entries.push({ kind: (mode & 0o111) === 0 ? FILE : EXECUTABLE, path: childPath, size });
      } else {
        throw refused(
          name,
          childPath,
          child.isSymbolicLink() ? 'is a symbolic link' : 'is not a regular file',
        );
      }
    }
  };
  await visit('', 0);
  return entries.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

async function* archiveChunks(
  root: string,
  entries: readonly Entry[],
  name: string,
): AsyncGenerator<Uint8Array> {
  yield MAGIC;
  for (const entry of entries) {
    const path = Buffer.from(entry.path, 'utf8');
    const head = Buffer.alloc(HEAD + path.length + 8);
    head.writeUInt8(entry.kind, 0);
    head.writeUInt32LE(path.length, 1);
    path.copy(head, HEAD);
    head.writeBigUInt64LE(BigInt(entry.size), HEAD + path.length);
    yield head;
    if (entry.size === 0) continue;
    let read = 0;
    for await (const chunk of readChunks(join(root, entry.path))) {
      read += chunk.byteLength;
      if (read > entry.size) break;
      yield chunk;
    }
    if (read !== entry.size) throw refused(name, entry.path, 'changed while it was read');
  }
  yield Buffer.of(END);
}

function refused(name: string, path: string, what: string): RunPipelineError {
  return new RunPipelineError({
    kind: 'artifact',
    code: 'directory-entry',
    message: `${name}: ${path} ${what}`,
    help: 'A directory artifact holds regular files and directories. Copy what a link points to, or leave it out.',
  });
}

/**
 * Unpacks a verified archive into an empty directory that nobody else writes to. Every path is
 * checked before it is used; files are made anew, read-only, and never through a link.
 */
export async function unpackDirectory(
  archive: string,
  target: string,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const file = await open(archive, 'r');
  try {
    const reader = new ArchiveReader(file);
    if (!(await reader.take(MAGIC.length)).equals(MAGIC)) throw malformed();
    const made = new Set([target]);
    let [files, bytes] = [0, 0];
    for (;;) {
      const kind = (await reader.take(1)).readUInt8(0);
      if (kind === END) break;
      if (kind > EXECUTABLE) throw malformed();
      const pathLength = (await reader.take(4)).readUInt32LE(0);
      if (pathLength > MAX_PATH) throw malformed();
      const path = safePath(target, (await reader.take(pathLength)).toString('utf8'));
      const size = Number((await reader.take(8)).readBigUInt64LE(0));
      const parent = kind === EMPTY_DIRECTORY ? path : dirname(path);
      if (!made.has(parent)) {
        await mkdir(parent, { recursive: true });
        made.add(parent);
      }
      if (kind === EMPTY_DIRECTORY) continue;
      const output = await open(path, 'wx', kind === EXECUTABLE ? 0o555 : 0o444);
      try {
        for await (const chunk of reader.stream(size)) await writeAll(output, chunk);
      } finally {
        await output.close();
      }
      files++;
      bytes += size;
    }
    return { files, bytes };
  } finally {
    await file.close();
  }
}

/** A file in an archive: where its content stands. */
export interface ArchivedFile {
  /** Parts joined by `/`; a name, never used as a path. */
  readonly path: string;
  readonly size: number;
  readonly offset: number;
}

/** The files of a verified archive, without unpacking it; `most` of them at most, and how many there are. */
export async function listDirectory(
  archive: { readonly path: string } | { readonly bytes: Uint8Array },
  options: { readonly most: number },
): Promise<{ readonly files: readonly ArchivedFile[]; readonly total: number }> {
  if ('bytes' in archive) {
    const { bytes } = archive;
    return listEntriesOf(async (at, length) => Buffer.from(bytes.subarray(at, at + length)), options.most);
  }
  const file = await open(archive.path, 'r');
  try {
    return await listEntriesOf(async (at, length) => {
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await file.read(bytes, 0, length, at);
      return bytes.subarray(0, bytesRead);
    }, options.most);
  } finally {
    await file.close();
  }
}

async function listEntriesOf(
  read: (at: number, length: number) => Promise<Buffer>,
  most: number,
): Promise<{ readonly files: readonly ArchivedFile[]; readonly total: number }> {
  const take = async (at: number, length: number): Promise<Buffer> => {
    const bytes = await read(at, length);
    if (bytes.byteLength !== length) throw malformed();
    return bytes;
  };
  const files: ArchivedFile[] = [];
  let total = 0;
  if (!(await take(0, MAGIC.length)).equals(MAGIC)) throw malformed();
  for (let offset = MAGIC.length; ;) {
    const kind = (await take(offset, 1)).readUInt8(0);
    if (kind === END) return { files, total };
    if (kind > EXECUTABLE) throw malformed();
    const pathLength = (await take(offset + 1, 4)).readUInt32LE(0);
    if (pathLength > MAX_PATH) throw malformed();
    const rest = await take(offset + HEAD, pathLength + 8);
    const size = Number(rest.readBigUInt64LE(pathLength));
    offset += HEAD + pathLength + 8;
    if (kind !== EMPTY_DIRECTORY) {
      total++;
      if (files.length < most) files.push({ path: rest.toString('utf8', 0, pathLength), size, offset });
    }
    offset += size;
  }
}

function safePath(target: string, path: string): string {
  const parts = path.split('/');
  if (parts.length > MAX_DEPTH + 1 || !parts.every(isSafeFileName)) {
    throw artifactDamaged(
      `the path ${JSON.stringify(path.slice(0, 120))} in a stored directory is not allowed`,
    );
  }
  return join(target, ...parts);
}

/** Reads a file front to back through one buffer. */
class ArchiveReader {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  #unread = this.#buffer.subarray(0, 0);

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const chunk of this.stream(size)) parts.push(Buffer.from(chunk));
    return Buffer.concat(parts, size);
  }

  /** The next `size` bytes; each piece is good until the next one is asked for. */
  async *stream(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0;) {
      if (this.#unread.length === 0) {
        const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, null);
        if (bytesRead === 0) throw malformed();
        this.#unread = this.#buffer.subarray(0, bytesRead);
      }
      const piece = this.#unread.subarray(0, left);
      this.#unread = this.#unread.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, null);
    at += bytesWritten;
  }
}

const malformed = (): Error => artifactDamaged('a stored directory is malformed');
