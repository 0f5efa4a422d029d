import type { QueueRow } from '@run-pipeline/core/ports';
import { listAgents } from './agents.js';
import type { Connection } from './connection.js';
import { LIMIT_COLUMNS, queueRows, queuesInTurn } from './rows/queue.js';
import type { WriteBatch } from './write-batch.js';

export function createQueue(batch: WriteBatch, name: string): void {
  batch.connection.run(
    'INSERT INTO queues (name, created, taken) VALUES (?, 1, 0) ON CONFLICT (name) DO UPDATE SET created = 1',
    name,
  );
}

/** Those that have waited longest first; of equals, in the given order. */
export function queuesByTurn(connection: Connection, queues: readonly string[]): readonly string[] {
  const sql = 'SELECT name, taken FROM queues WHERE name IN (SELECT value FROM json_each(?))';
  return queuesInTurn(queues, connection.all(sql, JSON.stringify(queues)));
}

/** By name. */
export function listQueues(connection: Connection, now: number): readonly QueueRow[] {
  return queueRows({
    waiting: connection.all(
      `SELECT queue, count(*), min(queued_at) FROM tasks INDEXED BY tasks_waiting WHERE status = 'queued' GROUP BY queue`,
    ),
    running: connection.all(
      `SELECT queue, count(*) FROM tasks INDEXED BY tasks_held
       WHERE status = 'running' AND kind IS NOT NULL AND queue IS NOT NULL GROUP BY queue`,
    ),
    created: connection.all('SELECT name FROM queues WHERE created = 1').map(([name]) => String(name)),
    limits: connection.all(
      `SELECT ${LIMIT_COLUMNS}, name FROM queues WHERE concurrency IS NOT NULL OR rate_max IS NOT NULL`,
    ),
    agents: listAgents(connection, {}, now),
  });
}
