import { RunPipelineError } from '@run-pipeline/core/model';
import { readAddress } from './address.js';
import { Connection } from './connection.js';
import { loadDriver } from './driver.js';
import { PostgresTasks } from './postgres-tasks.js';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`; `?schema=` names the schema of the tables, `run_pipeline` if not given. */
  readonly url: string;
  /** `RUN_PIPELINE_STORE_PATIENCE_MS`: how long an operation is tried again when the server is away. Default 60 s. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the package `pg` is looked for when it is not beside this one. Default: the current directory. */
  readonly cwd?: string;
  /** Added to the server's clock, in milliseconds; for tests. Default 0. */
  readonly clockOffset?: () => number;
}

/**
 * Opens the store in a PostgreSQL database, which any number of processes of any machine may share; its
 * tables are made when there are none. Rejects with a `RunPipelineError`: kind `usage`, code
 * `driver-missing`, `store-address`; kind `store`, code `store-unreachable`, `store-refused`, `store-newer`,
 * `store-foreign`, `store-server`, `store-busy`, `store-damaged`, `store-io`, `read-only`, `disk-full`. The
 * codes of kind `store` come from every operation.
 *
 * @example
 * const store = await openPostgresStore({ url: 'postgres://me@localhost/pipelines', env: process.env });
 * const runs = await store.findRuns({ limit: 10 });
 * await store.close();
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const address = readAddress(options.url);
  const driver = await loadDriver(options.cwd ?? process.cwd());
  const connection = new Connection({
    address,
    driver,
    patienceMs: patienceOf(options.env),
    clockOffset: options.clockOffset ?? (() => 0),
  });
  await connection.prepare();
  return new PostgresStore(connection);
}

const DEFAULT_PATIENCE_MS = 60_000;

function patienceOf(env: PostgresStoreOptions['env']): number {
  const text = env['RUN_PIPELINE_STORE_PATIENCE_MS'];
  if (text === undefined || text === '') return DEFAULT_PATIENCE_MS;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RunPipelineError({
    kind: 'usage',
    code: 'invalid-setting',
    message: `RUN_PIPELINE_STORE_PATIENCE_MS=${text} is no number of milliseconds`,
    help: 'Give a whole number such as 60000, or unset it.',
  });
}

/** The port, operation by operation; what they do is in the files named after what they are about. */
export class PostgresStore extends PostgresTasks {
  /** Changes whenever anybody committed: the sum of all transactions' numbers. */
  changeCounter(): Promise<number> {
    return this.read(async (sql) => {
      const [row] = await sql.query<readonly [number]>('SELECT coalesce(sum(last), 0) FROM writers');
      return row![0];
    });
  }

  /** Waits for what was submitted. Later calls reject with `store-closed`. */
  async close(): Promise<void> {
    await this.lanes.settled();
    await this.connection.close();
  }
}
