import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { tarOf, zipOf } from './archive/hostile-archives.test-support.js';
import { StorageOperations } from './storage-operations.js';
import { breakAfter, etagOf, FileServer, scratchDirectory } from './storage-rig.test-support.js';

let server: FileServer;
let directory: string;
let remove: () => Promise<void>;
let storage: StorageOperations;

const noProject = async (): Promise<never> => Promise.reject(new Error('no project is needed'));

beforeAll(async () => {
  server = await FileServer.start();
});
afterAll(async () => server.stop());
beforeEach(async () => {
  ({ path: directory, remove } = await scratchDirectory());
  vi.stubEnv('RUN_PIPELINE_HOME', join(directory, 'home'));
  storage = new StorageOperations({ openProject: noProject });
  server.requests.length = 0;
  server.files.clear();
  server.intercept = undefined;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await remove();
});

const text = async (path: string): Promise<string> => readFile(path, 'utf8');
const cache = (...parts: string[]): string => join(directory, 'home/cache/storage', ...parts);

test('a file comes under its name, read-only, and into a home that git does not see', async () => {
  const path = await storage.getLocalCopy(server.put('/data/iris%20set.csv', 'a,b\n1,2\n'));
  expect(path.endsWith('/content/iris set.csv')).toBe(true);
  expect(await text(path)).toBe('a,b\n1,2\n');
  expect((await stat(path)).mode & 0o777).toBe(0o444);
  expect(await text(join(directory, 'home/.gitignore'))).toBe('*\n');
  expect(await readdir(cache('work'))).toEqual([]);
});

test('a copy is used when the server says that it is still the same', async () => {
  const url = server.put('/a.txt', 'one');
  const first = await storage.getLocalCopy(url);
  expect(await storage.getLocalCopy(url)).toBe(first);
  expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([
    undefined,
    etagOf(Buffer.from('one')),
  ]);
  const again = new StorageOperations({ openProject: noProject });
  expect(await again.getLocalCopy(url)).toBe(first);
});

test('content that changed is another path; the first one stays as it was', async () => {
  const url = server.put('/a.txt', 'one');
  const first = await storage.getLocalCopy(url);
  server.put('/a.txt', 'two');
  const second = await storage.getLocalCopy(url);
  expect([await text(first), await text(second)]).toEqual(['one', 'two']);
});

test('without an etag the date tells, unless it is too young to tell', async () => {
  const long = 'Mon, 01 Jan 2024 00:00:00 GMT';
  const url = server.put('/a.txt', 'one', { etag: undefined, lastModified: long });
  await storage.getLocalCopy(url);
  await storage.getLocalCopy(url);
  expect(server.requests[1]!.headers['if-modified-since']).toBe(long);
  const now = new Date().toUTCString();
  const young = server.put('/b.txt', 'one', { etag: undefined, lastModified: now });
  await storage.getLocalCopy(young);
  server.put('/b.txt', 'two', { etag: undefined, lastModified: now });
  expect(await text(await storage.getLocalCopy(young))).toBe('two');
  expect(server.requests.at(-1)!.headers).not.toHaveProperty('if-modified-since');
});

test('a server that tells nothing is asked for everything again', async () => {
  const url = server.put('/a.txt', 'one', { etag: undefined });
  const first = await storage.getLocalCopy(url);
  expect(await storage.getLocalCopy(url)).toBe(first);
  server.put('/a.txt', 'two', { etag: undefined });
  expect(await text(await storage.getLocalCopy(url))).toBe('two');
});

test('forceDownload does not ask whether it is the same; validate: false does not ask at all', async () => {
  const url = server.put('/a.txt', 'one');
  await storage.getLocalCopy(url);
  await storage.getLocalCopy(url, { forceDownload: true });
  expect(server.requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, undefined]);
  server.intercept = (_request, response) => {
    response.destroy();
    return true;
  };
  expect(await text(await storage.getLocalCopy(url, { validate: false }))).toBe('one');
  expect(server.requests).toHaveLength(2);
  const unknown = server.put('/b.txt', 'two');
  await expect(storage.getLocalCopy(unknown, { validate: false, retries: 0 })).rejects.toThrow('cannot read');
});

test('a copy that somebody changed is not used again', async () => {
  const url = server.put('/a.txt', 'one');
  const path = await storage.getLocalCopy(url);
  await rm(path);
  await writeFile(path, 'changed');
  expect(await text(await storage.getLocalCopy(url, { validate: false }))).toBe('one');
  await rm(path);
  expect(await text(await storage.getLocalCopy(url))).toBe('one');
});

