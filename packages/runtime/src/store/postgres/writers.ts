import type { Sql } from './connection.js';

/**
 * Removes rows of connections that are gone for good, chosen by a condition on `$1`. Their sum stays: it may
 * never be what it was before.
 */
export async function forgetWriters(sql: Sql, condition: string, value: unknown): Promise<void> {
  await sql.run(
    `WITH gone AS (DELETE FROM writers WHERE id <> '' AND ${condition} RETURNING last)
     INSERT INTO writers AS w (id, last, seen_at) SELECT '', sum(last), 0 FROM gone HAVING count(*) > 0
     ON CONFLICT (id) DO UPDATE SET last = w.last + excluded.last`,
    [value],
  );
}
