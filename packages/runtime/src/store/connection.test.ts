import { runId } from '@run-pipeline/core/model';
import type { NewRun } from '@run-pipeline/core/ports';
import Database from 'libsql';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { APPLICATION_ID, MIGRATIONS } from './schema.js';
import { openSqliteStore } from './sqlite-store.js';

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) {
    await chmod(directory, 0o755);
    await rm(directory, { recursive: true, force: true });
  }
});
async function storeFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-sqlite-'));
  directories.push(directory);
  return join(directory, 'state.db');
}
const newRun = (id: string): NewRun => ({
  id: runId(id),
  pipeline: 'p',
  project: 'x',
  version: undefined,
  owner: { host: 'h', bootId: 'b', pid: 1, startTime: '1' },
  leaseMs: 1000,
  source: 's',
});
const change = (file: string, sql: string): void => {
  const db = new Database(file);
  db.exec(sql);
  db.close();
};

test('a store is made with its directories and opens again with what it had', async () => {
  const file = join(await storeFile(), '..', 'a b', '100%?#', 'state.db');
  const store = await openSqliteStore({ file });
  await store.createRun(newRun('r1'));
  await store.close();
  const reader = await openSqliteStore({ file, readonly: true });
  expect((await reader.findRuns({})).map(({ id }) => id)).toEqual(['r1']);
  await reader.close();
});

test('many that open a new store at once all get it', async () => {
  const file = await storeFile();
  const stores = await Promise.all(Array.from({ length: 8 }, () => openSqliteStore({ file })));
  const runs = await Promise.all(stores.map((store, index) => store.createRun(newRun(`r${index}`))));
  expect(runs.map(({ number }) => number).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await Promise.all(stores.map((store) => store.close()));
});

test('readers and a writer do not wait for each other: the journal is a write-ahead log', async () => {
  const file = await storeFile();
  await (await openSqliteStore({ file })).close();
  const db = new Database(file);
  expect(db.pragma('journal_mode')).toMatchObject([{ journal_mode: 'wal' }]);
  db.close();
});

test('a store of a newer version is left alone and says what to do', async () => {
  const file = await storeFile();
  await (await openSqliteStore({ file })).close();
  change(file, 'PRAGMA user_version = 999');
  for (const readonly of [false, true]) {
    await expect(openSqliteStore({ file, readonly })).rejects.toMatchObject({
      kind: 'store',
      code: 'store-newer',
      message: expect.stringContaining('999'),
      help: expect.stringContaining('npm install'),
    });
  }
  change(file, `PRAGMA user_version = ${MIGRATIONS.length}`);
  await (await openSqliteStore({ file })).close();
});

test('a store of the first version is brought up to date with all that waits in it', async () => {
  const file = await storeFile();
  const [first] = MIGRATIONS;
  change(file, `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1; ${first}`);
  change(
    file,
    `INSERT INTO tasks (id, attempt, fence, epoch, status, lease_until, kind, queue, priority, place, queued_at)
     VALUES ('t1', 1, 0, 0, 'queued', 0, 'task', 'default', 0, 1, 0), ('t2', 1, 0, 0, 'queued', 0, 'task', 'default', 2, 2, 0)`,
  );
  await expect(openSqliteStore({ file, readonly: true })).rejects.toMatchObject({ code: 'store-older' });
  const store = await openSqliteStore({ file });
  expect((await store.listQueued('default')).map(({ task, resources }) => [task, resources])).toEqual([
    ['t2', {}],
    ['t1', {}],
  ]);
  expect((await store.nextQueued({ queues: ['default'], order: 'given' })).job?.task).toBe('t2');
  await store.close();
});

test('a SQLite database of another program is left alone', async () => {
  const file = await storeFile();
  change(file, 'CREATE TABLE mine (a)');
  const before = await readFile(file);
  await expect(openSqliteStore({ file })).rejects.toMatchObject({ kind: 'store', code: 'store-foreign' });
  expect(before.equals(await readFile(file))).toBe(true);
});

test('a damaged file is told as that and not changed', async () => {
  const file = await storeFile();
  const garbage = Buffer.from('not a database at all '.repeat(500));
  await writeFile(file, garbage);
  await expect(openSqliteStore({ file })).rejects.toMatchObject({ kind: 'store', code: 'store-damaged' });
  expect((await readFile(file)).equals(garbage)).toBe(true);
});

test('damage inside the file is told when it is met', async () => {
  const file = await storeFile();
  const store = await openSqliteStore({ file });
  await Promise.all(Array.from({ length: 200 }, (_, index) => store.createRun(newRun(`run-${index}`))));
  await store.close();
  change(file, 'PRAGMA wal_checkpoint(TRUNCATE)');
  const content = await readFile(file);
  await writeFile(file, content.fill(0x5a, 4096));
  await Promise.all(['-wal', '-shm'].map((end) => rm(file + end, { force: true })));
  const use = async (): Promise<unknown> => {
    const damaged = await openSqliteStore({ file });
    return damaged.findRuns({}).finally(() => damaged.close());
  };
  await expect(use()).rejects.toMatchObject({ kind: 'store', code: 'store-damaged' });
});

test('a path that cannot be a store says so', async () => {
  const file = await storeFile();
  await writeFile(file, '');
  await expect(openSqliteStore({ file: join(file, 'below-a-file', 'state.db') })).rejects.toMatchObject({
    kind: 'store',
    code: 'store-unreachable',
  });
  const directory = join(file, '..', 'directory');
  await mkdir(directory);
  await expect(openSqliteStore({ file: directory })).rejects.toMatchObject({
    kind: 'store',
    code: 'store-unreachable',
  });
  await expect(openSqliteStore({ file: join(directory, 'none.db'), readonly: true })).rejects.toMatchObject({
    kind: 'store',
    code: 'store-unreachable',
  });
});

test('an empty file, as a crash right after its creation leaves it, becomes a store', async () => {
  const file = await storeFile();
  await writeFile(file, '');
  const store = await openSqliteStore({ file });
  expect((await store.createRun(newRun('r1'))).number).toBe(1);
  await store.close();
});

test('a store that is opened for reading refuses changes', async () => {
  const file = await storeFile();
  const writer = await openSqliteStore({ file });
  const reader = await openSqliteStore({ file, readonly: true });
  await expect(reader.createRun(newRun('r1'))).rejects.toMatchObject({ kind: 'store', code: 'read-only' });
  await writer.createRun(newRun('r1'));
  expect(await reader.getRun(runId('r1'))).toBeDefined();
  await Promise.all([reader.close(), writer.close()]);
});

test('a writer waits for a lock of another process without blocking this one, then goes on', async () => {
  const file = await storeFile();
  const store = await openSqliteStore({ file });
  const other = new Database(file);
  other.exec('BEGIN IMMEDIATE');
  const waiting = store.createRun(newRun('r1'));
  // Two turns of this timer while the change waits: the thread is given back between tries.
  let turns = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (++turns < 2) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  expect(await store.getRun(runId('r1'))).toBeUndefined();
  other.exec('ROLLBACK');
  other.close();
  expect((await waiting).number).toBe(1);
  await store.close();
});
