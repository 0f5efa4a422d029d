import { fileMarker, type FileValue } from '@run-pipeline/core/define';
import { RunPipelineError } from '@run-pipeline/core/model';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { types } from 'node:util';
import type { Codec, DecodeContext, EncodeContext, StoredBytes } from './codec.js';
import { packDirectory, unpackDirectory } from './directory-archive.js';
import { requireSafeFileName } from './file-name.js';

/**
 * `file(path)`: the content is the artifact; the name (and whether it is executable) stands beside
 * it. The consumer gets a copy of its own under that name: writing to it changes nobody else's.
 */
export const fileCodec: Codec = {
  id: 'file',
  version: 1,
  matches: (value) => !types.isProxy(value) && fileMarker(value)?.directory === false,
  async encode(value, context) {
    const { path, mode, size } = await locate(value, context);
    const fileName = basename(path);
    const executable = (mode & 0o111) !== 0;
    return {
      content: { path, temporary: false },
      meta: executable ? { fileName, executable } : { fileName },
      preview: `${fileName}, ${size} bytes`,
    };
  },
  async decode(stored, context): Promise<FileValue> {
    const path = join(await privateDirectory(context), requireSafeFileName(stored.meta['fileName']));
    // A reflink where the file system has them; never a hard link, through which a write would reach the store.
    await copyFile(await stored.file(), path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await chmod(path, stored.meta['executable'] === true ? 0o555 : 0o444);
    return fileValue('file', path, stored.size, stored);
  },
};

/** `directory(path)`: the tree as one deterministic archive. */
export const directoryCodec: Codec = {
  id: 'directory',
  version: 1,
  matches: (value) => !types.isProxy(value) && fileMarker(value)?.directory === true,
  async encode(value, context) {
    const { path } = await locate(value, context);
    const packed = await packDirectory(path, context.path);
    const { files, bytes } = packed;
    const fileName = basename(path) || 'directory';
    return {
      content: packed.content,
      meta: { fileName, files, bytes },
      preview: `${fileName}/, ${files} files, ${bytes} bytes`,
    };
  },
  async decode(stored, context): Promise<FileValue> {
    const path = join(await privateDirectory(context), requireSafeFileName(stored.meta['fileName']));
    await mkdir(path);
    const { bytes } = await unpackDirectory(await stored.file(), path);
    return fileValue('directory', path, bytes, stored);
  },
};

async function privateDirectory({ directory }: DecodeContext): Promise<string> {
  await mkdir(directory, { recursive: true });
  return mkdtemp(join(directory, 'file-'));
}

/** What the consumer gets is itself a `file()`: returning it from a step passes the file on. */
const FILE = Symbol.for('run-pipeline.file');

function fileValue(kind: 'file' | 'directory', path: string, size: number, stored: StoredBytes): FileValue {
  const value = { path, name: basename(path), size, sha256: stored.hash.slice('sha256:'.length) };
  return Object.freeze(Object.defineProperty(value, FILE, { value: kind }));
}

async function locate(
  value: unknown,
  context: EncodeContext,
): Promise<{ readonly path: string; readonly mode: number; readonly size: number }> {
  const marker = fileMarker(value);
  if (marker === undefined) throw new TypeError('not a file() or directory()');
  const written = `${marker.directory ? 'directory' : 'file'}(${JSON.stringify(marker.path)})`;
  const path = resolve(context.cwd, marker.path);
  try {
    const { mode, size, isFile, isDirectory } = await stat(path).then((found) => ({
      mode: found.mode,
      size: found.size,
      isFile: found.isFile(),
      isDirectory: found.isDirectory(),
    }));
    if (marker.directory ? isDirectory : isFile) return { path, mode, size };
    throw fileError(
      'file-kind',
      `${context.path} is ${written}, which is ${isDirectory ? 'a directory' : 'not a regular file'}`,
      isDirectory ? 'Use directory(path) for a directory.' : 'Use file(path) for a file.',
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw fileError(
      'file-missing',
      `${context.path} is ${written}, which does not exist${path === marker.path ? '' : ` (${path})`}`,
      'Relative paths start in the directory the command was called in.',
    );
  }
}

const fileError = (code: string, message: string, help: string): RunPipelineError =>
  new RunPipelineError({ kind: 'artifact', code, message, help });
