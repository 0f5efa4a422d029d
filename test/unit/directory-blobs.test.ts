import type { Digest } from '@run-pipeline/core/model';
import { randomUUID } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blobStoreConformance } from '../conformance/blob-store.js';
import { directoryBlobs } from '../../packages/runtime/src/artifacts/directory-blobs.js';
import { blobStoreError } from '../../packages/runtime/src/artifacts/store-failure.js';

const blobFile = (root: string, hash: Digest): string => join(root, hash.slice(7, 9), hash.slice(7));
const setAge = async (path: string, ms: number): Promise<void> => {
  const at = new Date(Date.now() - ms);
  await utimes(path, at, at);
};

blobStoreConformance('a directory', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'blobs-'));
  const root = join(parent, 'home', 'blobs');
  return {
    open: () => directoryBlobs(root),
    directory: root,
    damage: (hash, bytes) => writeFile(blobFile(root, hash), bytes),
    age: (hash, ms) => setAge(blobFile(root, hash), ms),
    async abandonWrite(ms) {
      await mkdir(join(root, 'tmp'), { recursive: true });
      const path = join(root, 'tmp', `1-${randomUUID()}`);
      await writeFile(path, 'half');
      await setAge(path, ms);
    },
    close: () => rm(parent, { recursive: true, force: true }),
  };
});

test('a blob lies under the first two digits of its hash, and no temporary file stays', async () => {
  const root = await mkdtemp(join(tmpdir(), 'blobs-'));
  const { hash } = await directoryBlobs(root).put(Buffer.from('content'));
  await access(blobFile(root, hash));
  expect(await readdir(join(root, 'tmp'))).toEqual([]);
  await rm(root, { recursive: true });
});

test('a place where nothing can be written is an error that says so', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'blobs-'));
  const file = join(directory, 'file');
  await writeFile(file, '');
  const error = await directoryBlobs(join(file, 'blobs'))
    .put(Buffer.from('x'))
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ kind: 'store', code: 'blob-store' });
  expect((error as Error).message).toContain(file);
  await rm(directory, { recursive: true });
});

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'a read-only directory is an error that says so',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'blobs-'));
    await chmod(directory, 0o555);
    await expect(directoryBlobs(directory).put(Buffer.from('x'))).rejects.toMatchObject({
      kind: 'store',
      code: 'read-only',
    });
    await rm(directory, { recursive: true });
  },
);

test.each([
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['EPERM', 'read-only'],
  ['EIO', 'blob-store'],
])('%s from the file system is the store error %s', (code, expected) => {
  const cause = Object.assign(new Error('failed'), { code });
  expect(blobStoreError(cause, 'storing an artifact', '/somewhere')).toMatchObject({
    kind: 'store',
    code: expected,
    cause,
  });
});
