import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openBullQueue } from '../../packages/runtime/src/queue/bull/index.js';
import { openSqliteStore } from '../../packages/runtime/src/store/index.js';
import { startRedis, withoutRedis, type RedisServer } from '../rig/redis.js';
import { taskQueueConformance } from './task-queue.js';

const without = withoutRedis();

describe.skipIf(without !== undefined)(`on Redis${without === undefined ? '' : ` (${without})`}`, () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.dispose());

  taskQueueConformance('BullMQ', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-queue-'));
    const closing: (() => Promise<void>)[] = [];
    let now = Date.now();
    return {
      async open() {
        const store = await openSqliteStore({ file: join(directory, 'state.db'), now: () => now });
        const queue = await openBullQueue({ url: redis.url, env: {}, store });
        closing.push(async () => {
          await queue.close();
          await store.close();
        });
        return { store, queue };
      },
      advance(ms) {
        now += ms;
      },
      async dispose() {
        await Promise.all(closing.map((close) => close()));
        await rm(directory, { recursive: true, force: true });
      },
    };
  });
});
