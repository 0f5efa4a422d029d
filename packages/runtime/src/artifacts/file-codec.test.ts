import { directory as directoryValue, file, type FileValue } from '@run-pipeline/core/define';
import { INLINE_LIMIT } from '@run-pipeline/core/model';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeValue } from './decode.js';
import { hashDirectory, unpackDirectory } from './directory-archive.js';
import { directoryBlobs } from './directory-blobs.js';
import { artifactIdentity, encodeValue, hashValue } from './encode.js';
import { hashFile } from './sha256.js';

let root: string;
let cwd: string;
let local: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'files-'));
  cwd = join(root, 'project');
  local = join(root, 'local');
  await mkdir(cwd);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const encode = (value: unknown) =>
  encodeValue(value, { name: 'csv', blobs: directoryBlobs(join(root, 'blobs')), now: new Date(0), cwd });
const decode = async ({ record, inline }: Awaited<ReturnType<typeof encode>>): Promise<FileValue> =>
  (await decodeValue(
    { codec: record.type, ...record, inline },
    { blobs: directoryBlobs(join(root, 'blobs')), directory: local },
  )) as FileValue;
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
const large = 'x,y\n'.repeat(10_000);

describe.each([
  ['small', 'x,y\n1,2\n'],
  ['large', large],
  ['empty', ''],
])('a %s file', (_size, content) => {
  test('comes back under its name, as a copy of its own that is read-only', async () => {
    await writeFile(join(cwd, 'iris data.csv'), content);
    const stored = await encode(file('iris data.csv'));
    expect(stored.record).toMatchObject({
      type: 'file',
      hash: `sha256:${sha256(content)}`,
      size: content.length,
      meta: { fileName: 'iris data.csv' },
    });
    expect(stored.inline !== undefined).toBe(content.length <= INLINE_LIMIT);

    const [first, second] = [await decode(stored), await decode(stored)];
    expect({ ...first }).toEqual({
      path: first.path,
      name: 'iris data.csv',
      size: content.length,
      sha256: sha256(content),
    });
    expect(first.path).not.toBe(second.path);
    expect(first.path.endsWith('/iris data.csv')).toBe(true);
    expect((await stat(first.path)).mode & 0o777).toBe(0o444);
    await chmod(first.path, 0o644);
    await writeFile(first.path, 'scribble');
    expect(await readFile(second.path, 'utf8')).toBe(content);
    expect(await readFile((await decode(stored)).path, 'utf8')).toBe(content);
  });
});

test('a file that a step was given can be returned by it', async () => {
  await writeFile(join(cwd, 'iris.csv'), large);
  const stored = await encode(file('iris.csv'));
  const again = await encode(await decode(stored));
  expect(again.record).toEqual(stored.record);
});

