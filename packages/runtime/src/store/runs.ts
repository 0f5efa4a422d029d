import type { RunId } from '@run-pipeline/core/model';
import type { NewRun, ProcessIdentity, RunQuery, RunRow } from '@run-pipeline/core/ports';
import type { Connection, SqlValue } from './connection.js';
import { encodeOwner } from './rows/owner.js';
import {
  integerVersion,
  isOpen,
  RUN_COLUMNS,
  runRowOf,
  unknownRun,
  WAITING,
  withState,
  type RunState,
} from './rows/run.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Rows of runs: their names, their owner with epoch and lease.
 *
 * - The number counts the runs of a pipeline in its project and is never given twice.
 * - A version that is not given is the highest plain integer version this pipeline ever had, plus 1;
 *   versions such as `1.0.0` do not count.
 * - Only the holder of the current epoch renews the lease; `run.end` gives it up.
 */
export function createRun(batch: WriteBatch, run: NewRun): RunRow {
  const { connection, now } = batch;
  if (batch.run(run.id) !== undefined) throw new Error(`a run with the id ${run.id} exists already`);
  const [pipeline, number, lastVersion] = connection.get(
    `INSERT INTO pipelines (project, name, last_number, last_version) VALUES (?1, ?2, 1, ?3)
     ON CONFLICT (project, name) DO UPDATE SET
       last_number = last_number + 1,
       last_version = ${run.version === undefined ? 'last_version + 1' : 'max(last_version, excluded.last_version)'}
     RETURNING n, last_number, last_version`,
    run.project,
    run.pipeline,
    run.version === undefined ? 1 : integerVersion(run.version),
  ) as [number, number, number];
  connection.run(
    `INSERT INTO runs (id, pipeline, number, version, source, parent, created_at, status, epoch, owner,
       lease_ms, lease_until, last_seq) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', 1, ?, ?, ?, -1)`,
    run.id,
    pipeline,
    number,
    run.version ?? String(lastVersion),
    run.source,
    run.parent ?? null,
    now,
    encodeOwner(run.owner),
    run.leaseMs,
    run.queued === true ? WAITING : now + run.leaseMs,
  );
  batch.forget(run.id);
  keepLaunch(batch, run);
  return getRun(connection, run.id, now)!;
}

function keepLaunch(batch: WriteBatch, run: NewRun): void {
  const { n } = requireRun(batch, run.id);
  for (const { name, bytes } of run.documents ?? []) putRunDocument(batch, run.id, name, bytes);
  for (const { hash, bytes } of run.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.runPins.add(n, hash);
  }
  for (const { hash, size } of run.blobs ?? []) {
    batch.addBlob(hash, size, undefined);
    batch.runPins.add(n, hash);
  }
}

export function putRunDocument(batch: WriteBatch, id: RunId, name: string, bytes: Uint8Array): void {
  const sql = 'INSERT OR REPLACE INTO run_documents (run, name, bytes) VALUES (?, ?, ?)';
  batch.connection.run(sql, requireRun(batch, id).n, name, bytes);
}

export function readRunDocuments(
  connection: Connection,
  runs: readonly RunId[],
  name: string,
): ReadonlyMap<RunId, Uint8Array> {
  const rows = connection.all(
    `SELECT r.id, d.bytes FROM json_each(?) w JOIN runs r ON r.id = w.value
     JOIN run_documents d ON d.run = r.n AND d.name = ?`,
    JSON.stringify(runs),
    name,
  );
  return new Map(rows.map(([id, bytes]) => [id as RunId, bytes as Uint8Array]));
}

