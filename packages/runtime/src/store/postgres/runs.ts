import type { RunId } from '@run-pipeline/core/model';
import type { NewRun, ProcessIdentity, RunQuery, RunRow } from '@run-pipeline/core/ports';
import { encodeOwner } from '../rows/owner.js';
import {
  integerVersion,
  isOpen,
  RUN_COLUMNS,
  runRowOf,
  WAITING,
  withState,
  type RunState,
} from '../rows/run.js';
import type { Columns, Sql } from './connection.js';
import { timed } from './reading.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Rows of runs: their names, their owner with epoch and lease. The rules are those of `../runs.ts`. Whoever
 * makes a run holds the row of its pipeline until it is made: numbers are given once, in order.
 */
export async function createRun(batch: WriteBatch, run: NewRun): Promise<RunState> {
  if ((await batch.runState(run.id)) !== undefined)
    throw new Error(`a run with the id ${run.id} exists already`);
  await batch.run(
    `WITH named AS (
       INSERT INTO pipelines AS p (project, name, last_number, last_version) VALUES ($1, $2, 1, coalesce($3::bigint, 1))
       ON CONFLICT (project, name) DO UPDATE SET last_number = p.last_number + 1,
         last_version = CASE WHEN $3::bigint IS NULL THEN p.last_version + 1 ELSE greatest(p.last_version, $3::bigint) END
       RETURNING n, last_number, last_version
     )
     INSERT INTO runs (id, pipeline, number, version, source, parent, created_at, status, epoch, owner, lease_ms,
       lease_until, last_seq)
     SELECT $4, n, last_number, coalesce($5, last_version::text), $6, $7, $8, 'queued', 1, $9, $10, $11, -1 FROM named`,
    [
      run.project,
      run.pipeline,
      run.version === undefined ? null : integerVersion(run.version),
      run.id,
      run.version,
      run.source,
      run.parent,
      batch.now,
      encodeOwner(run.owner),
      run.leaseMs,
      run.queued === true ? WAITING : batch.now + run.leaseMs,
    ],
  );
  batch.forget(run.id);
  const state = await batch.requireRun(run.id);
  for (const { name, bytes } of run.documents ?? []) batch.documents.add(state.n, name, bytes);
  for (const { hash, bytes } of run.values ?? []) {
    batch.addBlob(hash, bytes.byteLength, bytes);
    batch.runPins.add(state.n, hash);
  }
  for (const { hash, size } of run.blobs ?? []) {
    batch.addBlob(hash, size, undefined);
    batch.runPins.add(state.n, hash);
  }
  return state;
}

/** As this transaction leaves it. */
export async function rowOf(batch: WriteBatch, state: RunState): Promise<RunRow> {
  const row = await getRun(batch, state.id);
  return withState(row!, state, batch.now);
}

export async function putRunDocument(
  batch: WriteBatch,
  id: RunId,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  batch.documents.add((await batch.requireRun(id)).n, name, bytes);
}

export async function readRunDocuments(
  sql: Sql,
  runs: readonly RunId[],
  name: string,
): Promise<ReadonlyMap<RunId, Uint8Array>> {
  return new Map(
    await sql.query<readonly [RunId, Uint8Array]>(
      `SELECT r.id, d.bytes FROM runs r JOIN run_documents d ON d.run = r.n AND d.name = $2
       WHERE r.id = ANY ($1::text[])`,
      [runs, name],
    ),
  );
}

export async function takeRun(
  batch: WriteBatch,
  id: RunId,
  options: { readonly expectedEpoch: number; readonly owner: ProcessIdentity },
): Promise<
  | { readonly ok: true; readonly epoch: number; readonly lastSeq: number }
  | { readonly ok: false; readonly current: RunRow }
