import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digest, taskId } from '@run-pipeline/core/model';
import { directoryBlobs } from '../artifacts/index.js';
import { setProjectRelay, type Project } from '../project/index.js';
import { projectService } from './attempt/project-service.js';
import { openProject, openProjectAt } from './open-project.js';

/** A project whose bytes are in one directory, while tasks read and write another one: as with S3. */
let directory: string;
let supervised: Project;
let inTask: Project;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'run-pipeline-relayed-'));
  const opened = await openProject({ cwd: directory, env: { RUN_PIPELINE_HOME: join(directory, 'home') } });
  const cache = join(directory, 'cache');
  const far = directoryBlobs(join(directory, 'far'));
  const near = directoryBlobs(cache);
  supervised = {
    ...opened,
    relayed: true,
    blobsDirectory: cache,
    blobs: {
      put: (source) => far.put(source),
      async adopt(hashes) {
        for (const hash of hashes) await far.put({ path: near.path(hash) });
      },
      hold: (hashes) => far.hold(hashes),
      stat: (hash) => far.stat(hash),
      read: (hash) => far.read(hash),
      delete: (hash) => far.delete(hash),
      list: () => far.list(),
      sweep: (olderThanMs) => far.sweep(olderThanMs),
      async localPath(hash) {
        const found = await far.read(hash);
        if (!found.ok) return found;
        await near.put(found.bytes);
        return near.localPath(hash);
      },
    },
  };
  setProjectRelay(projectService(supervised));
  const { cwd, root, home } = supervised;
  inTask = await openProjectAt({ cwd, root, home, relay: { blobsDirectory: cache } }, {});
});
afterEach(async () => {
  setProjectRelay(undefined);
  await supervised.close();
  rmSync(directory, { recursive: true, force: true });
});

test('a task reads and makes tasks in the store of its supervisor', async () => {
  const made = await inTask.store.createTask({
    id: taskId('t1'),
    project: 'p',
    name: 'n',
    type: 'custom',
    edit: {},
  });
  expect(made).toMatchObject({ id: 't1', status: 'created' });
  expect(await supervised.store.readTask(taskId('t1'))).toEqual(made);
  expect(await inTask.store.findTasks({ project: 'p' })).toEqual([made]);
});

test('bytes that are elsewhere are brought here and verified; what is nowhere is missing', async () => {
  const { hash } = await supervised.blobs.put(Buffer.from('far away'));
  expect(await inTask.blobs.stat(hash)).toMatchObject({ size: 8 });
  const read = await inTask.blobs.read(hash);
  expect(read.ok && Buffer.from(read.bytes).toString()).toBe('far away');
  expect(await inTask.blobs.localPath(hash)).toMatchObject({ ok: true });
  const nowhere = digest(`sha256:${'0'.repeat(64)}`);
  expect(await inTask.blobs.read(nowhere)).toMatchObject({ ok: false, reason: 'missing' });
});

test('what a task wrote here is there for others once it is adopted', async () => {
  const { hash } = await inTask.blobs.put(Buffer.from('made here'));
  expect(await supervised.blobs.stat(hash)).toBeUndefined();
  await inTask.blobs.adopt([hash]);
  expect(await supervised.blobs.stat(hash)).toMatchObject({ size: 9 });
});

test.each([
  'commit',
  'finishTask',
  'claimTask',
  'claimQueued',
  'collect',
  'secretKey',
  'putRunDocument',
  'constructor',
  '__proto__',
  'toString',
])('a task cannot call %s', async (method) => {
  const call = (inTask.store as unknown as Record<string, unknown>)[method];
  const asked = projectService(supervised)!.call({ of: 'store', method, args: [] });
  await expect(asked).rejects.toMatchObject({ code: 'not-from-a-task' });
  if (typeof call === 'function' && !Object.hasOwn(Object.prototype, method))
    await expect((call as () => Promise<unknown>)()).rejects.toMatchObject({ code: 'not-from-a-task' });
});

test.each([
  ['blobs', 'put'],
  ['blobs', 'delete'],
  ['blobs', 'list'],
  ['packages', 'write'],
  ['packages', 'delete'],
] as const)('nor %s.%s', async (of, method) => {
  await expect(projectService(supervised)!.call({ of, method, args: [] })).rejects.toMatchObject({
    code: 'not-from-a-task',
  });
});

test('outside of a supervised process the project is not another one, but an error', async () => {
  setProjectRelay(undefined);
  const { cwd, root, home } = supervised;
  await expect(
    openProjectAt({ cwd, root, home, relay: { blobsDirectory: directory } }, {}),
  ).rejects.toMatchObject({
    code: 'no-supervisor',
  });
});
