import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { RunPipelineError } from '@run-pipeline/core/model';
import { loadConfig } from './config.js';
import { checkSettings, type ProjectSettings } from './settings.js';

const paths = { cwd: '/p', root: '/p', home: '/p/.run-pipeline' };

async function settings(env: Readonly<Record<string, string>>): Promise<ProjectSettings> {
  const evaluate = () => Promise.reject(new Error('there is no file'));
  return checkSettings(paths, await loadConfig({ paths, env, evaluate }));
}

const refused = (env: Readonly<Record<string, string>>): Promise<RunPipelineError> =>
  settings(env).then(
    () => expect.unreachable(),
    (error: RunPipelineError) => error,
  );

const FLEET = {
  RUN_PIPELINE_STORE: 'postgres://app:hidden@db.local:5433/runs?sslmode=verify-full',
  RUN_PIPELINE_BLOBS: 's3://bucket/some/prefix',
  RUN_PIPELINE_QUEUE: 'rediss://:hidden@redis.local/2',
};

test('without settings everything is in the home', async () => {
  expect(await settings({})).toEqual({
    store: { driver: 'sqlite', file: '/p/.run-pipeline/state.db' },
    blobs: { driver: 'directory', directory: '/p/.run-pipeline/blobs', shared: false },
    queue: { driver: 'embedded' },
    concurrency: undefined,
  });
});

test('drivers are chosen by the scheme; passwords are in no way that a setting can be printed', async () => {
  const found = await settings(FLEET);
  expect([found.store.driver, found.blobs.driver, found.queue.driver]).toEqual(['postgres', 's3', 'redis']);
  expect(found.store.driver === 'postgres' && found.store.url.reveal()).toBe(FLEET.RUN_PIPELINE_STORE);
  const printed = [JSON.stringify(found), inspect(found, { depth: 9, showHidden: true })];
  for (const { url } of [found.store, found.queue] as { url?: unknown }[]) printed.push(`${String(url)}`);
  for (const text of printed) expect(text).not.toContain('hidden');
  expect(printed[0]).toContain('postgres://app:***@db.local:5433/runs');
});