> {
  const run = await batch.requireRun(id);
  if (run.epoch !== options.expectedEpoch) return { ok: false, current: await rowOf(batch, run) };
  // A stop that the last owner was asked for is not meant for the next; a run that waits has none.
  if (run.leaseUntil !== WAITING || run.status !== 'queued') run.stopRequested = null;
  run.epoch += 1;
  run.owner = encodeOwner(options.owner);
  run.leaseUntil = batch.now + run.leaseMs;
  run.changed = true;
  // They would be renewed with the run's lease, and some step would wait for itself for ever.
  await batch.run(
    `DELETE FROM flights WHERE fingerprint IN
       (SELECT fingerprint FROM flights WHERE run = $1 ORDER BY fingerprint FOR UPDATE)`,
    [id],
  );
  return { ok: true, epoch: run.epoch, lastSeq: run.lastSeq };
}

export async function heartbeatRun(sql: Sql, id: RunId, epoch: number): Promise<boolean> {
  const text = `UPDATE runs SET lease_until = ${sql.clock} + lease_ms WHERE id = $1 AND epoch = $2`;
  return (await sql.run(text, [id, epoch])) > 0;
}

export async function requestStop(batch: WriteBatch, id: RunId, reason: string): Promise<boolean> {
  const run = await batch.runState(id);
  if (run === undefined || run.finishedAt !== null) return false;
  run.stopRequested = reason;
  run.changed = true;
  return true;
}

const FROM_RUNS = 'FROM runs r JOIN pipelines p ON p.n = r.pipeline';

const timedRun = (row: Columns): RunRow => runRowOf(row, Number(row.at(-1)));

export async function getRun(sql: Sql, id: RunId): Promise<RunRow | undefined> {
  const [row] = await sql.query(timed(sql, RUN_COLUMNS, `${FROM_RUNS} WHERE r.id = $1`), [id]);
  return row && timedRun(row);
}

/** Newest first. A status `lost` finds those that have not ended and whose owner's lease has run out. */
export async function findRuns(sql: Sql, query: RunQuery): Promise<readonly RunRow[]> {
  const where: string[] = [];
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  if (query.idPrefix !== undefined)
    where.push(`r.id >= ${value(query.idPrefix)} AND r.id < ${value(`${query.idPrefix}\u{10FFFF}`)}`);
  if (query.pipeline !== undefined) where.push(`p.name = ${value(query.pipeline)}`);
  if (query.project !== undefined) where.push(`p.project = ${value(query.project)}`);
  if (query.number !== undefined) where.push(`r.number = ${value(query.number)}`);
  if (query.before !== undefined) where.push(`r.n < (SELECT n FROM runs WHERE id = ${value(query.before)})`);
  if (query.status !== undefined && isOpen(query.status)) {
    // As the partial index has it, or that would not be used.
    where.push(`r.status IN ('queued', 'running')`);
  } else if (query.status !== undefined) {
    const lost = query.status.includes('lost')
      ? `OR (r.status IN ('queued', 'running') AND r.lease_until <= ${sql.clock} AND r.lease_until <> ${WAITING})`
      : '';
    const rest = query.status.filter((status) => status !== 'lost');
    where.push(`(r.status = ANY (${value(rest)}::text[]) ${lost})`);
  }
  const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  const limit = value(query.limit ?? null);
  const from = `${FROM_RUNS} ${condition} ORDER BY r.n DESC LIMIT ${limit}::bigint`;
  const rows = await sql.query(timed(sql, RUN_COLUMNS, from), values);
  return rows.map(timedRun);
}

export async function countRuns(
  sql: Sql,
): Promise<readonly { readonly project: string; readonly pipeline: string; readonly runs: number }[]> {
  const rows = await sql.query<readonly [string, string, number]>(
    `SELECT p.project, p.name, c.runs FROM (SELECT pipeline, count(*) AS runs FROM runs GROUP BY pipeline) c
     JOIN pipelines p ON p.n = c.pipeline ORDER BY p.project, p.name`,
  );
  return rows.map(([project, pipeline, runs]) => ({ project, pipeline, runs }));
}
