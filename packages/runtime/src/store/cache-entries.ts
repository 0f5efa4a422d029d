import type { Digest, Fingerprint } from '@run-pipeline/core/model';
import type { CacheEntry, NewCacheEntry } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import {
  cacheEntriesOf,
  entriesWithBytes,
  ENTRY_COLUMNS,
  entryBlobs,
  entryValues,
  smallOf,
} from './rows/cache-entry.js';
import type { RunState } from './rows/run.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Completed executions by fingerprint. An entry pins the blobs of its artifacts and reports and
 * outlives the run that made it; a newer execution with the same fingerprint replaces it.
 */
export function keepCacheEntry(batch: WriteBatch, run: RunState, entry: NewCacheEntry): void {
  const { connection, now } = batch;
  dropCacheEntry(connection, entry.fingerprint);
  const [n] = connection.get(
    `INSERT INTO cache_entries (${ENTRY_COLUMNS}, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n`,
    ...entryValues(run.id, entry, now),
  ) as [number];
  for (const { hash, size, bytes } of entryBlobs(entry)) {
    batch.addBlob(hash, size, bytes);
    connection.run('INSERT OR IGNORE INTO entry_pins (entry, hash) VALUES (?, ?)', n, hash);
  }
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
    `SELECT ${ENTRY_COLUMNS} FROM cache_entries WHERE fingerprint IN (SELECT value FROM json_each(?))`,
    JSON.stringify(fingerprints),
  );
  const entries = cacheEntriesOf(rows, () => now);
  return entriesWithBytes(entries, readValues(connection, smallOf(entries)));
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