test('an executable file stays one', async () => {
  await writeFile(join(cwd, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
  expect((await stat((await decode(await encode(file('tool')))).path)).mode & 0o777).toBe(0o555);
});

test('an edited file has another identity, a touched one has the same, a renamed one another', async () => {
  const path = join(cwd, 'iris.csv');
  const identity = async (name: string): Promise<string> =>
    artifactIdentity(await hashValue(file(name), { path: 'csv', cwd }));
  await writeFile(path, large);
  const before = await identity('iris.csv');
  await utimes(path, 1, 1);
  expect(await identity('iris.csv')).toBe(before);
  await writeFile(join(cwd, 'other.csv'), large);
  expect(await identity('other.csv')).not.toBe(before);
  await writeFile(path, large.replace('x', 'z'));
  expect(await identity('iris.csv')).not.toBe(before);
});

test('a file that is not there, or is a directory, is an error that names both', async () => {
  await mkdir(join(cwd, 'folder'));
  await expect(encode(file('nowhere.csv'))).rejects.toMatchObject({
    code: 'file-missing',
    message: `csv is file("nowhere.csv"), which does not exist (${join(cwd, 'nowhere.csv')})`,
  });
  const absolute = join(cwd, 'nowhere.csv');
  await expect(encode(file(absolute))).rejects.toMatchObject({
    message: `csv is file(${JSON.stringify(absolute)}), which does not exist`,
  });
  await expect(encode(file('folder'))).rejects.toMatchObject({ code: 'file-kind' });
  await writeFile(join(cwd, 'file'), '');
  await expect(encode(directoryValue('file'))).rejects.toMatchObject({ code: 'file-kind' });
});

test('a stored file name never leads elsewhere', async () => {
  await writeFile(join(cwd, 'iris.csv'), 'x');
  const stored = await encode(file('iris.csv'));
  for (const fileName of ['../../evil', '/etc/passwd', '..', '.', '', 'a\0b', 'a\\b', 7, undefined]) {
    const record = { ...stored.record, meta: { fileName } };
    await expect(decode({ ...stored, record })).rejects.toMatchObject({ code: 'artifact-damaged' });
  }
  expect(await readdir(root)).not.toContain('evil');
});

async function makeTree(path: string): Promise<void> {
  await mkdir(join(path, 'b', 'deep'), { recursive: true });
  await mkdir(join(path, 'empty'));
  await writeFile(join(path, 'b', 'deep', 'ü 1.bin'), Buffer.from([0, 255, 10]));
  await writeFile(join(path, 'b.txt'), 'b');
  await writeFile(join(path, 'B.txt'), 'B');
  await writeFile(join(path, 'big.csv'), large);
  await writeFile(join(path, 'none'), '');
  await writeFile(join(path, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
}

async function listTree(path: string, prefix = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(join(path, prefix), { withFileTypes: true })) {
    const name = join(prefix, entry.name);
    if (entry.isDirectory()) lines.push(`${name}/`, ...(await listTree(path, name)));
    else
      lines.push(
        `${name} ${((await stat(join(path, name))).mode & 0o111) !== 0} ${sha256(await readFile(join(path, name)))}`,
      );
  }
  return lines.sort();
}

test('a directory comes back as the same tree, and hashes the same wherever and whenever it was made', async () => {
  await makeTree(join(cwd, 'tree'));
  await makeTree(join(cwd, 'other', 'tree'));
  await utimes(join(cwd, 'tree', 'b.txt'), 1, 1);
  const stored = await encode(directoryValue('tree'));
  expect(stored.record).toMatchObject({
    type: 'directory',
    meta: { fileName: 'tree', files: 6, bytes: large.length + 15 },
  });
  expect((await encode(directoryValue('other/tree'))).record.hash).toBe(stored.record.hash);
  expect((await hashDirectory(join(cwd, 'tree'))).hash).toBe(stored.record.hash);

  const read = await decode(stored);
  expect(read).toMatchObject({ name: 'tree', size: large.length + 15 });
  expect(await listTree(read.path)).toEqual(await listTree(join(cwd, 'tree')));
  expect((await encode(read)).record).toEqual(stored.record);
});

test('content, names, the executable bit and empty directories each change the hash', async () => {
  const tree = join(cwd, 'tree');
  await makeTree(tree);
  const seen = new Set([(await hashDirectory(tree)).hash]);
  const changes = [
    () => writeFile(join(tree, 'b.txt'), 'c'),
    () => chmod(join(tree, 'b.txt'), 0o755),
    () => rm(join(tree, 'empty'), { recursive: true }),
    () => writeFile(join(tree, 'more'), ''),
    () => rm(join(tree, 'none')),
  ];
  for (const change of changes) {
    await change();
    seen.add((await hashDirectory(tree)).hash);
  }
  expect(seen.size).toBe(changes.length + 1);
});

test('an empty directory, and one larger than is packed in memory, come back', async () => {
  await mkdir(join(cwd, 'nothing'));
  expect(await readdir((await decode(await encode(directoryValue('nothing')))).path)).toEqual([]);
  await mkdir(join(cwd, 'heavy'));
  const bytes = Buffer.alloc(5 * 1024 * 1024, 'abc');
  await writeFile(join(cwd, 'heavy', '1'), bytes);
  await writeFile(join(cwd, 'heavy', '2'), bytes);
  const stored = await encode(directoryValue('heavy'));
  expect(stored.record.hash).toBe((await hashDirectory(join(cwd, 'heavy'))).hash);
  const read = await decode(stored);
  expect(Buffer.compare(await readFile(join(read.path, '2')), bytes)).toBe(0);
});

test('links are refused, with their path', async () => {
  await mkdir(join(cwd, 'tree', 'sub'), { recursive: true });
  await symlink('/etc', join(cwd, 'tree', 'sub', 'link'));
  await expect(encode(directoryValue('tree'))).rejects.toMatchObject({
    code: 'directory-entry',
    message: 'csv: sub/link is a symbolic link',
  });
});

test('an archive with a path that leads out, a repeated one, or a wrong length is refused', async () => {
  const entry = (path: string, content: string, kind = 2): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt8(kind, 0);
    head.writeUInt32LE(Buffer.byteLength(path), 1);
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(content.length));
    return Buffer.concat([head, Buffer.from(path), size, Buffer.from(content)]);
  };
  const magic = Buffer.from('run-pipeline directory 1\n');
  const end = Buffer.of(0);
  const bad = [
    [magic, entry('../evil', 'x'), end],
    [magic, entry('a/../../evil', 'x'), end],
    [magic, entry('/tmp/evil', 'x'), end],
    [magic, entry('a//b', 'x'), end],
    [magic, entry('', 'x'), end],
    [magic, entry('a\\b', 'x'), end],
    [magic, entry('a', 'x'), entry('a', 'y'), end],
    [magic, entry('a', 'x'), entry('a/b', 'y'), end],
    [magic, entry('a', 'x', 9), end],
    [magic, entry('a', 'xyz').subarray(0, -1)],
    [magic, entry('a', 'x')],
    [Buffer.from('something else entirely, not an archive')],
    [],
  ];
  for (const [index, parts] of bad.entries()) {
    const archive = join(root, `archive-${index}`);
    const target = join(root, `target-${index}`);
    await writeFile(archive, Buffer.concat(parts));
    await mkdir(target);
    await expect(unpackDirectory(archive, target)).rejects.toThrow();
  }
  expect((await readdir(root)).some((name) => name === 'evil')).toBe(false);
});

test('files of any length around the size of a read hash as a whole', async () => {
  for (const size of [0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024]) {
    const bytes = Buffer.alloc(size, 'content');
    await writeFile(join(cwd, 'file'), bytes);
    expect(await hashFile(join(cwd, 'file'))).toEqual({ hash: `sha256:${sha256(bytes)}`, size });
  }
});
