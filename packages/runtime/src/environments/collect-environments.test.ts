import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock } from '../project/exclusive-lock.js';
import { processIdentity } from '../project/process-identity.js';
import { collectEnvironments } from './collect-environments.js';
import { finishEnvironment, useEnvironment } from './environment-directory.js';
import type { Leftovers } from './provide-environment.js';

const DAY = 24 * 60 * 60 * 1000;
const HOUR = 60 * 60 * 1000;

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'run-pipeline-collect-'));
});
afterEach(async () => rm(cache, { recursive: true, force: true }));

async function environment(key: string, idleMs: number): Promise<string> {
  const unfinished = join(cache, `.installing-${key}`);
  await mkdir(join(unfinished, 'node_modules/a'), { recursive: true });
  await writeFile(join(unfinished, 'node_modules/a/index.js'), 'x'.repeat(1000));
  await finishEnvironment({ unfinished, directory: join(cache, key), facts: {} });
  await age(join(cache, key, 'environment.json'), idleMs);
  return join(cache, key);
}

async function age(path: string, ms: number): Promise<void> {
  const then = (Date.now() - ms) / 1000;
  await utimes(path, then, then);
}

test('what has long not been used goes; what was used since stays', async () => {
  await environment('old', 31 * DAY);
  const used = await environment('used', 31 * DAY);
  await environment('young', 29 * DAY);
  expect(await useEnvironment(used)).toBe(true);
  const dry = await collectEnvironments({ cache, graceMs: HOUR, dryRun: true });
  expect(dry).toMatchObject({ environments: 1, leftovers: 0 });
  expect(await readdir(cache)).toHaveLength(3);
  const collected = await collectEnvironments({ cache, graceMs: HOUR, dryRun: false });
  expect(collected).toEqual(dry);
  expect(collected.bytes).toBeGreaterThanOrEqual(1000);
  expect((await readdir(cache)).sort()).toEqual(['used', 'young']);
  const all = await collectEnvironments({ cache, maxIdleMs: 0, graceMs: HOUR, dryRun: false });
  expect(all.environments).toBe(2);
});

test('leftovers of dead installers go, those of living ones and young ones stay', async () => {
  const dead = { ...processIdentity(), startTime: '1' };
  const lock = async (key: string, holder: typeof dead): Promise<void> => {
    const unfinished = join(cache, `.installing-${key}`);
    await mkdir(unfinished);
    const held = await acquireLock<Leftovers>({
      directory: cache,
      key,
      holder,
      isDone: async () => Promise.resolve(false),
      onWait: () => {},
      onTakeOver: async () => Promise.resolve(),
      signal: new AbortController().signal,
    });
    await held!.note({ unfinished });
    await age(unfinished, 2 * HOUR);
    await age(join(cache, `.lock-${key}-1`), 2 * HOUR);
  };
  await lock('living', processIdentity());
  await lock('dead', dead);
  await mkdir(join(cache, '.installing-young'));
  const collected = await collectEnvironments({ cache, graceMs: HOUR, dryRun: false });
  expect(collected).toEqual({ environments: 0, bytes: 0, leftovers: 2 });
  expect((await readdir(cache)).sort()).toEqual([
    '.installing-living',
    '.installing-young',
    '.lock-living-1',
  ]);
});

test('no cache is an empty one', async () => {
  expect(await collectEnvironments({ cache: join(cache, 'none'), graceMs: 0, dryRun: false })).toEqual({
    environments: 0,
    bytes: 0,
    leftovers: 0,
  });
});
