import type * as Pg from 'pg';
import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import type { PostgresAddress } from './address.js';
import { MIGRATIONS } from './schema.js';

/** The oldest that is maintained. */
const OLDEST_SERVER = 130_000;
/** "RPsc": one process makes the tables, the others wait for it. */
const SCHEMA_LOCK = 0x52507363;

/**
 * Makes the tables of this version, or brings older ones up to date. Any number of processes may come at
 * once. Refuses tables of a newer version and schemas of somebody else, and changes nothing then.
 */
export async function prepareSchema(client: Pg.Client, address: PostgresAddress): Promise<void> {
  await checkServer(client, address);
  if ((await versionOf(client, address)) === MIGRATIONS.length) return;
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock($1, hashtext($2))`, [SCHEMA_LOCK, address.schema]);
    const version = await versionOf(client, address);
    if (version < MIGRATIONS.length) {
      if (version === 0) await makeSchema(client, address);
      await client.query(`SET LOCAL search_path = ${address.schema}`);
      for (const migration of MIGRATIONS.slice(version)) await client.query(migration);
      await client.query(
        version === 0
          ? `CREATE TABLE meta (run_pipeline_version integer NOT NULL); INSERT INTO meta VALUES (${MIGRATIONS.length})`
          : `UPDATE meta SET run_pipeline_version = ${MIGRATIONS.length}`,
      );
      crashPoint('migrating');
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

/** One that an administrator has made is used: making one takes a right on the whole database. */
async function makeSchema(client: Pg.Client, { schema }: PostgresAddress): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (rowCount === 0) await client.query(`CREATE SCHEMA ${schema}`);
}

async function checkServer(client: Pg.Client, address: PostgresAddress): Promise<void> {
  const { rows } = await client.query<[string, string, string]>({
    text: `SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('server_encoding')`,
    rowMode: 'array',
  });
  const [number, version, encoding] = rows[0]!;
  if (Number(number) < OLDEST_SERVER) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-server',
      message: `the server of the store ${address.shown} is PostgreSQL ${version}; run-pipeline needs 13 or newer`,
      help: 'Nothing was changed. Update the server, or name another one in RUN_PIPELINE_STORE.',
    });
  }
  if (encoding !== 'UTF8') {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-server',
      message: `the database of the store ${address.shown} has the encoding ${encoding}; run-pipeline needs UTF8`,
      help: `Nothing was changed. Make one with it: createdb --encoding=UTF8 --template=template0 name`,
    });
  }
}

/** Of our tables; 0: there are none. Throws for newer ones, and for a schema that is somebody else's. */
async function versionOf(client: Pg.Client, address: PostgresAddress): Promise<number> {
  const { rows } = await client.query<[string | null, number]>({
    text: `SELECT c.relname, count(*) FILTER (WHERE a.attname = 'run_pipeline_version')::integer
      FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND c.relname = 'meta'
      WHERE s.nspname = $1 AND c.relkind = 'r' GROUP BY c.relname`,
    values: [address.schema],
    rowMode: 'array',
  });
  if (rows.length === 0) return 0;
  if (!rows.some(([, ours]) => ours > 0)) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-foreign',
      message: `the schema ${address.schema} of ${address.shown} has tables of another program, and is no store of run-pipeline`,
      help: 'Nothing was changed. Add ?schema=another_name to RUN_PIPELINE_STORE, or name another database.',
    });
  }
  const found = await client.query<[number]>({
    text: `SELECT run_pipeline_version FROM ${address.schema}.meta`,
    rowMode: 'array',
  });
  const version = Number(found.rows[0]?.[0]);
  if (version > MIGRATIONS.length) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-newer',
      message: `the store ${address.shown} was written by a newer run-pipeline (store version ${version}; this one reads up to ${MIGRATIONS.length})`,
      help: 'Nothing was changed. Update run-pipeline (`npm install run-pipeline@latest`), or name another store in RUN_PIPELINE_STORE.',
    });
  }
  return version;
}
