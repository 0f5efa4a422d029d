import type { Digest, Fingerprint, RunId } from '@run-pipeline/core/model';
import type { ProcessIdentity } from '@run-pipeline/core/ports';
import { encodeOwner } from '../rows/owner.js';
import { RUN_STATE_COLUMNS, runStateOf, unknownRun, type RunState } from '../rows/run.js';
import { BulkInsert, Parameters } from './bulk-insert.js';
import { NewEntries } from './cache-entries.js';
import type { Columns, Transaction } from './connection.js';
import { NewPreimages } from './preimages.js';

/** Precision of a cache entry's last use: a run of 1,000 hits seconds after another rewrites nothing. */
const LAST_USE_PRECISION_MS = 60_000;

/**
 * What the changes of one transaction share: the clock, what was read of runs, and rows that wait to
 * be inserted at its end, all in one statement. A change that refuses has added nothing here.
 *
 * Locks are taken in one order, or two transactions may wait for each other: rows of runs, then of tasks in
 * the order of their ids, then what is inserted at the end.
 */
export class WriteBatch implements Transaction {
  readonly now: number;
  readonly clock: string;
  readonly #sql: Transaction;
  readonly #runs = new Map<RunId, RunState | undefined>();
  /** Contents that have a row, as far as this transaction had to look. */
  readonly #blobsThere = new Set<string>();
  readonly #usedEntries = new Set<Fingerprint>();
  readonly #released: (readonly [fingerprint: string, run: string, owner: string])[] = [];
  readonly entries = new NewEntries();
  readonly preimages = new NewPreimages();

