import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '@run-pipeline/core/ports';
import { afterAll, beforeAll, describe } from 'vitest';
import { embeddedQueue } from '../../packages/runtime/src/queue/index.js';
import { openBullQueue } from '../../packages/runtime/src/queue/bull/index.js';
import { openSqliteStore } from '../../packages/runtime/src/store/index.js';
import { openPostgresStore } from '../../packages/runtime/src/store/postgres/index.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../rig/postgres.js';
import { startRedis, withoutRedis, type RedisServer } from '../rig/redis.js';
import { taskQueueConformance } from './task-queue.js';

const without = withoutRedis();
const withoutEither = without ?? withoutPostgres();

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

describe.skipIf(withoutEither !== undefined)(
  `over Postgres${withoutEither === undefined ? '' : ` (${withoutEither})`}`,
  () => {
    let redis: RedisServer;
    let postgres: PostgresServer;
    beforeAll(async () => {
      [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
    }, 60_000);
    afterAll(() => Promise.all([redis.dispose(), postgres.dispose()]));

    const queues = {
      BullMQ: (store: Store) => openBullQueue({ url: redis.url, env: {}, store }),
      'the queue that reads the store': (store: Store) => embeddedQueue(store),
    };
    /** Emptied stores. */
    const used: string[] = [];
    for (const [name, queueOf] of Object.entries(queues))
      taskQueueConformance(name, async () => {
        const url = used.pop() ?? postgres.fresh();
        const closing: (() => Promise<void>)[] = [];
        let offset = 0;
        return {
          async open() {
            const store = await openPostgresStore({ url, env: {}, clockOffset: () => offset });
            const queue = await queueOf(store);
            closing.push(async () => {
              await queue.close();
              await store.close();
            });
            return { store, queue };
          },
          advance(ms) {
            offset += ms;
          },
          async dispose() {
            await Promise.all(closing.map((close) => close()));
            await postgres.empty(url);
            used.push(url);
          },
        };
      });
  },
);
