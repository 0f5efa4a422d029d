import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { StorageOperations } from './storage-operations.js';
import { FileServer, scratchDirectory } from './storage-rig.test-support.js';

let server: FileServer;
let directory: string;
let remove: () => Promise<void>;
let storage: StorageOperations;

beforeAll(async () => {
  server = await FileServer.start();
});
afterAll(async () => server.stop());
beforeEach(async () => {
  ({ path: directory, remove } = await scratchDirectory());
  vi.stubEnv('RUN_PIPELINE_HOME', join(directory, 'home'));
  storage = new StorageOperations({ openProject: async () => Promise.reject(new Error('not needed')) });
  server.requests.length = 0;
  server.files.clear();
  server.intercept = undefined;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await remove();
});

const at = (...parts: string[]): string => join(directory, ...parts);
const text = async (path: string): Promise<string> => readFile(path, 'utf8');

async function tree(): Promise<string> {
  await mkdir(at('tree/deep'), { recursive: true });
  await writeFile(at('tree/b.txt'), 'two');
  await writeFile(at('tree/deep/a.txt'), 'one');
  return at('tree');
}

test('a file is written to a path or file: URL, over what is there', async () => {
  await writeFile(at('a.txt'), 'one');
  expect(await storage.upload(at('a.txt'), at('new/b.txt'))).toBe(at('new/b.txt'));
  await writeFile(at('a.txt'), 'two');
  const url = pathToFileURL(at('new/b.txt')).href;
  expect(await storage.upload(at('a.txt'), url)).toBe(url);
  expect(await text(at('new/b.txt'))).toBe('two');
  expect(await readdir(at('new'))).toEqual(['b.txt']);
});

test('a folder is written with all files below it', async () => {
  await storage.upload(await tree(), at('copy'));
  expect(await text(at('copy/deep/a.txt'))).toBe('one');
  expect(await storage.list(at('copy'))).toMatchObject([
    { path: 'b.txt', url: at('copy/b.txt'), size: 3 },
    { path: 'deep/a.txt', url: at('copy/deep/a.txt'), size: 3 },
  ]);
  const [first] = await storage.list(pathToFileURL(at('copy')).href);
  expect(first!.url).toBe(pathToFileURL(at('copy/b.txt')).href);
});

test('a file goes to a server by PUT, and again if that fails', async () => {
  const content = 'x'.repeat(500_000);
  await writeFile(at('a.bin'), content);
  const bodies: string[] = [];
  server.intercept = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.writeHead(bodies.length === 1 ? 503 : 201, { 'retry-after': '0' }).end();
    });
    return true;
  };
  const url = `${server.origin}/a.bin?signature=secret`;
  expect(await storage.upload(at('a.bin'), url, { headers: { 'x-key': 'k' } })).toBe(url);
  expect(bodies).toEqual([content, content]);
  expect(server.requests[1]).toMatchObject({
    method: 'PUT',
    headers: { 'content-length': '500000', 'x-key': 'k' },
  });
});

test('a server that refuses before it has read all is told, without secrets', async () => {
  await writeFile(at('a.bin'), Buffer.alloc(5_000_000));
  server.intercept = (_request, response) => {
    response.writeHead(403).end();
    return true;
  };
  await expect(
    storage.upload(at('a.bin'), `${server.origin}/a.bin?signature=secret`, { retries: 1 }),
  ).rejects.toMatchObject({ message: expect.not.stringContaining('secret') });
});

test('a server that reads nothing ends the upload', async () => {
  await writeFile(at('a.bin'), Buffer.alloc(20_000_000));
  server.intercept = () => true;
  await expect(
    storage.upload(at('a.bin'), `${server.origin}/a.bin`, { retries: 0, stallTimeout: 100 }),
  ).rejects.toMatchObject({
    code: 'storage-failed',
    message: `cannot write ${server.origin}/a.bin: nothing came for 0.1 s`,
  });
});

