import type {
  ArtifactRecord,
  Digest,
  Fingerprint,
  Report,
  RunId,
  StepName,
  StoredArtifact,
  TaskId,
} from '@run-pipeline/core/model';
import { INLINE_LIMIT } from '@run-pipeline/core/model';
import type { CacheEntry, NewCacheEntry } from '@run-pipeline/core/ports';
import type { Connection, SqlRow } from './connection.js';
import type { RunState, WriteBatch } from './write-batch.js';

/**
 * Completed executions by fingerprint. An entry pins the blobs of its artifacts and reports and
 * outlives the run that made it; a newer execution with the same fingerprint replaces it.
 */
export function keepCacheEntry(batch: WriteBatch, run: RunState, entry: NewCacheEntry): void {
  const { connection, now } = batch;
  dropCacheEntry(connection, entry.fingerprint);
  const [n] = connection.get(
    `INSERT INTO cache_entries (fingerprint, project, pipeline, step, run, task, artifacts, reports, duration_ms,
       created_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n`,
    entry.fingerprint,
    entry.project,
    entry.pipeline,
    entry.step,
    run.id,
    entry.task,
    JSON.stringify(entry.artifacts.map(({ record }) => record)),
    JSON.stringify(entry.reports),
    entry.durationMs,
    now,
    now,
  ) as [number];
  for (const { record, inline } of entry.artifacts) {
    batch.addBlob(record.hash, record.size, inline);
    pin(connection, n, record.hash);
  }
  for (const report of entry.reports) {
    if (!('artifact' in report)) continue;
    batch.addBlob(report.artifact.hash, report.artifact.size, undefined);
    pin(connection, n, report.artifact.hash);
  }
}

function pin(connection: Connection, entry: number, hash: Digest): void {
  connection.run('INSERT OR IGNORE INTO entry_pins (entry, hash) VALUES (?, ?)', entry, hash);
}

export function dropCacheEntry(connection: Connection, fingerprint: Fingerprint): void {
  const old = connection.get('DELETE FROM cache_entries WHERE fingerprint = ? RETURNING n', fingerprint);
  if (old !== undefined) connection.run('DELETE FROM entry_pins WHERE entry = ?', Number(old[0]));
}

export function findCacheEntries(
  connection: Connection,
  fingerprints: readonly Fingerprint[],
  now: number,
): ReadonlyMap<Fingerprint, CacheEntry> {
  const rows = connection.all(
    `SELECT fingerprint, project, pipeline, step, run, task, artifacts, reports, duration_ms, created_at
     FROM cache_entries WHERE fingerprint IN (SELECT value FROM json_each(?))`,
    JSON.stringify(fingerprints),
  );
  if (rows.length === 0) return new Map();
  const entries = rows.map((row) => cacheEntry(row, now));
  const small = entries.flatMap(({ artifacts }) =>
    artifacts.flatMap(({ record }) => (record.size <= INLINE_LIMIT ? [record.hash] : [])),
  );
  const values = readValues(connection, small);
  return new Map(
    entries.map((entry) => [entry.fingerprint, { ...entry, artifacts: withBytes(entry.artifacts, values) }]),
  );
}

export function readValues(
  connection: Connection,
  hashes: readonly Digest[],
): ReadonlyMap<Digest, Uint8Array> {
  if (hashes.length === 0) return new Map();
  const rows = connection.all(
    'SELECT hash, bytes FROM blobs WHERE hash IN (SELECT value FROM json_each(?)) AND bytes IS NOT NULL',
    JSON.stringify(hashes),
  );
  return new Map(rows as [Digest, Uint8Array][]);
}

function withBytes(
  artifacts: readonly StoredArtifact[],
  values: ReadonlyMap<Digest, Uint8Array>,
): readonly StoredArtifact[] {
  return artifacts.map(({ record }) => {
    const inline = values.get(record.hash);
    return inline === undefined ? { record } : { record, inline };
  });
}

/** Without the bytes of small artifacts. */
function cacheEntry(row: SqlRow, now: number): CacheEntry {
  const [fingerprint, project, pipeline, step, run, task, artifacts, reports, durationMs, createdAt] =
    row as [Fingerprint, string, string, StepName, RunId, TaskId, string, string, number, number];
  return {
    fingerprint,
    project,
    pipeline,
    step,
    run,
    task,
    artifacts: (JSON.parse(artifacts) as ArtifactRecord[]).map((record) => ({ record })),
    reports: reports === '[]' ? [] : (JSON.parse(reports) as Report[]),
    durationMs,
    createdAt: new Date(createdAt).toISOString(),
    ageMs: now - createdAt,
  };
}
