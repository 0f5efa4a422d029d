import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { processIdentity } from './process-identity.js';
import { acquireLock, heldLocks, type ExclusiveLock } from './exclusive-lock.js';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'run-pipeline-lock-'));
});
afterEach(async () => rm(cache, { recursive: true, force: true }));

interface Acquisition {
  readonly lock: ExclusiveLock<string> | undefined;
  readonly takenOver: string[];
}

async function acquire(
  options: Partial<Parameters<typeof acquireLock<string>>[0]> = {},
): Promise<Acquisition> {
  const takenOver: string[] = [];
  const lock = await acquireLock<string>({
    directory: cache,
    key: 'key',
    holder: processIdentity(),
    isDone: async () => Promise.resolve(false),
    onWait: () => {},
    onTakeOver: async (leftovers) => {
      takenOver.push(leftovers);
      return Promise.resolve();
    },
    signal: new AbortController().signal,
    ...options,
  });
  return { lock, takenOver };
}

async function deadProcess(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(child, 'spawn');
  const identity = processIdentity(child.pid!);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return identity;
}

test('one holds it at a time; the next gets it when it is released', async () => {
  const first = await acquire();
  let waits: (() => void) | undefined;
  const isWaiting = new Promise<void>((resolve) => {
    waits = resolve;
  });
  const order: string[] = [];
  const second = acquire({ onWait: () => waits?.() }).then(({ lock }) => {
    order.push('second');
    return lock;
  });
  await isWaiting;
  order.push('released');
  await first.lock!.release();
  await (await second)!.release();
  expect(order).toEqual(['released', 'second']);
  expect(await readdir(cache)).toEqual(['.lock-key-2']);
});

test('locks of other keys do not matter, also of keys that begin alike', async () => {
  await acquire({ key: 'key-1' });
  await acquire({ key: 'ke' });
  const waits = { onWait: () => expect.unreachable() };
  expect((await acquire(waits)).lock).toBeDefined();
});

test('who waits for what is there by then gets no lock', async () => {
  const first = await acquire();
  let isDone = false;
  const second = acquire({
    isDone: async () => Promise.resolve(isDone),
    onWait: () => {
      isDone = true;
    },
  });
  expect((await second).lock).toBeUndefined();
  await first.lock!.release();
});

test('the lock of a dead process is taken over, with what it noted', async () => {
  const dead = await deadProcess();
  const { lock } = await acquire({ holder: dead });
  await lock!.note('somewhere');
  const next = await acquire();
  expect(next.takenOver).toEqual(['somewhere']);
  await next.lock!.finish();
  expect(await readdir(cache)).toEqual([]);
});

test('of many that find a dead holder one takes over at a time', async () => {
  const dead = await deadProcess();
  for (let round = 0; round < 4; round += 1) {
    await (await acquire({ holder: dead })).lock!.note('left');
    let holders = 0;
    const taken = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { lock, takenOver } = await acquire();
        holders += 1;
        expect(holders).toBe(1);
        await readdir(cache);
        holders -= 1;
        await lock!.release();
        return takenOver.length;
      }),
    );
    expect(taken.filter((each) => each > 0)).toHaveLength(1);
    expect(await readdir(cache)).toHaveLength(1);
  }
});

test('a holder on another machine holds it as long as it shows that it lives', async () => {
  const elsewhere = { ...processIdentity(), host: 'elsewhere' };
  await acquire({ holder: elsewhere });
  const stop = new AbortController();
  await expect(
    acquire({ signal: stop.signal, onWait: () => stop.abort(new Error('it waits')) }),
  ).rejects.toThrow('it waits');
  const [name] = await readdir(cache);
  const long = Date.now() / 1000 - 3600;
  await utimes(join(cache, name!), long, long);
  expect((await acquire()).lock).toBeDefined();
});

test('a lock that a power failure cut is nobody’s', async () => {
  await writeFile(join(cache, '.lock-key-1'), '');
  const { lock } = await acquire();
  await lock!.finish();
  expect(await readdir(cache)).toEqual([]);
});

test('which locks are held, and what about', async () => {
  const { lock } = await acquire();
  await lock!.note('being made');
  await (await acquire({ key: 'released' })).lock!.release();
  await acquire({ key: 'dead', holder: await deadProcess() });
  expect(await heldLocks(cache)).toEqual(new Map([[join(cache, '.lock-key-1'), 'being made']]));
});
