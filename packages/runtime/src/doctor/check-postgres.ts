import type * as Pg from 'pg';
import { readAddress, type PostgresAddress } from '../store/postgres/address.js';
import { loadDriver } from '../store/postgres/driver.js';
import { openClient } from '../store/postgres/pool.js';
import { storeError } from '../store/postgres/postgres-error.js';
import {
  clockFinding,
  error,
  failed,
  isLocal,
  ok,
  shownMs,
  SLOW_MS,
  warning,
  type Finding,
} from './finding.js';

/** Each process of ours may hold so many. */
const CONNECTIONS = 7;

/** Looks at the server of the store: what is written for it is rolled back. */
export async function checkPostgres(url: string, cwd: string): Promise<readonly Finding[]> {
  let client: Pg.Client | undefined;
  let address: PostgresAddress;
  try {
    address = readAddress(url);
    const driver = await loadDriver(cwd);
    client = await openClient(driver, address);
  } catch (thrown) {
    return [failed('store', storeError(thrown, shownOf(url)), 'check RUN_PIPELINE_STORE')];
  }
  try {
    const findings: Finding[] = [];
    for (const look of [
      reachable,
      version,
      encryption,
      clock,
      permissions,
      notifications,
      connections,
      durability,
    ])
      findings.push(await attempt(look, client, address));
    return findings;
  } finally {
    await client.end().catch(() => {}); // it was looked at, and is not needed any more
  }
}

type Look = (client: Pg.Client, address: PostgresAddress) => Promise<Finding>;

async function attempt(look: Look, client: Pg.Client, address: PostgresAddress): Promise<Finding> {
  try {
    return await look(client, address);
  } catch (thrown) {
    return failed('store', storeError(thrown, address.shown), 'look into the log of the server');
  }
}

async function row(client: Pg.Client, text: string): Promise<readonly unknown[]> {
  const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
  return rows[0] ?? [];
}

async function reachable(client: Pg.Client, { shown }: PostgresAddress): Promise<Finding> {
  const began = performance.now();
  for (let times = 0; times < 3; times += 1) await client.query('SELECT 1');
  const took = (performance.now() - began) / 3;
  if (took <= SLOW_MS) return ok('store', `${shown} answers in ${shownMs(took)}`);
  return warning(
    'store',
    `${shown} answers in ${shownMs(took)}`,
    'every step waits for it several times: bring agents and server nearer to each other',
  );
}

async function version(client: Pg.Client): Promise<Finding> {
  const [number, text, encoding] = await row(
    client,
    `SELECT current_setting('server_version_num')::integer, current_setting('server_version'), current_setting('server_encoding')`,
  );
  const check = 'store version';
  if (Number(number) < 130_000)
    return error(
      check,
      `PostgreSQL ${String(text)}`,
      'run-pipeline needs PostgreSQL 13 or newer: update the server',
    );
  if (encoding !== 'UTF8')
    return error(
      check,
      `the database has the encoding ${String(encoding)}`,
      'make one with UTF8: createdb --encoding=UTF8 --template=template0 NAME',
    );
  return ok(check, `PostgreSQL ${String(text)}`);
}

async function encryption(client: Pg.Client): Promise<Finding> {
  const check = 'store TLS';
  const [ssl, protocol] = await row(
    client,
    'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
  );
  if (ssl === true) return ok(check, String(protocol));
  return isLocal(client.host)
    ? ok(check, 'not used, and the server is on this machine')
    : warning(
        check,
        `the connection to ${client.host} is not encrypted`,
        'add ?sslmode=verify-full to RUN_PIPELINE_STORE (and sslrootcert=/path/ca.pem for an authority of your own)',
      );
}

async function clock(client: Pg.Client): Promise<Finding> {
  const before = Date.now();
  const [theirs] = await row(client, 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8');
  const ours = (before + Date.now()) / 2;
  return clockFinding('store clock', Number(theirs) - ours, 'the server of the store');
}

async function permissions(client: Pg.Client, { schema }: PostgresAddress): Promise<Finding> {
  const check = 'store permissions';
  await client.query('BEGIN');
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
    if (rowCount === 0) await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(`CREATE TABLE ${schema}.doctor_looks (a integer PRIMARY KEY)`);
    await client.query(`INSERT INTO ${schema}.doctor_looks VALUES (1)`);
    await client.query('SELECT pg_advisory_xact_lock_shared(0, 0)');
    return ok(check, `tables can be made in the schema ${schema}`);
  } catch (thrown) {
    if ((thrown as { readonly code?: unknown }).code !== '42501') throw thrown;
    return error(
      check,
      `the user ${client.user ?? ''} may not make tables in the schema ${schema}`,
      `as an administrator: CREATE SCHEMA ${schema} AUTHORIZATION ${client.user ?? 'USER'}; or GRANT CREATE ON DATABASE … TO …`,
    );
  } finally {
    await client.query('ROLLBACK');
  }
}

/** Behind a pooler that gives every transaction another connection a process never hears of what others did. */
async function notifications(client: Pg.Client): Promise<Finding> {
  const check = 'store notifications';
  const channel = `run_pipeline_doctor_${process.pid}`;
  let timer: NodeJS.Timeout | undefined;
  const heard = new Promise<boolean>((resolve) => {
    client.on('notification', (message) => message.channel === channel && resolve(true));
    timer = setTimeout(resolve, 2_000, false);
  });
  try {
    await client.query(`LISTEN ${channel}`);
    await client.query(`NOTIFY ${channel}`);
    if (await heard) return ok(check, 'come through');
  } finally {
    clearTimeout(timer);
    await client.query(`UNLISTEN ${channel}`);
  }
  return error(
    check,
    'a notification did not come back',
    'a pooler in between (PgBouncer) has to keep connections for a session, not for a transaction: pool_mode = session',
  );
}

async function connections(client: Pg.Client): Promise<Finding> {
  const check = 'store connections';
  const [most, used] = await row(
    client,
    `SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
      (SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend')`,
  );
  const free = Number(most) - Number(used);
  const message = `${free} of ${Number(most)} free`;
  return free >= 5 * CONNECTIONS
    ? ok(check, message)
    : warning(
        check,
        message,
        `each agent, run and page takes up to ${CONNECTIONS}: raise max_connections, or put PgBouncer in between (pool_mode = session)`,
      );
}

async function durability(client: Pg.Client): Promise<Finding> {
  const check = 'store durability';
  const [fsync, pages] = await row(
    client,
    `SELECT current_setting('fsync'), current_setting('full_page_writes')`,
  );
  return fsync === 'on' && pages === 'on'
    ? ok(check, 'what is committed is on disk')
    : warning(
        check,
        `the server runs with fsync=${String(fsync)}, full_page_writes=${String(pages)}`,
        'a power failure may lose or damage everything: turn both on in postgresql.conf',
      );
}

function shownOf(url: string): string {
  try {
    return readAddress(url).shown;
  } catch {
    return 'RUN_PIPELINE_STORE';
  }
}