export function takeRun(
  batch: WriteBatch,
  id: RunId,
  options: { readonly expectedEpoch: number; readonly owner: ProcessIdentity },
):
  | { readonly ok: true; readonly epoch: number; readonly lastSeq: number }
  | { readonly ok: false; readonly current: RunRow } {
  const run = requireRun(batch, id);
  if (run.epoch !== options.expectedEpoch)
    return { ok: false, current: withState(getRun(batch.connection, id, batch.now)!, run, batch.now) };
  // A stop that the last owner was asked for is not meant for the next; a run that waits has none.
  if (run.leaseUntil !== WAITING || run.status !== 'queued') run.stopRequested = null;
  run.epoch += 1;
  run.owner = encodeOwner(options.owner);
  run.leaseUntil = batch.now + run.leaseMs;
  run.changed = true;
  // They would be renewed with the run's lease, and some step would wait for itself for ever.
  batch.connection.run('DELETE FROM flights WHERE run = ?', id);
  return { ok: true, epoch: run.epoch, lastSeq: run.lastSeq };
}

export function heartbeatRun(batch: WriteBatch, id: RunId, epoch: number): boolean {
  const run = batch.run(id);
  if (run === undefined || run.epoch !== epoch) return false;
  run.leaseUntil = batch.now + run.leaseMs;
  run.changed = true;
  return true;
}

export function requestStop(batch: WriteBatch, id: RunId, reason: string): boolean {
  const run = batch.run(id);
  if (run === undefined || run.finishedAt !== null) return false;
  run.stopRequested = reason;
  run.changed = true;
  return true;
}

export function requireRun(batch: WriteBatch, id: RunId): RunState {
  return batch.run(id) ?? raise(unknownRun(id));
}

function raise(error: Error): never {
  throw error;
}

const SELECT_RUN = `SELECT ${RUN_COLUMNS} FROM runs r JOIN pipelines p ON p.n = r.pipeline`;

export function getRun(connection: Connection, id: RunId, now: number): RunRow | undefined {
  const row = connection.get(`${SELECT_RUN} WHERE r.id = ?`, id);
  return row && runRowOf(row, now);
}

/** Newest first. A status `lost` finds those that have not ended and whose owner's lease has run out. */
export function findRuns(connection: Connection, query: RunQuery, now: number): readonly RunRow[] {
  const where: string[] = [];
  const values: SqlValue[] = [];
  const add = (condition: string, ...more: readonly SqlValue[]): void => {
    where.push(condition);
    values.push(...more);
  };
  if (query.idPrefix !== undefined)
    add('r.id >= ? AND r.id < ?', query.idPrefix, `${query.idPrefix}\u{10FFFF}`);
  if (query.pipeline !== undefined) add('p.name = ?', query.pipeline);
  if (query.project !== undefined) add('p.project = ?', query.project);
  if (query.number !== undefined) add('r.number = ?', query.number);
  if (query.before !== undefined) add('r.n < (SELECT n FROM runs WHERE id = ?)', query.before);
  if (query.status !== undefined && isOpen(query.status)) {
    // As the partial index has it, or SQLite would not use that.
    add(`r.status IN ('queued', 'running')`);
  } else if (query.status !== undefined) {
    const lost = query.status.includes('lost')
      ? `OR (r.status IN ('queued', 'running') AND r.lease_until <= ? AND r.lease_until <> ${WAITING})`
      : '';
    const rest = query.status.filter((status) => status !== 'lost');
    add(
      `(r.status IN (SELECT value FROM json_each(?)) ${lost})`,
      JSON.stringify(rest),
      ...(lost === '' ? [] : [now]),
    );
  }
  const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  const limit = query.limit ?? -1;
  return connection
    .all(`${SELECT_RUN} ${condition} ORDER BY r.n DESC LIMIT ?`, ...values, limit)
    .map((row) => runRowOf(row, now));
}

/** Uses the index alone, whatever else a run's row holds. */
export function countRuns(
  connection: Connection,
): readonly { readonly project: string; readonly pipeline: string; readonly runs: number }[] {
  const rows = connection.all(
    `SELECT p.project, p.name, c.runs FROM
       (SELECT pipeline, count(*) AS runs FROM runs INDEXED BY runs_by_number GROUP BY pipeline) c
     JOIN pipelines p ON p.n = c.pipeline ORDER BY p.project, p.name`,
  ) as [string, string, number][];
  return rows.map(([project, pipeline, runs]) => ({ project, pipeline, runs }));
}
