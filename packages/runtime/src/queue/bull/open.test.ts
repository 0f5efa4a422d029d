import { build } from 'esbuild';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RunPipelineError } from '@run-pipeline/core/model';
import { expect, onTestFinished, test } from 'vitest';
import type * as Driver from './driver.js';
import { redisAddress } from './redis-address.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test.each([
  ['redis://db', {}, { host: 'db', port: 6379, db: 0 }, 'redis://db'],
  ['redis://db:7000/3', {}, { host: 'db', port: 7000, db: 3 }, 'redis://db:7000/3'],
  [
    'redis://app:p%40ss%2F@db',
    { RUN_PIPELINE_QUEUE_USER: 'other', RUN_PIPELINE_QUEUE_PASSWORD: 'other' },
    { host: 'db', port: 6379, db: 0, username: 'app', password: 'p@ss/' },
    'redis://db',
  ],
  [
    'redis://db',
    { RUN_PIPELINE_QUEUE_PASSWORD: 'p:w' },
    { host: 'db', port: 6379, db: 0, password: 'p:w' },
    'redis://db',
  ],
  ['redis://[::1]:7000', {}, { host: '::1', port: 7000, db: 0 }, 'redis://[::1]:7000'],
  ['rediss://db', {}, { host: 'db', port: 6379, db: 0, tls: { servername: 'db' } }, 'rediss://db'],
  ['rediss://10.0.0.1', {}, { host: '10.0.0.1', port: 6379, db: 0, tls: {} }, 'rediss://10.0.0.1'],
])('%s', (url, env, options, shown) => {
  expect(redisAddress(url, env)).toEqual({ options, shown });
});

test.each(['http://db', 'redis:', 'redis://db/name', 'redis://:hidden@', 'hidden'])(
  '%s is refused, and not repeated',
  (url) => {
    const error = refusal(() => redisAddress(url, {}));
    expect(error).toMatchObject({ kind: 'usage', code: 'queue-address' });
    expect(`${error.message} ${error.help}`).not.toContain('hidden');
  },
);

test('without the npm packages it is said which to install', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'run-pipeline-driver-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const outfile = join(directory, 'driver.mjs');
  await build({
    entryPoints: [here('driver.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { '@run-pipeline/core/model': here('../../../../core/src/model/index.ts') },
    logLevel: 'silent',
  });
  const { findDriver } = (await import(pathToFileURL(outfile).href)) as typeof Driver;
  expect(refusal(() => findDriver(directory))).toMatchObject({
    kind: 'usage',
    code: 'driver-missing',
    message: 'a queue on Redis needs the npm packages bullmq and ioredis',
    help: 'npm install bullmq@6 ioredis@5',
  });
  // From where the user's program runs they are found.
  expect(findDriver(here('.')).bull()).toHaveProperty('Queue');
});

function refusal(operation: () => unknown): RunPipelineError {
  try {
    operation();
  } catch (error) {
    return error as RunPipelineError;
  }
  return expect.unreachable();
}
