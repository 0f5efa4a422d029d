import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedQueue } from '../../packages/runtime/src/queue/index.js';
import { openSqliteStore } from '../../packages/runtime/src/store/index.js';
import { taskQueueConformance } from './task-queue.js';

taskQueueConformance('embedded queue', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-queue-'));
  const file = join(directory, 'state.db');
  const closing: (() => Promise<void>)[] = [];
  let now = Date.now();
  return {
    async open() {
      const store = await openSqliteStore({ file, now: () => now });
      const queue = embeddedQueue(store);
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