test('callers at once download once', async () => {
  const url = server.put('/a.txt', 'one');
  const other = new StorageOperations({ openProject: noProject });
  const paths = await Promise.all([storage, storage, other].map(async (each) => each.getLocalCopy(url)));
  expect(new Set(paths).size).toBe(1);
  expect(server.methods).toEqual(['GET /a.txt']);
});

const LARGE = Buffer.alloc(300_000, 'run-pipeline ');

test('a connection that breaks is continued where it broke', async () => {
  const url = server.put('/a.bin', LARGE);
  server.intercept = (request, response) => {
    if (request.headers.range !== undefined) return false;
    breakAfter(100_000, LARGE, response);
    return true;
  };
  const path = await storage.getLocalCopy(url);
  expect((await readFile(path)).equals(LARGE)).toBe(true);
  const [first, second] = server.requests;
  expect(first!.headers.range).toBeUndefined();
  // How much of what was sent arrives before the end of the connection is the network's to say.
  const [, from] = /^bytes=(\d+)-$/.exec(second!.headers.range ?? '') ?? [];
  expect(Number(from)).toBeGreaterThan(0);
  expect(Number(from)).toBeLessThanOrEqual(100_000);
  expect(second!.headers['if-range']).toBe(etagOf(LARGE));
});

test('what changed meanwhile is begun anew, and never put together from two', async () => {
  const url = server.put('/a.bin', Buffer.alloc(200_000, 'new '));
  let broken = false;
  server.intercept = (_request, response) => {
    if (broken) return false;
    broken = true;
    breakAfter(100_000, LARGE, response);
    return true;
  };
  expect((await readFile(await storage.getLocalCopy(url))).equals(Buffer.alloc(200_000, 'new '))).toBe(true);
});

test('a server that continues with something else, or has less by now, is asked for the whole', async () => {
  for (const path of ['/liar.bin', '/shorter.bin']) {
    const url = server.put(path, 'the whole');
    let requests = 0;
    server.intercept = (_request, response) => {
      requests += 1;
      if (requests === 1) breakAfter(1000, LARGE, response);
      else if (requests === 2 && path === '/liar.bin') {
        response.writeHead(206, {
          'content-range': 'bytes 1000-1999/2000',
          'content-length': 1000,
          etag: '"other"',
        });
        response.end(LARGE.subarray(1000, 2000));
      } else if (requests === 2) response.writeHead(416).end();
      else return false;
      return true;
    };
    expect(await text(await storage.getLocalCopy(url))).toBe('the whole');
  }
});

test('without an etag to continue by, it begins anew', async () => {
  const url = server.put('/a.bin', LARGE, { etag: 'W/"weak"' });
  let broken = false;
  server.intercept = (_request, response) => {
    if (broken) return false;
    broken = true;
    response.writeHead(200, { 'content-length': LARGE.length, etag: 'W/"weak"' });
    response.write(LARGE.subarray(0, 100_000), () => response.socket?.end());
    return true;
  };
  expect((await readFile(await storage.getLocalCopy(url))).equals(LARGE)).toBe(true);
  expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
});

test('less than was announced is not taken', async () => {
  server.intercept = (_request, response) => {
    // Without keep-alive and with fewer bytes than announced, as proxies do it that give up.
    response.socket!.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhalf');
    response.socket!.end();
    return true;
  };
  await expect(storage.getLocalCopy(`${server.origin}/a.bin`, { retries: 1 })).rejects.toMatchObject({
    code: 'storage-failed',
    help: expect.stringContaining('tried several times'),
  });
  // Whatever of the half was read when the connection broke: who gets further may fail once more.
  expect(server.requests.length).toBeOneOf([2, 3]);
  expect(await readdir(cache('work'))).toEqual([]);
});

test('a server that is busy is asked again, when it says so; one that refuses is not', async () => {
  const url = server.put('/a.txt', 'one');
  let answers = 0;
  server.intercept = (_request, response) => {
    answers += 1;
    if (answers > 2) return false;
    response.writeHead(answers === 1 ? 503 : 429, { 'retry-after': '0' }).end();
    return true;
  };
  expect(await text(await storage.getLocalCopy(url))).toBe('one');
  server.requests.length = 0;
  server.intercept = (_request, response) => {
    response.writeHead(403).end();
    return true;
  };
  await expect(storage.getLocalCopy(url)).rejects.toMatchObject({
    code: 'storage-denied',
    message: `cannot read ${url}: the server answers 403 Forbidden`,
  });
  await expect(storage.getLocalCopy(`${server.origin}/none?token=secret`)).rejects.toMatchObject({
    code: 'storage-denied',
    message: expect.not.stringContaining('secret'),
  });
  expect(server.requests).toHaveLength(2);
});

