import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import './lean-report.js';
import Database from 'libsql';
import { RunPipelineError } from '@run-pipeline/core/model';
import { crashPoint } from '../crash-points.js';
import { APPLICATION_ID, MIGRATIONS } from './schema.js';
import { isBusy, storeError } from './store-error.js';

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = readonly unknown[];

/**
 * How long one call may block this thread while another process writes. Short, since nothing else
 * happens meanwhile (no heartbeat): waiting longer is done by `patiently`, between ticks.
 */
const BUSY_TIMEOUT_MS = 250;
/** How long we try in all before we tell that the store is locked. */
const PATIENCE_MS = 20_000;

/** FULL: durable across power loss, not only across a crash of the process. The limit shrinks a log that grew. */
const SETTINGS = 'PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608';

/** A connection with every statement prepared once. Synchronous; knows nothing of our tables. */
export class Connection {
  readonly file: string;
  readonly readonly: boolean;
  readonly #db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  #open = true;
  /** As SETTINGS set it. */
  #durable = true;

  constructor(file: string, db: Database.Database, readonly: boolean) {
    this.file = file;
    this.#db = db;
    this.readonly = readonly;
  }

  // Parameters always go as one array: libsql takes a single object (a Buffer, null) for named ones.
  get(sql: string, ...values: readonly SqlValue[]): SqlRow | undefined {
    return this.#prepared(sql).get([...values]) as SqlRow | undefined;
  }

  all(sql: string, ...values: readonly SqlValue[]): SqlRow[] {
    return this.#prepared(sql).all([...values]) as SqlRow[];
  }

  /** Number of rows changed. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    return this.#prepared(sql).run([...values]).changes;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Whether COMMIT waits for the disk. In WAL mode neither way can corrupt; NORMAL may lose the last commits to a power failure. */
  setDurable(durable: boolean): void {
    if (durable === this.#durable) return;
    this.#db.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`);
    this.#durable = durable;
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  /** SQLite itself rolls back on some errors (a full disk); then there is nothing left to do. */
  rollback(): void {
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  assertOpen(): void {
    if (this.#open) return;
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-closed',
      message: `the store ${this.file} was closed before this call`,
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    try {
      this.#db.close();
    } catch {
      // All that was committed is in the file; what is wrong with it was told by whoever read or wrote.
    }
  }

  #prepared(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      if (statement.reader) statement.raw();
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * Runs `action` again while another process holds the lock, pausing between tries so that this
 * process keeps working. Other errors become ones a user can act on.
 */
export async function patiently<T>(file: string, action: () => T): Promise<T> {
  let deadline: number | undefined;
  for (let attempt = 0; ; attempt++) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error)) throw storeError(error, file);
      deadline ??= performance.now() + PATIENCE_MS;
      if (performance.now() > deadline) throw storeError(error, file);
    }
    // Jitter: two processes that wait for each other must not keep step.
    await delay(Math.min(5 * 2 ** attempt, 100) * (0.5 + Math.random()));
  }
}

/** Opens (and makes, unless `readonly`) the database, of this version's schema. */
export async function connect(options: {
  readonly file: string;
  readonly readonly: boolean;
}): Promise<Connection> {
  const { file, readonly } = options;
  const connection = await patiently(file, () => {
    if (!readonly) mkdirSync(dirname(file), { recursive: true });
    const name = readonly ? `${pathToFileURL(file).href}?mode=ro` : file;
    return new Connection(file, new Database(name, { timeout: BUSY_TIMEOUT_MS }), readonly);
  });
  try {
    if (await patiently(file, () => isCurrent(connection))) {
      if (!readonly) await patiently(file, () => connection.exec(SETTINGS));
      return connection;
    }
    if (readonly) {
      throw new RunPipelineError({
        kind: 'store',
        code: 'store-older',
        message: `the store ${file} is of an older version and was opened for reading only`,
        help: 'Run any command that writes (`run-pipeline gc`) once: it brings the store up to date.',
      });
    }
    await patiently(file, () => prepareFile(connection));
    await patiently(file, () => migrate(connection));
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The busy timeout is set before this (by the constructor): changing the journal mode takes a lock. */
function prepareFile(connection: Connection): void {
  if (version(connection) === 0) connection.exec('PRAGMA auto_vacuum = INCREMENTAL');
  connection.get('PRAGMA journal_mode = WAL');
  connection.exec(SETTINGS);
}

const version = (connection: Connection): number => Number(connection.get('PRAGMA user_version')?.[0]);

/** Whether the schema is this version's. Throws for a newer one, and for a database of somebody else. */
function isCurrent(connection: Connection): boolean {
  const found = version(connection);
  const owner = Number(connection.get('PRAGMA application_id')?.[0]);
  const ours = owner === APPLICATION_ID;
  if (
    !ours &&
    (found !== 0 || owner !== 0 || connection.get('SELECT 1 FROM sqlite_master LIMIT 1') !== undefined)
  ) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-foreign',
      message: `${connection.file} is a SQLite database of another program, not a store of run-pipeline`,
      help: 'Nothing was changed. Set RUN_PIPELINE_HOME to another directory, or move the file away.',
    });
  }
  if (found > MIGRATIONS.length) {
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-newer',
      message: `the store ${connection.file} was written by a newer run-pipeline (store version ${found}; this one reads up to ${MIGRATIONS.length})`,
      help: 'Nothing was changed. Update run-pipeline (`npm install run-pipeline@latest`), or set RUN_PIPELINE_HOME to another directory.',
    });
  }
  return found === MIGRATIONS.length;
}

/** Two processes may arrive at once: the version is read again under the write lock. */
function migrate(connection: Connection): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    if (!isCurrent(connection)) {
      for (const migration of MIGRATIONS.slice(version(connection))) connection.exec(migration);
      connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
      crashPoint('migrating');
    }
    connection.exec('COMMIT');
  } finally {
    connection.rollback();
  }
}
