import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { zipOf } from './archive/hostile-archives.test-support.js';
import { driverMissing, openS3, type S3 } from '../s3/s3-client.js';
import { S3Server } from '../s3/s3-server.test-support.js';
import { uploadToS3 } from './remote/s3-upload.js';
import { StorageOperations } from './storage-operations.js';
import { scratchDirectory } from './storage-rig.test-support.js';

let server: S3Server;
let directory: string;
let remove: () => Promise<void>;
let storage: StorageOperations;

beforeAll(async () => {
  server = await S3Server.start();
});
afterAll(async () => server.stop());
beforeEach(async () => {
  ({ path: directory, remove } = await scratchDirectory());
  vi.stubEnv('RUN_PIPELINE_HOME', join(directory, 'home'));
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's3cr3t');
  storage = new StorageOperations({ openProject: async () => Promise.reject(new Error('not needed')) });
  server.requests.length = 0;
  server.objects.clear();
  server.uploads.clear();
  server.begun.clear();
  server.intercept = undefined;
  server.pageSize = 1000;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await remove();
});

const client = (): Promise<S3> =>
  openS3({ env: process.env, cwd: directory, stallMs: 60_000, maxAttempts: 3, missing: driverMissing });
const text = async (path: string): Promise<string> => readFile(path, 'utf8');

test('an object comes under its name, and again only when it has changed', async () => {
  server.put('bucket/some/key/a b.csv', 'one');
  const first = await storage.getLocalCopy('s3://bucket/some/key/a b.csv');
  expect(first.endsWith('/content/a b.csv')).toBe(true);
  expect(await text(first)).toBe('one');
  expect(await storage.getLocalCopy('s3://bucket/some/key/a b.csv')).toBe(first);
  expect(server.requests.filter((each) => each.startsWith('GET'))).toHaveLength(1);
  server.put('bucket/some/key/a b.csv', 'two');
  expect(await text(await storage.getLocalCopy('s3://bucket/some/key/a b.csv'))).toBe('two');
});

test('an archive is extracted', async () => {
  server.put('bucket/data.zip', zipOf([{ name: 'a.txt', content: 'one' }]));
  expect(await text(join(await storage.getLocalCopy('s3://bucket/data.zip'), 'a.txt'))).toBe('one');
});

test('a connection that breaks is continued, if the object is still the same', async () => {
  const content = Buffer.alloc(300_000, 'run-pipeline ');
  for (const changes of [false, true]) {
    const key = `bucket/${changes}.bin`;
    server.put(key, content);
    const { etag } = server.objects.get(key)!;
    let broken = false;
    server.intercept = (request, response) => {
      if (broken || request.method !== 'GET') return false;
      broken = true;
      response.writeHead(200, { 'content-length': content.length, etag });
      response.write(content.subarray(0, 100_000), () => response.socket?.end());
      if (changes) server.put(key, 'another');
      return true;
    };
    const read = await readFile(await storage.getLocalCopy(`s3://${key}`));
    expect(read.equals(changes ? Buffer.from('another') : content)).toBe(true);
    server.intercept = undefined;
  }
});

test('what is sent is what is stored, whole or in parts', async () => {
  const file = join(directory, 'a.bin');
  const content = Buffer.alloc(1_000_000, 'run-pipeline ');
  await writeFile(file, content);
  expect(await storage.upload(file, 's3://bucket/whole.bin')).toBe('s3://bucket/whole.bin');
  expect(server.objects.get('bucket/whole.bin')!.bytes.equals(content)).toBe(true);
  const s3 = await client();
  const sent: number[] = [];
  await uploadToS3({
    s3,
    bucket: 'bucket',
    key: 'parts.bin',
    shown: 's3://bucket/parts.bin',
    path: file,
    signal: new AbortController().signal,
    onBytes: (bytes) => sent.push(bytes),
    partBytes: 300_000,
  });
  expect(server.objects.get('bucket/parts.bin')!.bytes.equals(content)).toBe(true);
  expect(sent).toEqual([300_000, 600_000, 900_000, 1_000_000]);
  expect(server.uploads.size).toBe(0);
});

test('an upload in parts that fails leaves neither an object nor parts', async () => {
  const file = join(directory, 'a.bin');
  await writeFile(file, Buffer.alloc(1000));
  const s3 = await client();
  server.intercept = (request, response) => {
    if (request.url?.includes('partNumber=2') !== true) return false;
    response.writeHead(403).end();
    return true;
  };
  const upload = uploadToS3({
    s3,
    bucket: 'bucket',
    key: 'parts.bin',
    shown: 's3://bucket/parts.bin',
    path: file,
    signal: new AbortController().signal,
    onBytes: () => {},
    partBytes: 300,
  });
  await expect(upload).rejects.toMatchObject({ code: 'storage-denied' });
  expect(server.objects.size).toBe(0);
  expect(server.uploads.size).toBe(0);
});

test('a folder is listed whole, in order, over several pages', async () => {
  server.pageSize = 2;
  for (const key of ['a/c', 'a/b', 'a/d/e', 'a/f & g', 'ab', 'a/folder/']) server.put(`bucket/${key}`, key);
  const listed = await storage.list('s3://bucket/a');
  expect(listed.map(({ path }) => path)).toEqual(['b', 'c', 'd/e', 'f & g']);
  expect(listed[0]).toEqual({
    path: 'b',
    url: 's3://bucket/a/b',
    size: 3,
    modifiedAt: expect.any(Date) as Date,
  });
  expect(await storage.list('s3://bucket/none/')).toEqual([]);
  expect(await storage.list('s3://bucket')).toHaveLength(5);
});

test('a folder is uploaded below a key', async () => {
  await writeFile(join(directory, 'top.txt'), 'one');
  await storage.upload(directory, 's3://bucket/models/');
  expect(server.objects.get('bucket/models/top.txt')!.bytes.toString()).toBe('one');
});

test('size, age and etag are told; what is not there is not there', async () => {
  server.put('bucket/a', 'one');
  expect(await storage.getMetadata('s3://bucket/a')).toMatchObject({
    url: 's3://bucket/a',
    size: 3,
    modifiedAt: expect.any(Date) as Date,
    etag: server.objects.get('bucket/a')!.etag,
  });
  expect(await storage.exists('s3://bucket/a')).toBe(true);
  expect(await storage.exists('s3://bucket/b')).toBe(false);
  await expect(storage.getMetadata('s3://bucket/b')).rejects.toMatchObject({ code: 'storage-missing' });
  await expect(storage.getLocalCopy('s3://bucket/b')).rejects.toMatchObject({
    code: 'storage-missing',
    message: 's3://bucket/b does not exist',
  });
});

test('who may not read is told so, and not that there is nothing', async () => {
  server.intercept = (_request, response) => {
    response.writeHead(403).end();
    return true;
  };
  await expect(storage.exists('s3://bucket/a')).rejects.toMatchObject({ code: 'storage-denied' });
  await expect(storage.getLocalCopy('s3://bucket/a')).rejects.toMatchObject({
    code: 'storage-denied',
    help: expect.stringContaining('AWS_ACCESS_KEY_ID'),
  });
});

test('a stalled object ends', async () => {
  server.intercept = (_request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('a');
    return true;
  };
  await expect(
    storage.getLocalCopy('s3://bucket/a', { stallTimeout: 100, retries: 0 }),
  ).rejects.toMatchObject({ code: 'storage-failed', help: expect.stringContaining('several times') });
  expect(await readdir(join(directory, 'home/cache/storage/work'))).toEqual([]);
});