test('an empty file', async () => {
  await writeFile(at('empty'), '');
  server.intercept = (request, response) => {
    request.resume();
    response.writeHead(200).end();
    return true;
  };
  await storage.upload(at('empty'), `${server.origin}/empty`);
  expect(server.requests[0]!.headers['content-length']).toBe('0');
});

test.each([
  ['to an artifact', `artifact://sha256/${'a'.repeat(64)}`, 'named by its content'],
  ['of a folder by http', 'http://host.invalid/x', 'a folder cannot be uploaded'],
])('an upload %s is an error that says what to do', async (what, url, why) => {
  const path = what.includes('folder') ? await tree() : join(await tree(), 'b.txt');
  await expect(storage.upload(path, url)).rejects.toMatchObject({
    kind: 'usage',
    code: 'storage-upload',
    message: expect.stringContaining(why),
    help: expect.any(String),
  });
});

test('what is uploaded must be here', async () => {
  await expect(storage.upload(at('none'), at('copy'))).rejects.toMatchObject({ code: 'storage-missing' });
  await expect(storage.upload('http://host.invalid/a', at('copy'))).rejects.toMatchObject({ kind: 'usage' });
});

test('what can be listed: folders; an empty list where there is none', async () => {
  expect(await storage.list(at('none'))).toEqual([]);
  await expect(storage.list(join(await tree(), 'b.txt'))).rejects.toMatchObject({ code: 'storage-list' });
  await expect(storage.list(`${server.origin}/a`)).rejects.toThrow('http has no folders');
  await symlink(at('tree/b.txt'), at('tree/link'));
  await symlink(at('tree'), at('tree/circle'));
  expect((await storage.list(at('tree'))).map(({ path }) => path)).toEqual(['b.txt', 'deep/a.txt', 'link']);
});

test('size, age and type of a file on a server', async () => {
  const lastModified = 'Mon, 01 Jan 2024 00:00:00 GMT';
  const url = server.put('/a.csv', 'one', { lastModified, headers: { 'content-type': 'text/csv' } });
  expect(await storage.getMetadata(`${url}?signature=secret`)).toEqual({
    url: `${url}?…`,
    size: 3,
    modifiedAt: new Date(lastModified),
    etag: expect.any(String) as string,
    contentType: 'text/csv',
  });
  expect(server.methods).toEqual(['HEAD /a.csv?signature=secret']);
});

test('of a local file', async () => {
  const path = join(await tree(), 'b.txt');
  expect(await storage.getMetadata(path)).toEqual({
    url: path,
    size: 3,
    modifiedAt: (await stat(path)).mtime,
  });
  expect(await storage.exists(at('tree'))).toBe(true);
  expect(await storage.exists(at('none'))).toBe(false);
  await expect(storage.getMetadata(at('none'))).rejects.toMatchObject({ code: 'storage-missing' });
});

test('false means that there is nothing; a server that does not say is an error', async () => {
  expect(await storage.exists(`${server.origin}/none`)).toBe(false);
  expect(await storage.exists(server.put('/a', 'one'))).toBe(true);
  server.intercept = (_request, response) => {
    response.writeHead(500).end();
    return true;
  };
  await expect(storage.exists(`${server.origin}/a`, { retries: 0 })).rejects.toMatchObject({
    code: 'storage-failed',
  });
  server.intercept = (_request, response) => {
    response.writeHead(401).end();
    return true;
  };
  await expect(storage.exists(`${server.origin}/a`)).rejects.toMatchObject({ code: 'storage-denied' });
});

test('where HEAD is refused, GET tells', async () => {
  const url = server.put('/a', 'one');
  server.intercept = (request, response) => {
    if (request.method !== 'HEAD') return false;
    response.writeHead(405).end();
    return true;
  };
  expect(await storage.getMetadata(url)).toMatchObject({ size: 3 });
});
