import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type * as Pg from 'pg';
import { RunPipelineError, type RunId } from '@run-pipeline/core/model';
import { RUN_STATE_COLUMNS, runStateOf, type RunState } from '../rows/run.js';
import type { PostgresAddress } from './address.js';
import { channelOf, Listener } from './listener.js';
import { prepareSchema } from './migrate.js';
import { isConflict, isDuplicate, isLost, isUnknownHost, storeError } from './postgres-error.js';
import { forgetWriters } from './writers.js';
import { Pool, SILENCE_MS, type Session } from './pool.js';
import { storable } from './storable.js';

/** Columns in the order of the statement. `bigint` is a number, `bytea` a Uint8Array. */
export type Columns = readonly unknown[];

/**
 * Where statements go. Each is prepared once a connection: its text may differ by its shape only, never
 * by values, which are parameters (arrays as `ANY ($1::text[])` and `unnest`).
 */
export interface Sql {
  query<Row extends Columns = Columns>(
    text: string,
    parameters?: readonly unknown[],
  ): Promise<readonly Row[]>;
  /** The number of rows changed. */
  run(text: string, parameters?: readonly unknown[]): Promise<number>;
  /** SQL for the store's clock in milliseconds, a bigint. In a transaction `now` is meant, the same all through. */
  readonly clock: string;
}

export interface Transaction extends Sql {
  /** The store's clock when the transaction began. */
  readonly now: number;
  /** The run that was asked for; without a state there is none. */
  readonly locked?: { readonly run: RunId; readonly state: RunState | undefined };
}

export interface ConnectionOptions {
  readonly address: PostgresAddress;
  readonly driver: typeof Pg;
  /** How long an operation is tried again after the connection was lost, in milliseconds. */
  readonly patienceMs: number;
  /** Added to the server's clock, in milliseconds; for tests. */
  readonly clockOffset: () => number;
}

export interface TransactionOptions {
  /** Whether it pins blobs or may (shared), or collects what is not pinned (exclusive). */
  readonly pins: 'shared' | 'exclusive';
  /** False: it is rolled back at its end. */
  readonly keep: boolean;
  /** The run whose row is locked at its beginning, and read. */
  readonly run?: RunId;
}

/** Connections that renew leases are given up sooner than others: a lease lasts 15 s. */
const PULSE_SILENCE_MS = 6_000;

/** No collection of garbage takes longer; who pins waits for it. */
const COLLECTING_MS = 900_000;

/** How long opening is tried: who has just typed an address waits for the answer. */
const OPENING_MS = 5_000;

/**
 * How changes of the store reach the server: each exactly once, whatever happens to the connection.
 *
 * - A transaction numbers itself in its connection's row of `writers`. When the connection is lost after
 *   COMMIT was sent, that row tells whether it took place: another connection touches it, and so waits until
 *   the old transaction has ended, one way or the other. (The server's own transaction numbers would not do:
 *   one that a crash takes back is given again.)
 * - A lost connection, a deadlock: it is tried again, from its beginning, for `patienceMs`.
 * - Whoever pins holds the lock of the pins shared, from before it looks at anything; `collect` exclusively.
 */
export class Connection {
  /** Tells our own words from those of others. */
  readonly #instance = randomUUID();
  readonly #address: PostgresAddress;
  readonly #driver: typeof Pg;
  readonly #patienceMs: number;
  readonly #clockOffset: () => number;
  /** Small: a fleet has many processes, a server not many connections. */
  readonly #pool: Pool;
  /** Heartbeats have one of their own: a lease must not run out while others wait for a lock. */
  readonly #pulse: Pool;
  #open = true;