test('what is not there is told as such', async () => {
  const url = `${server.origin}/none.csv`;
  await expect(storage.getLocalCopy(url)).rejects.toMatchObject({
    kind: 'artifact',
    code: 'storage-missing',
    message: `${url} does not exist (the server answers 404 Not Found)`,
  });
});

test('a connection that stalls ends, before the answer and within', async () => {
  server.intercept = (request, response) => {
    if (request.url === '/within') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('a');
    }
    return true;
  };
  for (const path of ['/before', '/within']) {
    await expect(
      storage.getLocalCopy(server.origin + path, { stallTimeout: 50, retries: 1 }),
    ).rejects.toMatchObject({ message: `cannot read ${server.origin}${path}: nothing came for 0.05 s` });
  }
  expect(server.requests).toHaveLength(4);
});

test('an abort ends it at once, with its reason, also while it waits for another caller', async () => {
  const controller = new AbortController();
  server.intercept = () => {
    controller.abort(new Error('stopped'));
    return true;
  };
  const url = `${server.origin}/a.txt`;
  const ending = new AbortController();
  const first = storage.getLocalCopy(url, { signal: ending.signal });
  await expect(storage.getLocalCopy(`${url}?b`, { signal: controller.signal })).rejects.toThrow('stopped');
  await expect(storage.getLocalCopy(url, { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow(
    'never',
  );
  const waiting = new AbortController();
  const second = storage.getLocalCopy(url, { signal: waiting.signal });
  waiting.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  ending.abort(new Error('all of it'));
  await expect(first).rejects.toThrow('all of it');
});

test('redirections are followed, and told by where they began', async () => {
  const other = await FileServer.start();
  try {
    other.put('/deep/real.csv', 'one');
    server.intercept = (request, response) => {
      const location = request.url === '/a' ? '/b?x=1' : `${other.origin}/deep/real.csv`;
      response.writeHead(request.url === '/a' ? 302 : 307, { location }).end();
      return true;
    };
    const url = `${server.origin.replace('//', '//user:secret@')}/a`;
    const path = await storage.getLocalCopy(url, { headers: { 'x-api-key': 'key' } });
    expect(await text(path)).toBe('one');
    const basic = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
    expect(server.requests.map(({ headers }) => headers['x-api-key'])).toEqual(['key', 'key']);
    expect(other.requests[0]!.headers).not.toHaveProperty('authorization');
    expect(other.requests[0]!.headers).not.toHaveProperty('x-api-key');
  } finally {
    await other.stop();
  }
});

test.each([
  ['in a circle', '/a', 'more than 10 times'],
  ['to a file', 'file:///etc/passwd', 'redirected to file:'],
  ['to nothing', 'http://', 'no URL'],
])('a redirection %s is refused', async (_where, location, why) => {
  server.intercept = (_request, response) => {
    response.writeHead(301, { location }).end();
    return true;
  };
  await expect(storage.getLocalCopy(`${server.origin}/a`)).rejects.toMatchObject({
    code: 'storage-redirect',
    message: expect.stringContaining(why),
  });
});

test('nothing that opens an address is kept', async () => {
  const url = server.put('/a.txt', 'one');
  await storage.getLocalCopy(`${url.replace('//', '//user:s3cr3t@')}?signature=s1gn3d`, {
    headers: { authorization: 'Bearer t0k3n' },
  });
  const kept: string[] = [];
  for (const entry of await readdir(cache(), { recursive: true, withFileTypes: true })) {
    kept.push(entry.name);
    if (entry.isFile()) kept.push(await text(join(entry.parentPath, entry.name)));
  }
  expect(kept.join('\n')).toContain('one');
  expect(kept.join('\n')).not.toMatch(/s3cr3t|s1gn3d|t0k3n/);
});

test('what travels encoded is decoded', async () => {
  const url = server.put('/a.csv', gzipSync('one'), { headers: { 'content-encoding': 'gzip' } });
  expect(await text(await storage.getLocalCopy(url))).toBe('one');
  const broken = server.put('/b.csv', 'no gzip', { headers: { 'content-encoding': 'gzip' } });
  await expect(storage.getLocalCopy(broken)).rejects.toMatchObject({ code: 'storage-failed' });
});

test.each([
  ['attachment; filename="data set.csv"', 'data set.csv'],
  ["attachment; filename=x; filename*=UTF-8''na%C3%AFve.csv", 'naïve.csv'],
  ['attachment; filename="../../etc/passwd"', 'passwd'],
  ['attachment; filename=".."', 'get'],
])('the server may name the file: %j', async (disposition, name) => {
  const url = server.put('/get', 'one', { headers: { 'content-disposition': disposition } });
  const path = await storage.getLocalCopy(url);
  expect(path.split('/').at(-1)).toBe(name);
});

test('an address without a file’s name', async () => {
  const path = await storage.getLocalCopy(server.put('/', 'one'));
  expect(path.endsWith('/download')).toBe(true);
  const odd = await storage.getLocalCopy(server.put('/a/%2e%2e%2f', 'two'));
  expect(odd.endsWith('/download')).toBe(true);
});

test('archives are extracted, once; the archive itself is to be had as well', async () => {
  const bytes = zipOf([{ name: 'deep/a.txt', content: 'one' }]);
  const url = server.put('/data.zip', bytes);
  const path = await storage.getLocalCopy(url);
  expect(path.endsWith('/content/data')).toBe(true);
  expect(await text(join(path, 'deep/a.txt'))).toBe('one');
  expect(await storage.getLocalCopy(url)).toBe(path);
  const archive = await storage.getLocalCopy(url, { extractArchive: false });
  expect((await readFile(archive)).equals(bytes)).toBe(true);
  expect(server.requests.filter(({ headers }) => headers['if-none-match'] === undefined)).toHaveLength(1);
});

test('an archive that is refused is not kept from being mended', async () => {
  const url = server.put('/data.tar', tarOf([{ name: '../out', content: 'x' }]));
  await expect(storage.getLocalCopy(url)).rejects.toMatchObject({ code: 'archive-refused' });
  await expect(storage.getLocalCopy(url)).rejects.toMatchObject({ code: 'archive-refused' });
  server.put('/data.tar', tarOf([{ name: 'in', content: 'x' }]));
  expect(await text(join(await storage.getLocalCopy(url), 'in'))).toBe('x');
  expect(await readdir(cache('work'))).toEqual([]);
});

test('what an archive may become can be bounded', async () => {
  const url = server.put('/data.zip', zipOf([{ name: 'a', content: 'x'.repeat(2000) }, { name: 'b' }]));
  await expect(storage.getLocalCopy(url, { maxExtractedBytes: 1000 })).rejects.toThrow(
    'more than 1000 bytes',
  );
  await expect(storage.getLocalCopy(url, { maxExtractedEntries: 1 })).rejects.toThrow('more than 1 files');
});

test('the cache has a bound; what this program was given stays', async () => {
  vi.stubEnv('RUN_PIPELINE_STORAGE_CACHE_SIZE', '2.5 KB');
  const small = new StorageOperations({ openProject: noProject });
  const urls = ['/1', '/2', '/3'].map((path) => server.put(path, Buffer.alloc(1000, path)));
  const paths = [];
  for (const url of urls) paths.push(await small.getLocalCopy(url));
  expect((await Promise.all(paths.map(async (path) => stat(path)))).map(({ size }) => size)).toEqual([
    1000, 1000, 1000,
  ]);
  expect(await readdir(cache('entries'))).toHaveLength(3);
});

test('a wrong option, or a wrong size of the cache, is an error', async () => {
  await expect(storage.getLocalCopy('/a', { extractArchives: true } as never)).rejects.toMatchObject({
    kind: 'usage',
    message: 'StorageManager.getLocalCopy: there is no option `extractArchives`',
  });
  await expect(storage.getLocalCopy('/a', { retries: -1 })).rejects.toThrow('a whole number from 0 on');
  vi.stubEnv('RUN_PIPELINE_STORAGE_CACHE_SIZE', 'much');
  const other = new StorageOperations({ openProject: noProject });
  await expect(other.getLocalCopy(server.put('/a', 'x'))).rejects.toMatchObject({
    code: 'storage-cache-size',
  });
});

test('files of this machine are their own copies; their archives are extracted by content', async () => {
  const file = join(directory, 'a.csv');
  await writeFile(file, 'one');
  expect(await storage.getLocalCopy(file)).toBe(file);
  await mkdir(join(directory, 'folder.zip'));
  expect(await storage.getLocalCopy(join(directory, 'folder.zip'))).toBe(join(directory, 'folder.zip'));
  await expect(readdir(join(directory, 'home'))).rejects.toThrow('ENOENT');
  const archive = join(directory, 'b.tar');
  await writeFile(archive, tarOf([{ name: 'a', content: 'one' }]));
  const first = await storage.getLocalCopy(archive);
  expect(await text(join(first, 'a'))).toBe('one');
  // The same size, in the same moment: only the content tells.
  await writeFile(archive, tarOf([{ name: 'a', content: 'two' }]));
  const second = await storage.getLocalCopy(archive);
  expect(await text(join(second, 'a'))).toBe('two');
  expect(await text(join(first, 'a'))).toBe('one');
  await expect(storage.getLocalCopy(join(directory, 'none'))).rejects.toMatchObject({
    code: 'storage-missing',
  });
});