test.each([
  ['RUN_PIPELINE_STORE', 'mysql://db/runs', /no driver for mysql:/],
  ['RUN_PIPELINE_STORE', 'redis://db/0', /no driver for redis:/],
  ['RUN_PIPELINE_STORE', 'postgres:db', /not an address/],
  ['RUN_PIPELINE_STORE', 'postgres:///runs', /names no host/],
  ['RUN_PIPELINE_STORE', 'postgres://db.local', /names no database/],
  ['RUN_PIPELINE_STORE', 'postgres://db.local/a/b', /names no database, but a path/],
  ['RUN_PIPELINE_STORE', `postgres://db.local/${'x'.repeat(64)}`, /more than 63 bytes/],
  ['RUN_PIPELINE_STORE', 'postgres://db.local/%', /encodes nothing/],
  ['RUN_PIPELINE_STORE', 'postgres://db.local/a%00b', /cannot be seen/],
  ['RUN_PIPELINE_STORE', 'postgres://app:hid/den@db.local/runs', /not an address/],
  ['RUN_PIPELINE_STORE', 'postgres://app:12@hidden/x@db.local/runs', /has an @ or # behind its host/],
  ['RUN_PIPELINE_STORE', 'postgres://app:12?hidden@db.local/runs', /has an @ or # behind its host/],
  ['RUN_PIPELINE_STORE', 'postgres://app:hidden@db.local/runs#1', /has an @ or # behind its host/],
  ['RUN_PIPELINE_STORE', 'postgres://app:hidden%zz@db.local/runs', /encodes nothing/],
  ['RUN_PIPELINE_STORE', 'postgres://a%00:hidden@db.local/runs', /cannot be seen/],
  ['RUN_PIPELINE_STORE', ' postgres://app:hidden@db.local/runs', /before its scheme/],
  ['RUN_PIPELINE_STORE', '"postgres://app:hidden@db.local/runs"', /before its scheme/],
  ['RUN_PIPELINE_BLOBS', "'s3://bucket/x'", /before its scheme/],
  ['RUN_PIPELINE_QUEUE', '"redis://:hidden@redis.local/2"', /before its scheme/],
  ['RUN_PIPELINE_QUEUE', 'redis://:1@hidden/x@redis.local/0', /has an @ or # behind its host/],
  ['RUN_PIPELINE_BLOBS', 'http://127.0.0.1:9000/bucket', /no driver for http:/],
  ['RUN_PIPELINE_BLOBS', 's3://', /names no bucket/],
  ['RUN_PIPELINE_BLOBS', 's3:bucket', /names no bucket/],
  ['RUN_PIPELINE_BLOBS', 's3://Bucket/x', /cannot be a bucket/],
  ['RUN_PIPELINE_BLOBS', 's3://127.0.0.1/x', /cannot be a bucket/],
  ['RUN_PIPELINE_BLOBS', 's3://a..b/x', /cannot be a bucket/],
  ['RUN_PIPELINE_BLOBS', 's3://key:hidden@bucket/x', /holds credentials/],
  ['RUN_PIPELINE_BLOBS', 's3://bucket/a/../b', /empty part/],
  ['RUN_PIPELINE_BLOBS', 's3://bucket/a//b', /empty part/],
  ['RUN_PIPELINE_QUEUE', 'queue', /no driver for a path/],
  ['RUN_PIPELINE_QUEUE', 'amqp://host', /no driver for amqp:/],
  ['RUN_PIPELINE_QUEUE', 'redis://', /not an address|names no host/],
  ['RUN_PIPELINE_QUEUE', 'redis://host/db', /names no database/],
])('%s=%s is refused, and the error names the setting and no password', async (name, value, message) => {
  const error = await refused({ ...FLEET, [name]: value });
  expect(error).toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(message),
    help: expect.any(String),
  });
  expect(error.message).toContain(name);
  expect(`${error.message} ${error.help}`).not.toMatch(/hid\/?den/);
});

test('a socket needs no host, and a path of a directory is not an address', async () => {
  const { store, blobs } = await settings({
    RUN_PIPELINE_STORE: 'postgresql:///runs?host=/var/run/postgresql',
    RUN_PIPELINE_BLOBS: '../kept',
  });
  expect([store.driver, blobs]).toEqual([
    'postgres',
    { driver: 'directory', directory: '/kept', shared: false },
  ]);
});

test.each([
  [
    'no store',
    { ...FLEET, RUN_PIPELINE_STORE: '' },
    /cannot read the store.*state\.db/,
    'RUN_PIPELINE_STORE=postgres:',
  ],
  ['a file as store', { ...FLEET, RUN_PIPELINE_STORE: 'a.db' }, /\/p\/a\.db/, 'RUN_PIPELINE_STORE=postgres:'],
  ['no blobs', { ...FLEET, RUN_PIPELINE_BLOBS: '' }, /a directory of this one/, 'RUN_PIPELINE_BLOBS=s3:'],
  [
    'blobs in the project',
    { ...FLEET, RUN_PIPELINE_BLOBS: 'kept' },
    /directory kept of this project/,
    'mounted',
  ],
])('a queue on Redis with %s is refused, and the error says what to set', async (_, env, message, help) => {
  const error = await refused(env);
  expect([error.message, error.help]).toEqual([
    expect.stringMatching(message),
    expect.stringContaining(help),
  ]);
});

test('a directory that is stated by its whole path counts as shared; Postgres and S3 need no Redis', async () => {
  const shared = await settings({ ...FLEET, RUN_PIPELINE_BLOBS: '/mnt/shared' });
  expect(shared.blobs).toEqual({ driver: 'directory', directory: '/mnt/shared', shared: true });
  expect((await settings({ ...FLEET, RUN_PIPELINE_QUEUE: '' })).queue).toEqual({ driver: 'embedded' });
});
