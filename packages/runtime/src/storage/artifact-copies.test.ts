import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { file, directory as directoryOf } from '@run-pipeline/core/define';
import { taskId } from '@run-pipeline/core/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeValue } from '../artifacts/index.js';
import { openProject, openProjectAt } from '../engine/open-project.js';
import type { Project } from '../project/project.js';
import { processIdentity } from '../project/process-identity.js';
import { zipOf } from './archive/hostile-archives.test-support.js';
import { StorageOperations } from './storage-operations.js';
import { scratchDirectory } from './storage-rig.test-support.js';

let directory: string;
let remove: () => Promise<void>;
let project: Project;
let storage: StorageOperations;
let fence: number;

const TASK = taskId('made-by-hand');

beforeEach(async () => {
  ({ path: directory, remove } = await scratchDirectory());
  const home = join(directory, 'home');
  vi.stubEnv('RUN_PIPELINE_HOME', home);
  project = await openProject({ cwd: directory, env: { RUN_PIPELINE_HOME: home } });
  storage = new StorageOperations({ openProject: async (paths) => openProjectAt(paths, process.env) });
  fence = await begin();
});
afterEach(async () => {
  await project.close();
  vi.unstubAllEnvs();
  await remove();
});

/** A task of its own that runs: what it uploads is in the store as it comes. */
async function begin(): Promise<number> {
  await project.store.createTask({
    id: TASK,
    project: 'examples',
    name: 'stage',
    type: 'training',
    edit: {},
  });
  const job = { task: TASK, kind: 'task', queue: 'default', priority: 0 } as const;
  const enqueued = await project.store.enqueueTask(job);
  if (!enqueued.ok) throw new Error('it cannot be enqueued');
  const claimed = await project.store.claimQueued({
    task: TASK,
    attempt: enqueued.attempt,
    executor: processIdentity(),
    agent: undefined,
    leaseMs: 60_000,
  });
  if (!claimed.ok) throw new Error('it cannot be claimed');
  return claimed.fence;
}

/** Its url. */
async function upload(name: string, value: unknown): Promise<string> {
  const artifact = await encodeValue(value, { name, blobs: project.blobs, now: new Date(), cwd: directory });
  await project.store.appendTaskOutput({
    task: TASK,
    fence,
    entries: [{ kind: 'artifact', artifact }],
    values: [],
  });
  return artifact.record.url;
}

test.each([
  ['small, in the store', 10],
  ['large, in the blob store', 100_000],
])('a file, %s, comes under its name', async (_where, size) => {
  const content = 'x'.repeat(size);
  await writeFile(join(directory, 'iris set.csv'), content);
  const url = await upload('dataset', file('iris set.csv'));
  const path = await storage.getLocalCopy(url);
  expect(path.endsWith('/content/iris set.csv')).toBe(true);
  expect(await readFile(path, 'utf8')).toBe(content);
  expect(await storage.getLocalCopy(url)).toBe(path);
  expect(await storage.getMetadata(url)).toEqual({ url, size });
});

test.each([
  ['small', 10],
  ['large', 100_000],
])('a %s directory comes as one', async (_how, size) => {
  await mkdir(join(directory, 'tree/deep'), { recursive: true });
  await writeFile(join(directory, 'tree/deep/a.txt'), 'x'.repeat(size));
  const path = await storage.getLocalCopy(await upload('tree', directoryOf('tree')));
  expect(path.endsWith('/content/tree')).toBe(true);
  expect(await readdir(join(path, '..'))).toEqual(['tree']);
  expect(await readFile(join(path, 'deep/a.txt'), 'utf8')).toBe('x'.repeat(size));
});

test('an archive that was uploaded is extracted', async () => {
  await writeFile(join(directory, 'data.zip'), zipOf([{ name: 'a.txt', content: 'one' }]));
  const url = await upload('data', file('data.zip'));
  expect(await readFile(join(await storage.getLocalCopy(url), 'a.txt'), 'utf8')).toBe('one');
  expect((await storage.getLocalCopy(url, { extractArchive: false })).endsWith('/data.zip')).toBe(true);
});

test('a value comes as its encoded bytes, named after the artifact', async () => {
  const path = await storage.getLocalCopy(await upload('rows', [{ a: 1 }]));
  expect(path.endsWith('/content/rows.json')).toBe(true);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ json: [{ a: 1 }] });
  const script = join(directory, 'run.sh');
  await writeFile(script, '#!/bin/sh', { mode: 0o755 });
  const executable = await storage.getLocalCopy(await upload('script', file(script)));
  expect((await stat(executable)).mode & 0o777).toBe(0o555);
});

test('content that no run here has is an error that says where it was looked for', async () => {
  const url = `artifact://sha256/${'a'.repeat(64)}`;
  await expect(storage.getLocalCopy(url)).rejects.toMatchObject({
    code: 'storage-missing',
    message: expect.stringContaining(join(directory, 'home')),
  });
  expect(await storage.exists(url)).toBe(false);
  expect(await storage.exists(await upload('x', 'here'))).toBe(true);
});

test('a damaged blob is never handed out', async () => {
  await writeFile(join(directory, 'a.bin'), 'x'.repeat(100_000));
  const url = await upload('data', file('a.bin'));
  const hex = url.slice(-64);
  const blob = join(project.blobsDirectory, hex.slice(0, 2), hex);
  await writeFile(blob, `y${'x'.repeat(99_999)}`);
  await expect(storage.getLocalCopy(url)).rejects.toMatchObject({ code: 'artifact-damaged' });
});

test('who changes a copy changes nobody else’s', async () => {
  await writeFile(join(directory, 'a.bin'), 'x'.repeat(100_000));
  const url = await upload('data', file('a.bin'));
  const path = await storage.getLocalCopy(url);
  await writeFile(path, 'changed').catch(() => undefined);
  expect((await project.blobs.read(`sha256:${url.slice(-64)}` as never)).ok).toBe(true);
  expect(await readFile(await storage.getLocalCopy(url), 'utf8')).toBe('x'.repeat(100_000));
});
