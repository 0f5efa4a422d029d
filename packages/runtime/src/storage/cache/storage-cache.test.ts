import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { digest } from '@run-pipeline/core/model';
import { processIdentity } from '../../project/process-identity.js';
import { collectStorage } from '../collect-storage.js';
import { scratchDirectory } from '../storage-rig.test-support.js';
import { isPinned, pin } from './pins.js';
import { entryId, listEntries, StorageCache } from './storage-cache.js';

const DAY = 24 * 60 * 60 * 1000;

let directory: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ path: directory, remove } = await scratchDirectory());
});
afterEach(async () => remove());

const cacheOf = (limit = 1e9): StorageCache => new StorageCache({ directory, limit });
const entry = (id: string): string => join(directory, 'entries', id);

async function add(cache: StorageCache, id: string, size = 10, task?: string): Promise<string> {
  return cache.add({ id, name: 'a.txt', task, build: async (path) => writeFile(path, 'x'.repeat(size)) });
}

/** As if another process had made it and ended. */
async function unpin(id: string, usedAt = 0): Promise<void> {
  await rm(join(entry(id), 'pins'), { recursive: true, force: true });
  if (usedAt > 0) await utimes(join(entry(id), 'entry.json'), usedAt, usedAt);
}

const ids = async (): Promise<string[]> => (await readdir(join(directory, 'entries'))).sort();

async function processThatEnds(): Promise<{ identity: ProcessIdentity; end: () => Promise<void> }> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  return {
    identity: processIdentity(child.pid!),
    end: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('the longest unused go first, until the rest has room', async () => {
  const cache = cacheOf(2500);
  for (const id of ['one', 'two']) await add(cache, id, 1000);
  await unpin('one', 2000);
  await unpin('two', 1000);
  await add(cache, 'three', 1000);
  expect(await ids()).toEqual(['one', 'three']);
  expect(await readdir(join(directory, 'work'))).toEqual([]);
});

test('a use counts as one', async () => {
  const cache = cacheOf(2500);
  for (const id of ['one', 'two']) await add(cache, id, 1000);
  await unpin('one', 1000);
  await unpin('two', 2000);
  expect(await cache.use('one', undefined)).toBe(join(entry('one'), 'content/a.txt'));
  await unpin('one');
  await add(cache, 'three', 1000);
  expect(await ids()).toEqual(['one', 'three']);
});

test('what a living process was given is not removed; it is when that has died', async () => {
  const cache = cacheOf(1500);
  const other = await processThatEnds();
  await add(cache, 'theirs', 1000);
  await unpin('theirs', 1000);
  await pin(entry('theirs'), { process: other.identity, task: undefined });
  await add(cache, 'ours', 1000);
  expect(await ids()).toEqual(['ours', 'theirs']);
  await other.end();
  expect(await isPinned(entry('theirs'))).toBe(false);
  await add(cache, 'more', 1000);
  expect(await ids()).toEqual(['more', 'ours']);
});

test('what a task was given may go when its process runs another one', async () => {
  const cache = cacheOf();
  await add(cache, 'one', 10, 'run.a 1');
  await add(cache, 'program', 10);
  await cache.releaseOthers('run.a 1');
  expect(await isPinned(entry('one'))).toBe(true);
  await cache.releaseOthers('run.b 1');
  expect(await isPinned(entry('one'))).toBe(false);
  expect(await isPinned(entry('program'))).toBe(true);
});

test('a process of another machine is taken to live for a day', async () => {
  await add(cacheOf(), 'one');
  await unpin('one');
  const elsewhere = { ...processIdentity(), host: 'elsewhere' };
  const path = await pin(entry('one'), { process: elsewhere, task: undefined });
  expect(await isPinned(entry('one'))).toBe(true);
  const then = (Date.now() - 2 * DAY) / 1000;
  await utimes(path, then, then);
  expect(await isPinned(entry('one'))).toBe(false);
});

test.each([
  ['longer', async (path: string) => writeFile(path, 'changed and longer')],
  ['the same length, later', async (path: string) => writeFile(path, 'y'.repeat(10))],
  ['gone', async (path: string) => rm(path)],
  ['a directory', async (path: string) => rm(path).then(async () => mkdir(path))],
])('an entry whose file is %s is none', async (_how, change) => {
  const cache = cacheOf();
  const path = await add(cache, 'one');
  const then = Date.now() / 1000 - 60;
  await utimes(path, then, then);
  await rm(entry('one'), { recursive: true });
  const again = await add(cache, 'one');
  await change(again);
  expect(await cache.use('one', undefined)).toBeUndefined();
  expect(await ids()).toEqual([]);
  expect(await readFile(await add(cache, 'one'), 'utf8')).toBe('x'.repeat(10));
});

test('a file that is added to a directory is noticed', async () => {
  const cache = cacheOf();
  const build = async (path: string): Promise<void> => {
    await mkdir(join(path, 'deep'), { recursive: true });
    await writeFile(join(path, 'deep/a'), 'a');
  };
  const path = await cache.add({ id: 'tree', name: 'tree', task: undefined, build });
  expect(await cache.use('tree', undefined)).toBe(path);
  await writeFile(join(path, 'deep/b'), 'b');
  expect(await cache.use('tree', undefined)).toBeUndefined();
});

test('what fails while it is made leaves nothing', async () => {
  const cache = cacheOf();
  const build = async (path: string): Promise<void> => {
    await writeFile(path, 'half');
    throw new Error('no more');
  };
  await expect(cache.add({ id: 'one', name: 'a', task: undefined, build })).rejects.toThrow('no more');
  expect(await readdir(join(directory, 'work'))).toEqual([]);
  expect(await cache.use('one', undefined)).toBeUndefined();
});

test('many at once, of several processes: what was given out is there', async () => {
  const caches = [cacheOf(3500), cacheOf(3500), cacheOf(3500)];
  const paths = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => add(caches[at % 3]!, `e${at % 6}`, 1000)),
  );
  for (const path of paths) expect((await stat(path)).size).toBe(1000);
});

