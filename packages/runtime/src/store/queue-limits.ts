import type { QueueLimits, QueueLimitsEdit } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { createQueue } from './queues.js';
import { LIMIT_COLUMNS, limitsOf } from './rows/queue.js';
import { heldBack, type HeldBack } from './rules/limits.js';
import type { WriteBatch } from './write-batch.js';

/** What keeps jobs of a queue from being begun at this time. */
export function heldNow(connection: Connection, queue: string, now: number): HeldBack | undefined {
  const row = connection.get(`SELECT ${LIMIT_COLUMNS}, begun FROM queues WHERE name = ?`, queue);
  if (row === undefined) return undefined;
  const limits = limitsOf(row);
  return heldBack(limits, {
    running: limits.concurrency === undefined ? 0 : countRunning(connection, queue),
    begunAt: limits.rate && begunAt(connection, queue, Number(row.at(-1)) - limits.rate.max + 1),
    now,
  });
}

const countRunning = (connection: Connection, queue: string): number =>
  Number(
    connection.get(
      `SELECT count(*) FROM tasks INDEXED BY tasks_held WHERE status = 'running' AND kind IS NOT NULL AND queue = ?`,
      queue,
    )?.[0],
  );

function begunAt(connection: Connection, queue: string, n: number): number | undefined {
  const row = connection.get('SELECT at FROM queue_begun WHERE queue = ? AND n = ?', queue, n);
  return row && Number(row[0]);
}

/** A job was taken from it: its turn comes again after all others. */
export function countBegun(batch: WriteBatch, queue: string, fence: number): void {
  const { connection, now } = batch;
  const [max, begun] = connection.get(
    `INSERT INTO queues (name, created, taken) VALUES (?, 0, ?)
     ON CONFLICT (name) DO UPDATE SET taken = excluded.taken, begun = begun + (rate_max IS NOT NULL)
     RETURNING rate_max, begun`,
    queue,
    fence,
  ) as [number | null, number];
  if (max === null) return;
  connection.run('INSERT INTO queue_begun (queue, n, at) VALUES (?, ?, ?)', queue, begun, now);
  connection.run('DELETE FROM queue_begun WHERE queue = ? AND n <= ?', queue, begun - max);
}

export function setQueueLimits(batch: WriteBatch, queue: string, edit: QueueLimitsEdit): QueueLimits {
  const { connection } = batch;
  const { concurrency, rate } = edit;
  createQueue(batch, queue);
  if (concurrency !== undefined)
    connection.run('UPDATE queues SET concurrency = ? WHERE name = ?', concurrency, queue);
  if (rate !== undefined) {
    const sql = 'UPDATE queues SET rate_max = ?, rate_per_ms = ? WHERE name = ?';
    connection.run(sql, rate?.max ?? null, rate?.perMs ?? null, queue);
    // What is begun while there is none is not counted: what was before says nothing when there is one again.
    if (rate === null) connection.run('DELETE FROM queue_begun WHERE queue = ?', queue);
  }
  return limitsOf(connection.get(`SELECT ${LIMIT_COLUMNS} FROM queues WHERE name = ?`, queue)!);
}
