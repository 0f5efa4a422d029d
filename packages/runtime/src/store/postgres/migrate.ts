import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../../crash-points.js';
import type { PostgresAddress } from './address.js';
import type { Session } from './pool.js';
import { isMissing } from './postgres-error.js';
import { MIGRATIONS } from './schema.js';

/** The oldest that is maintained. */
const OLDEST_SERVER = 130_000;
/** "RPsc": one process makes the tables, the others wait for it. */
const SCHEMA_LOCK = 0x52507363;

/**
 * Makes the tables of this version, or brings older ones up to date. Any number of processes may come at
 * once. Refuses tables of a newer version and schemas of somebody else, and changes nothing then.
 */
export async function prepareSchema(session: Session, address: PostgresAddress): Promise<void> {
  // Nearly always all is there.
  if ((await storedVersion(session)) === MIGRATIONS.length) return;
  await checkServer(session, address);
  await session.script('BEGIN');
  try {
    await session.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [SCHEMA_LOCK, address.schema]);
    const version = await checkedVersion(session, address);
    if (version < MIGRATIONS.length) {
      if (version === 0) await makeSchema(session, address);
      for (const migration of MIGRATIONS.slice(version)) await session.script(migration);
      await session.script(
        version === 0
          ? `CREATE TABLE meta (run_pipeline_version integer NOT NULL); INSERT INTO meta VALUES (${MIGRATIONS.length})`
          : `UPDATE meta SET run_pipeline_version = ${MIGRATIONS.length}`,
      );
      crashPoint('migrating');
    }
    await session.script('COMMIT');
  } catch (error) {
    if (session.connected) await session.script('ROLLBACK').catch(() => session.discard());
    throw error;
  }
}

/** Undefined when there is none: no schema, no tables, or somebody else's. */
async function storedVersion(session: Session): Promise<number | undefined> {
  try {
    const [row] = await session.query('SELECT run_pipeline_version FROM meta', []);
    return Number(row?.[0]);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** One that an administrator has made is used: making one takes a right on the whole database. */
async function makeSchema(session: Session, { schema }: PostgresAddress): Promise<void> {
  const found = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (found.length === 0) await session.script(`CREATE SCHEMA ${schema}`);
}

async function checkServer(session: Session, address: PostgresAddress): Promise<void> {
  const [row] = await session.query(
    `SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('server_encoding')`,
    [],
  );
  const [number, version, encoding] = row as [string, string, string];
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
async function checkedVersion(session: Session, address: PostgresAddress): Promise<number> {
  const tables = await session.query(
    `SELECT c.relname, count(*) FILTER (WHERE a.attname = 'run_pipeline_version')::integer
      FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND c.relname = 'meta'
      WHERE s.nspname = $1 AND c.relkind = 'r' GROUP BY c.relname`,
    [address.schema],
  );
  if (tables.length === 0) return 0;
  if (!tables.some(([, ours]) => Number(ours) > 0)) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-foreign',
      message: `the schema ${address.schema} of ${address.shown} has tables of another program, and is no store of run-pipeline`,
      help: 'Nothing was changed. Add ?schema=another_name to RUN_PIPELINE_STORE, or name another database.',
    });
  }
  const [row] = await session.query('SELECT run_pipeline_version FROM meta', []);
  const version = Number(row?.[0]);
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