  constructor(options: ConnectionOptions) {
    this.#address = options.address;
    this.#patienceMs = options.patienceMs;
    this.#clockOffset = options.clockOffset;
    const { driver, address } = options;
    this.#driver = driver;
    this.#pool = new Pool({ driver, address, size: 4 });
    this.#pulse = new Pool({
      driver,
      address,
      size: 2,
      settings: 'SET synchronous_commit = off',
      silenceMs: PULSE_SILENCE_MS,
    });
  }

  get shown(): string {
    return this.#address.shown;
  }

  /** Calls `told` after commits of other processes. */
  listener(told: () => void): Listener {
    return new Listener({
      driver: this.#driver,
      address: this.#address,
      instance: this.#instance,
      told,
    });
  }

  assertOpen(): void {
    if (this.#open) return;
    throw new RunPipelineError({
      kind: 'store',
      code: 'store-closed',
      message: `the store ${this.shown} was closed before this call`,
    });
  }

  /** Makes or updates the tables. A server that is not there is told soon: nothing is lost yet. */
  async prepare(): Promise<void> {
    const deadline = performance.now() + Math.min(this.#patienceMs, OPENING_MS);
    const prepare = (session: Session): Promise<void> => prepareSchema(session, this.#address);
    await this.#patiently(() => this.#pool.use(prepare), deadline);
  }

  /** What reads, or may as well be done twice. */
  read<T>(query: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#patiently(() => this.#pool.use((session) => query(this.#sql(session))));
  }

  /** What renews leases: the server's crash may take it back, and it may be done twice. */
  renew<T>(change: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#patiently(() => this.#pulse.use((session) => change(this.#sql(session))));
  }

  /** `work` may run more than once; only what the last time wrote is kept. `committed`: after each COMMIT. */
  transact<T>(work: (transaction: Transaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    return this.#patiently(() => this.#pool.use((session) => this.#transactOn(session, work, options)));
  }

  async #transactOn<T>(
    session: Session,
    work: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    const sql = this.#sql(session);
    const number = session.nextNumber();
    session.silenceMs = COLLECTING_MS; // until it has the lock of the pins
    try {
      const result = await work({ ...sql, ...(await this.#begin(session, number, options)) });
      if (!options.keep) {
        await session.script('ROLLBACK');
        return result;
      }
      await this.#commit(session, number);
      return result;
    } catch (error) {
      if (session.connected) await session.script('ROLLBACK').catch(() => session.discard());
      throw error;
    } finally {
      session.silenceMs = SILENCE_MS;
    }
  }

  /** In one message. The lock comes before the clock: what was waited for is not taken off a lease. */
  async #begin(
    session: Session,
    number: number,
    { pins, run }: TransactionOptions,
  ): Promise<Pick<Transaction, 'now' | 'locked'>> {
    const lock = pins === 'exclusive' ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared';
    const statements = [
      'BEGIN ISOLATION LEVEL READ COMMITTED',
      // Who collects does read whole tables.
      `SET LOCAL enable_seqscan = ${pins === 'exclusive' ? 'on' : 'off'}`,
      `SELECT ${lock}(${PINS_LOCK}, hashtext('${this.#address.schema}'))`,
      `INSERT INTO writers (id, last, seen_at) VALUES ('${session.id}', ${number}, ${CLOCK})
        ON CONFLICT (id) DO UPDATE SET last = excluded.last, seen_at = excluded.seen_at RETURNING seen_at`,
    ];
    if (run !== undefined) {
      const id = this.#driver.escapeLiteral(run);
      statements.push(`SELECT ${RUN_STATE_COLUMNS} FROM runs WHERE id = ${id} FOR UPDATE`);
    }
    const [, , , clock, runs] = await session.script(statements.join('; '));
    const now = Number(clock?.[0]?.[0]) + this.#clockOffset();
    if (pins === 'shared') session.silenceMs = SILENCE_MS;
    if (run === undefined) return { now };
    const row = runs?.[0];
    return { now, locked: { run, state: row && runStateOf(run, row) } };
  }

  async #commit(session: Session, number: number): Promise<void> {
    try {
      await session.script(`NOTIFY ${channelOf(this.#address)}, '${this.#instance}'; COMMIT`);
    } catch (error) {
      if (!isLost(error)) throw error;
      session.discard();
      if (!(await this.#tookPlace(session, number))) throw error; // tried again as a whole
    }
  }

  /** Waits until the transaction that held the row has ended. */
  #tookPlace(session: Session, number: number): Promise<boolean> {
    const text = `INSERT INTO writers (id, last, seen_at) VALUES ($1, -1, 0) ON CONFLICT (id) DO UPDATE SET last = writers.last RETURNING last`;
    return this.#patiently(async () => {
      await session.connect();
      const [row] = await session.query(text, [session.id]);
      return Number(row?.[0]) === number;
    });
  }

  #sql(session: Session): Sql {
    return {
      query: <Row extends Columns>(text: string, parameters: readonly unknown[] = []) =>
        session.query(text, parameters.map(storable)) as Promise<readonly Row[]>,
      run: (text, parameters = []) => session.run(text, parameters.map(storable)),
      clock: clockText(this.#clockOffset()),
    };
  }

  async #patiently<T>(action: () => Promise<T>, until?: number): Promise<T> {
    let deadline = until;
    for (let attempt = 0; ; attempt++) {
      this.assertOpen();
      try {
        return await action();
      } catch (error) {
        const passes = isLost(error) || isConflict(error) || (isDuplicate(error) && attempt === 0);
        if (!passes || (until !== undefined && isUnknownHost(error))) throw storeError(error, this.shown);
        deadline ??= performance.now() + this.#patienceMs;
        if (performance.now() > deadline) throw storeError(error, this.shown);
      }
      // Jitter: two processes that wait for each other must not keep step.
      await delay(Math.min(5 * 2 ** attempt, 500) * (0.5 + Math.random()));
    }
  }

  /** The rows of our connections go, their numbers stay in the sum. Those of who does not come so far: by gc. */
  async #sayGoodbye(): Promise<void> {
    const ids = this.#pool.writers;
    if (ids.length === 0) return;
    try {
      await this.#pulse.use((session) => forgetWriters(this.#sql(session), 'id = ANY ($1::text[])', ids));
    } catch {
      // What was to be written is written.
    }
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    await this.#sayGoodbye();
    this.#open = false;
    await Promise.all([this.#pool.close(), this.#pulse.close()]);
  }
}

/** "RPpi": one lock a schema of the database. */
const PINS_LOCK = 0x52507069;

const CLOCK = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
const clockText = (offset: number): string => (offset === 0 ? CLOCK : `(${CLOCK} + ${offset})`);
