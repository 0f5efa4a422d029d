import type { Digest, Fingerprint, RunId } from '@run-pipeline/core/model';
import { BulkInsert } from './bulk-insert.js';
import type { Connection } from './connection.js';
import { RUN_STATE_COLUMNS, runStateOf, type RunState } from './rows/run.js';

/** Precision of a cache entry's last use: a run of 1,000 hits seconds after another rewrites nothing. */
const LAST_USE_PRECISION_MS = 60_000;

/**
 * What the changes of one transaction share: the clock, what was read of runs, and rows that wait to
 * be inserted many at once. A change that refuses has added nothing here.
 */
export class WriteBatch {
  readonly connection: Connection;
  /** The store's clock, the same for the whole transaction. */
  readonly now: number;
  readonly #runs = new Map<string, RunState | undefined>();
  /** Contents that have a row, as far as this transaction had to look. */
  readonly #blobsThere = new Set<string>();
  readonly #usedEntries = new Set<Fingerprint>();
  #fence: number | undefined;

  readonly events = new BulkInsert({
    head: 'INSERT INTO events (run, seq, type, step, body)',
    row: '(?, ?, ?, ?, ?)',
  });
  readonly artifacts = new BulkInsert({
    head: 'INSERT OR REPLACE INTO artifacts (run, step, name, position, hash, record)',
    row: '(?, ?, ?, ?, ?, ?)',
  });
  readonly runPins = new BulkInsert({ head: 'INSERT OR IGNORE INTO run_pins (run, hash)', row: '(?, ?)' });
  readonly stepPreimages = new BulkInsert({
    head: 'INSERT OR REPLACE INTO step_preimages (pipeline, step, run, preimage)',
    row: '(?, ?, ?, (SELECT n FROM preimages WHERE fingerprint = ?))',
  });
  readonly taskPins = new BulkInsert({ head: 'INSERT OR IGNORE INTO task_pins (task, hash)', row: '(?, ?)' });
  readonly taskOutput = new BulkInsert({
    head: 'INSERT INTO task_output (task, attempt, seq, at, body)',
    row: '(?, ?, ?, ?, ?)',
  });
  readonly #blobs = new BulkInsert({
    head: 'INSERT INTO blobs (hash, size, bytes)',
    row: '(?, ?, ?)',
    // Other bytes than these are no longer what they were kept as: who made them anew repairs them.
    tail: 'ON CONFLICT (hash) DO UPDATE SET bytes = excluded.bytes WHERE excluded.bytes IS NOT NULL AND bytes IS NOT excluded.bytes',
  });

  constructor(connection: Connection, now: number) {
    this.connection = connection;
    this.now = now;
  }

  /** The run's row as this transaction sees it. */
  run(id: RunId): RunState | undefined {
    if (this.#runs.has(id)) return this.#runs.get(id);
    const row = this.connection.get(`SELECT ${RUN_STATE_COLUMNS} FROM runs WHERE id = ?`, id);
    const state = row && runStateOf(id, row);
    this.#runs.set(id, state);
    return state;
  }

  /** Its row was made or replaced by a statement of this transaction. */
  forget(id: RunId): void {
    this.#runs.delete(id);
  }

  /** Fences rise over the whole store. */
  nextFence(): number {
    this.#fence ??= Number(this.connection.get(`SELECT value FROM meta WHERE key = 'fence'`)?.[0]);
    return ++this.#fence;
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
  missingBlobs(hashes: readonly Digest[]): readonly Digest[] {
    const unknown = hashes.filter((hash) => !this.#blobsThere.has(hash));
    if (unknown.length === 0) return [];
    const sql = 'SELECT hash FROM blobs WHERE hash IN (SELECT value FROM json_each(?))';
    for (const [hash] of this.connection.all(sql, JSON.stringify(unknown)))
      this.#blobsThere.add(String(hash));
    return unknown.filter((hash) => !this.#blobsThere.has(hash));
  }

  useEntry(fingerprint: Fingerprint): void {
    this.#usedEntries.add(fingerprint);
  }

  /** Writes what was collected. */
  flush(): void {
    const connection = this.connection;
    this.#blobs.flush(connection);
    this.events.flush(connection);
    this.artifacts.flush(connection);
    this.runPins.flush(connection);
    this.stepPreimages.flush(connection);
    this.taskPins.flush(connection);
    this.taskOutput.flush(connection);
    for (const run of this.#runs.values()) if (run?.changed === true) this.#writeRun(run);
    if (this.#fence !== undefined)
      connection.run(`UPDATE meta SET value = ? WHERE key = 'fence'`, this.#fence);
    if (this.#usedEntries.size > 0) {
      connection.run(
        `UPDATE cache_entries SET last_used_at = ?
         WHERE fingerprint IN (SELECT value FROM json_each(?)) AND last_used_at < ?`,
        this.now,
        JSON.stringify([...this.#usedEntries]),
        this.now - LAST_USE_PRECISION_MS,
      );
    }
  }

  #writeRun(run: RunState): void {
    this.connection.run(
      `UPDATE runs SET epoch = ?, owner = ?, status = ?, last_seq = ?, lease_until = ?, started_at = ?,
         finished_at = ?, stop_requested = ? WHERE n = ?`,
      run.epoch,
      run.owner,
      run.status,
      run.lastSeq,
      run.leaseUntil,
      run.startedAt,
      run.finishedAt,
      run.stopRequested,
      run.n,
    );
  }
}
