import type { Digest } from '@run-pipeline/core/model';
import type { Sql } from './connection.js';

/** Bytes of small values, of those that are there. */
export async function readValues(
  sql: Sql,
  hashes: readonly Digest[],
): Promise<ReadonlyMap<Digest, Uint8Array>> {
  if (hashes.length === 0) return new Map();
  return new Map(
    await sql.query<readonly [Digest, Uint8Array]>(
      'SELECT hash, bytes FROM blobs WHERE hash = ANY ($1::text[]) AND bytes IS NOT NULL',
      [hashes],
    ),
  );
}
