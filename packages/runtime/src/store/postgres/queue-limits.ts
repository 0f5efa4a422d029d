import type { QueueLimits, QueueLimitsEdit } from '@run-pipeline/core/ports';
import { LIMIT_COLUMNS, limitsOf } from '../rows/queue.js';
import { heldBack, type HeldBack } from '../rules/limits.js';
import type { Sql } from './connection.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Limits of queues hold over all who claim, at any time:
 *
 * - Who claims holds the queue's row `FOR KEY SHARE` until COMMIT, and who changes limits takes it
 *   `FOR UPDATE`: a limit holds for every claim that is committed after it was set.
 * - Where there is a limit, claims come one after the other (`FOR NO KEY UPDATE`): each sees what all
 *   before it left, and by a clock that is read after it had to wait.
 * - Without one they do not wait for each other; whose turn it is (`taken`) is then noted by one of them.
 */
export async function lockLimits(
  batch: WriteBatch,
  queue: string,
): Promise<{ readonly limited: boolean; readonly held: HeldBack | undefined }> {
  let [row] = await batch.query(LOCK_SHARED, [queue]);
  if (row === undefined) {
    await batch.run(
      'INSERT INTO queues (name, created, taken) VALUES ($1, 0, 0) ON CONFLICT (name) DO NOTHING',
      [queue],
    );
    [row] = await batch.query(LOCK_SHARED, [queue]);
  }
  const { concurrency, rate } = limitsOf(row!);
  if (concurrency === undefined && rate === undefined) return { limited: false, held: undefined };
  await batch.query('SELECT FROM queues WHERE name = $1 FOR NO KEY UPDATE', [queue]);
  const [state] = await queueStates(batch, [queue]);
  return { limited: true, held: state?.held };
}

const LOCK_SHARED = `SELECT ${LIMIT_COLUMNS} FROM queues WHERE name = $1 FOR KEY SHARE`;

/** A job was taken from it: its turn comes again after all others. After `lockLimits` in the same change. */
export async function countBegun(
  batch: WriteBatch,
  queue: string,
  { fence, limited }: { readonly fence: number; readonly limited: boolean },
): Promise<void> {
  if (!limited) {
    await batch.run(
      `UPDATE queues SET taken = greatest(taken, $2)
       WHERE name = (SELECT name FROM queues WHERE name = $1 FOR NO KEY UPDATE SKIP LOCKED)`,
      [queue, fence],
    );
    return;
  }
  const [row] = await batch.query<readonly [number | null, number]>(
    `UPDATE queues SET taken = $2, begun = begun + CASE WHEN rate_max IS NULL THEN 0 ELSE 1 END
     WHERE name = $1 RETURNING rate_max, begun`,
    [queue, fence],
  );
  const [max, begun] = row!;
  if (max === null) return;
  const text = `INSERT INTO queue_begun (queue, n, at) VALUES ($1, $2, ${batch.clock})`;
  await batch.run(text, [queue, begun]);
  await batch.run('DELETE FROM queue_begun WHERE queue = $1 AND n <= $2', [queue, begun - max]);
}

interface QueueState {
  readonly name: string;
  readonly held: HeldBack | undefined;
  /** Fence of the job that was last taken from it. */
  readonly taken: number;
}

/** What keeps jobs of these queues from being begun, of those that have a row. */
export async function queueStates(sql: Sql, queues: readonly string[]): Promise<readonly QueueState[]> {
  const rows = await sql.query(
    `SELECT ${LIMIT_COLUMNS}, name, taken,
       CASE WHEN concurrency IS NULL THEN 0 ELSE (SELECT count(*) FROM tasks t
         WHERE t.status = 'running' AND t.kind IS NOT NULL AND t.queue = queues.name) END,
       (SELECT at FROM queue_begun b WHERE b.queue = queues.name AND b.n = queues.begun - queues.rate_max + 1),
       ${sql.clock}
     FROM queues WHERE name = ANY ($1::text[])`,
    [queues],
  );
  return rows.map((row) => {
    const [name, taken, running, begunAt, now] = row.slice(3) as [
      string,
      number,
      number,
      number | null,
      number,
    ];
    const held = heldBack(limitsOf(row), { running, begunAt: begunAt ?? undefined, now });
    return { name, held, taken };
  });
}

export async function setQueueLimits(
  batch: WriteBatch,
  queue: string,
  { concurrency, rate }: QueueLimitsEdit,
): Promise<QueueLimits> {
  await batch.run(
    'INSERT INTO queues (name, created, taken) VALUES ($1, 1, 0) ON CONFLICT (name) DO NOTHING',
    [queue],
  );
  // Waits for every claim that began before there was this limit.
  await batch.query('SELECT FROM queues WHERE name = $1 FOR UPDATE', [queue]);
  await batch.run('UPDATE queues SET created = 1 WHERE name = $1', [queue]);
  if (concurrency !== undefined)
    await batch.run('UPDATE queues SET concurrency = $2 WHERE name = $1', [queue, concurrency]);
  if (rate !== undefined) {
    const text = 'UPDATE queues SET rate_max = $2, rate_per_ms = $3 WHERE name = $1';
    await batch.run(text, [queue, rate?.max ?? null, rate?.perMs ?? null]);
    // What is begun while there is none is not counted: what was before says nothing when there is one again.
    if (rate === null) await batch.run('DELETE FROM queue_begun WHERE queue = $1', [queue]);
  }
  const [row] = await batch.query(`SELECT ${LIMIT_COLUMNS} FROM queues WHERE name = $1`, [queue]);
  return limitsOf(row!);
}
