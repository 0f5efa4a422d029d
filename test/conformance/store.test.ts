import type { Store } from '@run-pipeline/core/ports';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openSqliteStore } from '../../packages/runtime/src/store/index.js';
import { storeConformance } from './store.js';
import { bundleScript, runProcess } from './store/child-process.js';

let bundle: Awaited<ReturnType<typeof bundleScript>>;
beforeAll(async () => {
  bundle = await bundleScript('./sqlite-child.ts');
});
afterAll(() => bundle.remove());

storeConformance('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-store-'));
  const file = join(directory, 'state.db');
  const stores: Store[] = [];
  let now = Date.now();
  return {
    async open() {
      const store = await openSqliteStore({ file, now: () => now });
      stores.push(store);
      return store;
    },
    advance(ms) {
      now += ms;
    },
    process: (job, env = {}) =>
      runProcess([process.execPath, bundle.script, file, JSON.stringify(job)], { env }),
    async dispose() {
      await Promise.all(stores.map((store) => store.close()));
      await rm(directory, { recursive: true, force: true });
    },
  };
});
