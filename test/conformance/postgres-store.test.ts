import type { Store } from '@run-pipeline/core/ports';
import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresStore } from '../../packages/runtime/src/store/postgres/index.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../rig/postgres.js';
import { bundleScript, runProcess } from './store/child-process.js';
import { storeConformance } from './store.js';

const MINUTE = 60_000;

describe.skipIf(withoutPostgres() !== undefined)('on a real server', () => {
  let server: PostgresServer;
  let bundle: Awaited<ReturnType<typeof bundleScript>>;
  beforeAll(async () => {
    [server, bundle] = await Promise.all([startPostgres(), bundleScript('./postgres-child.ts')]);
  }, MINUTE);
  afterAll(() => Promise.all([server.dispose(), bundle.remove()]), MINUTE);

  /** Emptied ones: to make all tables for each test takes longer than most tests do. */
  const used: string[] = [];
  storeConformance('Postgres', async () => {
    const url = used.pop() ?? server.fresh();
    const stores: Store[] = [];
    let offset = 0;
    return {
      async open() {
        const store = await openPostgresStore({ url, env: {}, clockOffset: () => offset });
        stores.push(store);
        return store;
      },
      advance(ms) {
        offset += ms;
      },
      process: (job, env = {}) =>
        runProcess([process.execPath, bundle.script, url, JSON.stringify(job)], { env }),
      async dispose() {
        await Promise.all(stores.map((store) => store.close()));
        await server.empty(url);
        used.push(url);
      },
    };
  });
});
