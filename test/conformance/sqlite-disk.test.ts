import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../packages/runtime/src/store/index.js';
import { bundleScript, runProcess } from './store/child-process.js';

let bundle: Awaited<ReturnType<typeof bundleScript>>;
beforeAll(async () => {
  bundle = await bundleScript('./sqlite-disk-child.ts');
});
afterAll(() => bundle.remove());
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'run-pipeline-disk-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

// A file system of 2 MB in a mount namespace of its own, where the kernel lets us have one.
const small = 'mount -t tmpfs -o size=2m tmpfs "$1" && shift && exec "$@"';
const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', small, 'sh', tmpdir(), 'true']).status === 0;

test.skipIf(!canMount)(
  'on a full disk a commit fails with that reason, nothing is lost, and it goes on',
  async () => {
    const file = join(directory, 'state.db');
    const command = [process.execPath, bundle.script, 'fill', file] as const;
    const end = await runProcess(['unshare', '-rm', 'sh', '-c', small, 'sh', directory, ...command]);
    expect(end.stderr).toBe('');
    expect(JSON.parse(end.stdout)).toEqual({
      failure: 'store/disk-full',
      whileFull: true,
      after: { ok: true },
      dense: true,
      kept: true,
    });
  },
);

test('a directory that cannot be written is told as read-only', async () => {
  const closed = join(directory, 'closed');
  await mkdir(closed);
  await (await openSqliteStore({ file: join(closed, 'state.db') })).close();
  await chmod(directory, 0o555);
  await chmod(closed, 0o555);
  try {
    for (const file of [join(closed, 'state.db'), join(directory, 'new', 'state.db')]) {
      const end = await runProcess([process.execPath, bundle.script, 'open', file]);
      expect(`${end.stdout}${end.stderr}`).toBe('"store/read-only"\n');
    }
  } finally {
    await chmod(closed, 0o755);
    await chmod(directory, 0o755);
  }
});

test('killed while it is made, a store is made by whoever comes next', async () => {
  const file = join(directory, 'state.db');
  const command = [process.execPath, bundle.script, 'create', file] as const;
  const end = await runProcess(command, { env: { RUN_PIPELINE_CRASH_AT: 'migrating' } });
  expect(end).toMatchObject({ signal: 'SIGKILL', stdout: '' });
  const store = await openSqliteStore({ file });
  expect(await store.findRuns({})).toEqual([]);
  await store.close();
});
