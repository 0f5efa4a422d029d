import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgresStore } from '../../packages/runtime/src/store/postgres/index.js';
import { startPostgres, withoutPostgres, type PostgresServer } from '../rig/postgres.js';

describe.skipIf(withoutPostgres() !== undefined)('a store on a PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.dispose(), 60_000);

  test('several processes that come to an empty database at once make the tables once', async () => {
    const url = server.fresh();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openPostgresStore({ url, env: {} })));
    for (const store of stores) expect(await store.changeCounter()).toBe(0);
    await Promise.all(stores.map((store) => store.close()));
  });

  test('a store of a newer version is left alone', async () => {
    const url = server.fresh();
    const schema = new URL(url).searchParams.get('schema');
    await (await openPostgresStore({ url, env: {} })).close();
    await server.query(`UPDATE ${schema}.meta SET run_pipeline_version = 99`);
    await expect(openPostgresStore({ url, env: {} })).rejects.toMatchObject({
      kind: 'store',
      code: 'store-newer',
      message: expect.not.stringContaining('p@ss') as string,
    });
  });

  test('a schema with tables of somebody else is left alone', async () => {
    const url = server.fresh();
    const schema = new URL(url).searchParams.get('schema');
    await server.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.meta (version integer)`);
    await expect(openPostgresStore({ url, env: {} })).rejects.toMatchObject({ code: 'store-foreign' });
    expect(
      await server.query(`SELECT count(*)::integer FROM pg_tables WHERE schemaname = '${schema}'`),
    ).toEqual([[1]]);
  });
});
