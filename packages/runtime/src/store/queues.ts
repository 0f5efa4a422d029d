import type { QueueRow } from '@run-pipeline/core/ports';
import { listAgents } from './agents.js';
import type { Connection } from './connection.js';
import type { WriteBatch } from './write-batch.js';

/** Queues are names. They need not be created: a job or an agent that names one is enough. */
const ALWAYS = ['default', 'services'];

export function createQueue(batch: WriteBatch, name: string): void {
  batch.connection.run(
    'INSERT INTO queues (name, created, taken) VALUES (?, 1, 0) ON CONFLICT (name) DO UPDATE SET created = 1',
    name,
  );
}

/** A job was taken from it: its turn comes again after all others. */
export function countTaken(batch: WriteBatch, name: string, fence: number): void {
  batch.connection.run(
    'INSERT INTO queues (name, created, taken) VALUES (?, 0, ?) ON CONFLICT (name) DO UPDATE SET taken = excluded.taken',
    name,
    fence,
  );
}

/** Those that have waited longest first; of equals, in the given order. */
export function queuesByTurn(connection: Connection, queues: readonly string[]): readonly string[] {
  const sql = 'SELECT name, taken FROM queues WHERE name IN (SELECT value FROM json_each(?))';
  const taken = new Map(connection.all(sql, JSON.stringify(queues)) as [string, number][]);
  return queues.toSorted((a, b) => (taken.get(a) ?? 0) - (taken.get(b) ?? 0));
}

/** By name. */
export function listQueues(connection: Connection, now: number): readonly QueueRow[] {
  const waiting = new Map(
    (
      connection.all(
        `SELECT queue, count(*), min(queued_at) FROM tasks INDEXED BY tasks_waiting WHERE status = 'queued' GROUP BY queue`,
      ) as [string, number, number][]
    ).map(([queue, count, oldest]) => [queue, { count, oldest: new Date(oldest).toISOString() }]),
  );
  const running = new Map(
    connection.all(
      `SELECT queue, count(*) FROM tasks INDEXED BY tasks_held
       WHERE status = 'running' AND kind IS NOT NULL AND queue IS NOT NULL GROUP BY queue`,
    ) as [string, number][],
  );
  const agents = listAgents(connection, {}, now);
  const created = connection.all('SELECT name FROM queues WHERE created = 1').map(([name]) => String(name));
  const names = new Set([
    ...ALWAYS,
    ...created,
    ...waiting.keys(),
    ...running.keys(),
    ...agents.flatMap(({ queues }) => queues),
  ]);
  return [...names].sort().map((name) => ({
    name,
    waiting: waiting.get(name)?.count ?? 0,
    running: running.get(name) ?? 0,
    agents: agents.filter(({ queues, draining }) => !draining && queues.includes(name)).length,
    oldest: waiting.get(name)?.oldest,
  }));
}
