import type { Digest, Fingerprint } from '@run-pipeline/core/model';
import type { CacheEntry, NewCacheEntry } from '@run-pipeline/core/ports';
import {
  cacheEntriesOf,
  entriesWithBytes,
  ENTRY_COLUMNS,
  entryBlobs,
  entryValues,
  smallOf,
} from '../rows/cache-entry.js';
import type { RunState } from '../rows/run.js';
import type { Parameters, Part } from './bulk-insert.js';
import type { Sql } from './connection.js';
import { timed } from './reading.js';
import { readValues } from './values.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Completed executions by fingerprint. An entry pins the blobs of its artifacts and reports and
 * outlives the run that made it; a newer execution with the same fingerprint replaces it.
 */
export function keepCacheEntry(batch: WriteBatch, run: RunState, entry: NewCacheEntry): void {
  const blobs = entryBlobs(entry);
  for (const { hash, size, bytes } of blobs) batch.addBlob(hash, size, bytes);
  batch.entries.add(
    entry.fingerprint,
    entryValues(run.id, entry, batch.now),
    blobs.map(({ hash }) => hash),
  );
}

/** In the order of `entryValues`. */
const TYPES = ['text', 'text', 'text', 'text', 'text', 'text', 'text', 'text', 'float8', 'bigint', 'bigint'];

/** Entries that wait to be written at the end of a transaction. */
export class NewEntries {
  readonly #entries = new Map<
    Fingerprint,
    { readonly values: readonly unknown[]; readonly pins: readonly Digest[] }
  >();

  add(fingerprint: Fingerprint, values: readonly unknown[], pins: readonly Digest[]): void {
    this.#entries.set(fingerprint, { values, pins });
  }

  fingerprints(): Iterable<Fingerprint> {
    return this.#entries.keys();
  }

  /** In the order of their fingerprints: two transactions with the same ones do not wait for each other. */
  take(parameters: Parameters): readonly Part[] {
    if (this.#entries.size === 0) return [];
    const entries = [...this.#entries.values()];
    const pins = [...this.#entries].flatMap(([fingerprint, { pins }]) =>
      pins.map((hash) => [fingerprint, hash] as const),
    );
    this.#entries.clear();
    const lists = TYPES.map(
      (type, index) => `${parameters.add(entries.map(({ values }) => values[index]))}::${type}[]`,
    );
    const pinLists = [0, 1].map((at) => `${parameters.add(pins.map((pin) => pin[at]))}::text[]`);
    return [
      {
        name: 'entry_blobs',
        text: `SELECT DISTINCT * FROM unnest(${pinLists.join(', ')}) AS w (fingerprint, hash)`,
      },
      {
        name: 'kept_entries',
        text: `INSERT INTO cache_entries (${ENTRY_COLUMNS}, last_used_at)
          SELECT * FROM unnest(${lists.join(', ')}) AS new (${ENTRY_COLUMNS}, last_used_at) ORDER BY fingerprint
          ON CONFLICT (fingerprint) DO UPDATE SET
            ${REPLACED.map((column) => `${column} = excluded.${column}`).join(', ')}
          RETURNING n, fingerprint`,
      },
      {
        name: 'old_pins',
        text: `DELETE FROM entry_pins p USING kept_entries k WHERE p.entry = k.n AND NOT EXISTS (
            SELECT 1 FROM entry_blobs w WHERE w.fingerprint = k.fingerprint AND w.hash = p.hash)`,
      },
      {
        name: 'new_pins',
        text: `INSERT INTO entry_pins (entry, hash)
          SELECT k.n, w.hash FROM kept_entries k JOIN entry_blobs w ON w.fingerprint = k.fingerprint
          ON CONFLICT DO NOTHING`,
      },
    ];
  }
}

const REPLACED = [...ENTRY_COLUMNS.split(', ').filter((column) => column !== 'fingerprint'), 'last_used_at'];

export async function dropCacheEntry(batch: WriteBatch, fingerprint: Fingerprint): Promise<void> {
  await batch.run(
    `WITH gone AS (DELETE FROM cache_entries WHERE fingerprint = $1 RETURNING n)
     DELETE FROM entry_pins WHERE entry IN (SELECT n FROM gone)`,
    [fingerprint],
  );
}

export async function findCacheEntries(
  sql: Sql,
  fingerprints: readonly Fingerprint[],
): Promise<ReadonlyMap<Fingerprint, CacheEntry>> {
  const rows = await sql.query(
    timed(sql, ENTRY_COLUMNS, 'FROM cache_entries WHERE fingerprint = ANY ($1::text[])'),
    [fingerprints],
  );
  const entries = cacheEntriesOf(rows, (row) => Number(row.at(-1)));
  return entriesWithBytes(entries, await readValues(sql, smallOf(entries)));
}