  readonly documents = new BulkInsert({
    table: 'run_documents',
    columns: { run: 'bigint', name: 'text', bytes: 'bytea' },
    keys: 2,
    tail: 'ON CONFLICT (run, name) DO UPDATE SET bytes = excluded.bytes',
  });
  readonly events = new BulkInsert({
    table: 'events',
    columns: { run: 'bigint', seq: 'bigint', type: 'text', step: 'text', body: 'text' },
    keys: 2,
  });
  readonly artifacts = new BulkInsert({
    table: 'artifacts',
    columns: {
      run: 'bigint',
      step: 'text',
      name: 'text',
      position: 'integer',
      hash: 'text',
      record: 'text',
    },
    keys: 3,
    tail: `ON CONFLICT (run, step, name) DO UPDATE SET
      position = excluded.position, hash = excluded.hash, record = excluded.record`,
  });
  readonly runPins = new BulkInsert({
    table: 'run_pins',
    columns: { run: 'bigint', hash: 'text' },
    keys: 2,
    tail: 'ON CONFLICT DO NOTHING',
  });
  readonly taskPins = new BulkInsert({
    table: 'task_pins',
    columns: { task: 'text', hash: 'text' },
    keys: 2,
    tail: 'ON CONFLICT DO NOTHING',
  });
  readonly taskOutput = new BulkInsert({
    table: 'task_output',
    columns: { task: 'text', attempt: 'integer', seq: 'integer', at: 'bigint', body: 'text' },
    keys: 3,
  });
  // What lies there already is left alone without a lock, as far as can be seen; the rest is up to the tail. Other
  // bytes than these are no longer what they were kept as: who made them anew repairs them.
  readonly #blobs = new BulkInsert({
    table: 'blobs',
    columns: { hash: 'text', size: 'bigint', bytes: 'bytea' },
    keys: 1,
    tail: `AS new (hash, size, bytes)
      WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.hash = new.hash AND (new.bytes IS NULL OR b.bytes = new.bytes))
      ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes WHERE excluded.bytes IS NOT NULL AND blobs.bytes IS DISTINCT FROM excluded.bytes`,
  });

  constructor(sql: Transaction) {
    this.#sql = sql;
    this.now = sql.now;
    this.clock = sql.clock;
    if (sql.locked !== undefined) this.#runs.set(sql.locked.run, sql.locked.state);
  }

  query<Row extends Columns = Columns>(
    text: string,
    parameters?: readonly unknown[],
  ): Promise<readonly Row[]> {
    return this.#sql.query<Row>(text, parameters);
  }

  run(text: string, parameters?: readonly unknown[]): Promise<number> {
    return this.#sql.run(text, parameters);
  }

  /** The run's row as this transaction sees it, locked. */
  async runState(id: RunId): Promise<RunState | undefined> {
    if (this.#runs.has(id)) return this.#runs.get(id);
    const [row] = await this.query(`SELECT ${RUN_STATE_COLUMNS} FROM runs WHERE id = $1 FOR UPDATE`, [id]);
    const state = row && runStateOf(id, row);
    this.#runs.set(id, state);
    return state;
  }

  /** The same of one that has to be there. */
  async requireRun(id: RunId): Promise<RunState> {
    const run = await this.runState(id);
    if (run === undefined) throw unknownRun(id);
    return run;
  }

  /** Its row was made or replaced by a statement of this transaction. */
  forget(id: RunId): void {
    this.#runs.delete(id);
  }

  /** Says that the content exists; `bytes` when it is small, else the blob store has them. */
  addBlob(hash: Digest, size: number, bytes: Uint8Array | undefined): void {
    // Bytes are added although there is a row: it may be that of a blob that was kept outside.
    if (bytes === undefined && this.#blobsThere.has(hash)) return;
    this.#blobsThere.add(hash);
    this.#blobs.add(hash, size, bytes ?? null);
  }

  hasBlob(hash: Digest): boolean {
    return this.#blobsThere.has(hash);
  }

  /** Those of `hashes` that have no row, in their order. */
  async missingBlobs(hashes: readonly Digest[]): Promise<readonly Digest[]> {
    const unknown = hashes.filter((hash) => !this.#blobsThere.has(hash));
    if (unknown.length === 0) return [];
    const found = await this.query<readonly [string]>(
      'SELECT hash FROM blobs WHERE hash = ANY ($1::text[])',
      [unknown],
    );
    for (const [hash] of found) this.#blobsThere.add(hash);
    return unknown.filter((hash) => !this.#blobsThere.has(hash));
  }

  useEntry(fingerprint: Fingerprint): void {
    this.#usedEntries.add(fingerprint);
  }

  /** At the end: claims of fingerprints are not looked at by changes. */
  releaseFlight(fingerprint: Fingerprint, run: RunId, owner: ProcessIdentity): void {
    this.#released.push([fingerprint, run, encodeOwner(owner)]);
  }

  /** Writes what was collected, in one statement: no part of it depends on another. */
  async flush(): Promise<void> {
    const parameters = new Parameters();
    const parts = [
      this.#blobs,
      this.documents,
      this.events,
      this.artifacts,
      this.runPins,
      this.taskPins,
      this.taskOutput,
    ].flatMap((rows) => (rows.empty ? [] : [{ name: `new_${rows.table}`, text: rows.take(parameters) }]));
    const changed = [...this.#runs.values()].filter((run) => run?.changed === true) as RunState[];
    if (changed.length > 0) parts.push({ name: 'new_runs', text: writeRuns(changed, parameters) });
    for (const run of changed) run.changed = false;
    // What is kept anew was used just now, and a statement may write a row once only.
    for (const fingerprint of this.entries.fingerprints()) this.#usedEntries.delete(fingerprint);
    parts.push(...this.entries.take(parameters));
    if (this.#released.length > 0) parts.push({ name: 'released', text: this.#writeReleases(parameters) });
    if (this.#usedEntries.size > 0) parts.push({ name: 'used', text: this.#writeUses(parameters) });
    const steps = this.preimages.take(parameters);
    if (steps !== undefined) parts.push(steps.part);
    if (parts.length === 0) return;
    // Parts that nobody reads are executed in the order of the list.
    const all = parts.map(({ name, text }) => `${name} AS (${text})`).join(', ');
    const rows = await this.query(`WITH ${all} ${steps?.read ?? 'SELECT'}`, parameters.values);
    await steps?.complete(this.#sql, rows);
  }

  /** Only what this owner holds, in the order in which they are claimed. */
  #writeReleases(parameters: Parameters): string {
    const released = this.#released.splice(0);
    const lists = [0, 1, 2].map((at) => `${parameters.add(released.map((row) => row[at]))}::text[]`);
    return `DELETE FROM flights WHERE fingerprint IN (
      SELECT f.fingerprint FROM flights f JOIN unnest(${lists.join(', ')}) AS own (fingerprint, run, owner)
        ON own.fingerprint = f.fingerprint AND own.run = f.run AND own.owner = f.owner
      ORDER BY f.fingerprint FOR UPDATE OF f)`;
  }

  /** Locked in one order, and only those that have to be written. */
  #writeUses(parameters: Parameters): string {
    const used = parameters.add([...this.#usedEntries]);
    this.#usedEntries.clear();
    const now = parameters.add(this.now);
    const before = parameters.add(this.now - LAST_USE_PRECISION_MS);
    return `UPDATE cache_entries SET last_used_at = ${now}::bigint WHERE n IN (
      SELECT n FROM cache_entries WHERE fingerprint = ANY (${used}::text[]) AND last_used_at < ${before}::bigint
      ORDER BY fingerprint FOR UPDATE)`;
  }
}

function writeRuns(runs: readonly RunState[], parameters: Parameters): string {
  const list = (type: string, of: (run: RunState) => unknown): string =>
    `${parameters.add(runs.map(of))}::${type}[]`;
  return `UPDATE runs SET epoch = new.epoch, owner = new.owner, status = new.status, last_seq = new.last_seq,
      lease_until = new.lease_until, started_at = new.started_at, finished_at = new.finished_at,
      stop_requested = new.stop_requested
    FROM unnest(${list('bigint', ({ n }) => n)}, ${list('integer', ({ epoch }) => epoch)},
      ${list('text', ({ owner }) => owner)}, ${list('text', ({ status }) => status)},
      ${list('bigint', ({ lastSeq }) => lastSeq)}, ${list('bigint', ({ leaseUntil }) => leaseUntil)},
      ${list('text', ({ startedAt }) => startedAt)}, ${list('text', ({ finishedAt }) => finishedAt)},
      ${list('text', ({ stopRequested }) => stopRequested)})
      AS new (n, epoch, owner, status, last_seq, lease_until, started_at, finished_at, stop_requested)
    WHERE runs.n = new.n`;
}
