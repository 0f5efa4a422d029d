import type { AgentRow, NewAgent, Store } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { AGENT_COLUMNS, agentOf, serving } from './rows/agent.js';
import { encodeOwner } from './rows/owner.js';
import { encodeResources } from './rows/resources.js';
import type { WriteBatch } from './write-batch.js';

/** Rows of agents that never said goodbye go after this long, when the next one comes. */
const FORGOTTEN_MS = 3_600_000;

export function registerAgent(batch: WriteBatch, agent: NewAgent): void {
  const { connection, now } = batch;
  connection.run('DELETE FROM agents WHERE lease_until < ?', now - FORGOTTEN_MS);
  connection.run(
    `INSERT OR REPLACE INTO agents (id, identity, queues, concurrency, resources, version, running, draining,
       lease_ms, lease_until, started_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, '[]', 0, ?, ?, ?, ?)`,
    agent.id,
    encodeOwner(agent.identity),
    JSON.stringify(agent.queues),
    agent.concurrency,
    encodeResources(agent.resources),
    agent.version,
    agent.leaseMs,
    now + agent.leaseMs,
    now,
    now,
  );
}

export function heartbeatAgent(
  batch: WriteBatch,
  agent: string,
  state: Parameters<Store['heartbeatAgent']>[1],
): boolean {
  const sql =
    'UPDATE agents SET running = ?, draining = ?, lease_ms = ?, lease_until = ?, seen_at = ? WHERE id = ?';
  const { now } = batch;
  const running = JSON.stringify(state.running);
  const changed = batch.connection.run(
    sql,
    running,
    state.draining ? 1 : 0,
    state.leaseMs,
    now + state.leaseMs,
    now,
    agent,
  );
  return changed > 0;
}

export function removeAgent(batch: WriteBatch, agent: string): void {
  batch.connection.run('DELETE FROM agents WHERE id = ?', agent);
}

/** Longest at work first. */
export function listAgents(
  connection: Connection,
  query: NonNullable<Parameters<Store['listAgents']>[0]>,
  now: number,
): readonly AgentRow[] {
  const sql = `SELECT ${AGENT_COLUMNS} FROM agents WHERE lease_until > ? ORDER BY started_at, id`;
  return serving(connection.all(sql, now).map(agentOf), query.queue);
}