test('gc removes what has long not been used, and what died in the making', async () => {
  const cache = cacheOf();
  await add(cache, 'old', 1000);
  await add(cache, 'used', 1000);
  await unpin('old', (Date.now() - 31 * DAY) / 1000);
  await unpin('used', (Date.now() - 29 * DAY) / 1000);
  await mkdir(join(directory, 'work/dead'), { recursive: true });
  const then = (Date.now() - DAY) / 1000;
  await utimes(join(directory, 'work/dead'), then, then);
  await mkdir(join(directory, 'work/young'));
  await writeFile(join(directory, 'locks/.lock-released-1'), '{}');
  await writeFile(join(directory, 'locks/.lock-held-1'), JSON.stringify({ holder: processIdentity() }));
  for (const name of ['released', 'held']) await utimes(join(directory, `locks/.lock-${name}-1`), then, then);
  const options = { directory, graceMs: 3_600_000 };
  const expected = { copies: 1, bytes: 1000, leftovers: 1 };
  expect(await collectStorage({ ...options, dryRun: true })).toEqual(expected);
  expect(await listEntries(directory)).toHaveLength(2);
  expect(await collectStorage({ ...options, dryRun: false })).toEqual(expected);
  expect(await ids()).toEqual(['used']);
  expect(await readdir(join(directory, 'work'))).toEqual(['young']);
  const locks = await readdir(join(directory, 'locks'));
  expect(locks).toContain('.lock-held-1');
  expect(locks).not.toContain('.lock-released-1');
  expect(await collectStorage({ ...options, directory: join(directory, 'none'), dryRun: false })).toEqual({
    copies: 0,
    bytes: 0,
    leftovers: 0,
  });
});

test('an id says content, form and name', () => {
  const hash = digest(`sha256:${'a'.repeat(64)}`);
  const all = [
    entryId('file', hash, 'a'),
    entryId('file', hash, 'b'),
    entryId('extracted', hash, 'a'),
    entryId('file', digest(`sha256:${'b'.repeat(64)}`), 'a'),
  ];
  expect(new Set(all).size).toBe(4);
  expect(entryId('file', hash, '../../x')).not.toContain('/');
});
