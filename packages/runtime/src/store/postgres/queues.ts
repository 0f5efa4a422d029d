import type { QueueRow } from '@run-pipeline/core/ports';
import { LIMIT_COLUMNS, queueRows } from '../rows/queue.js';
import { listAgents } from './agents.js';
import type { Sql } from './connection.js';
import type { WriteBatch } from './write-batch.js';

export async function createQueue(batch: WriteBatch, name: string): Promise<void> {
  await batch.run(
    `INSERT INTO queues (name, created, taken) VALUES ($1, 1, 0)
     ON CONFLICT (name) DO UPDATE SET created = 1 WHERE queues.created = 0`,
    [name],
  );
}

/** By name. */
export async function listQueues(sql: Sql): Promise<readonly QueueRow[]> {
  const waiting = await sql.query(
    `SELECT queue, count(*), min(queued_at) FROM tasks WHERE status = 'queued' GROUP BY queue`,
  );
  const running = await sql.query(
    `SELECT queue, count(*) FROM tasks
     WHERE status = 'running' AND kind IS NOT NULL AND queue IS NOT NULL GROUP BY queue`,
  );
  const created = await sql.query<readonly [string]>('SELECT name FROM queues WHERE created = 1');
  const limits = await sql.query(
    `SELECT ${LIMIT_COLUMNS}, name FROM queues WHERE concurrency IS NOT NULL OR rate_max IS NOT NULL`,
  );
  const agents = await listAgents(sql, {});
  return queueRows({ waiting, running, created: created.map(([name]) => name), limits, agents });
}
