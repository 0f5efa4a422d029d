import type { AgentRow, NewAgent, Store } from '@run-pipeline/core/ports';
import { AGENT_COLUMNS, agentOf, serving } from '../rows/agent.js';
import { encodeOwner } from '../rows/owner.js';
import { encodeResources } from '../rows/resources.js';
import type { Sql } from './connection.js';
import type { WriteBatch } from './write-batch.js';

/** Rows of agents that never said goodbye go after this long, when the next one comes. */
const FORGOTTEN_MS = 3_600_000;

export async function registerAgent(batch: WriteBatch, agent: NewAgent): Promise<void> {
  // One that another agent removes at this moment is gone: nobody waits for it.
  await batch.run(
    `DELETE FROM agents WHERE id IN (SELECT id FROM agents WHERE lease_until < $1 ORDER BY id FOR UPDATE SKIP LOCKED)`,
    [batch.now - FORGOTTEN_MS],
  );
  await batch.run(
    `INSERT INTO agents (id, identity, queues, concurrency, resources, version, running, draining, lease_ms,
       lease_until, started_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, '[]', 0, $7, $8, $9, $9)
     ON CONFLICT (id) DO UPDATE SET identity = excluded.identity, queues = excluded.queues,
       concurrency = excluded.concurrency, resources = excluded.resources, version = excluded.version,
       running = excluded.running, draining = excluded.draining, lease_ms = excluded.lease_ms,
       lease_until = excluded.lease_until, started_at = excluded.started_at, seen_at = excluded.seen_at`,
    [
      agent.id,
      encodeOwner(agent.identity),
      JSON.stringify(agent.queues),
      agent.concurrency,
      encodeResources(agent.resources),
      agent.version,
      agent.leaseMs,
      batch.now + agent.leaseMs,
      batch.now,
    ],
  );
}

export async function heartbeatAgent(
  sql: Sql,
  agent: string,
  state: Parameters<Store['heartbeatAgent']>[1],
): Promise<boolean> {
  const text = `UPDATE agents SET running = $2, draining = $3, lease_ms = $4, lease_until = ${sql.clock} + $4,
    seen_at = ${sql.clock} WHERE id = $1`;
  return (
    (await sql.run(text, [agent, JSON.stringify(state.running), state.draining ? 1 : 0, state.leaseMs])) > 0
  );
}

export async function removeAgent(batch: WriteBatch, agent: string): Promise<void> {
  await batch.run('DELETE FROM agents WHERE id = $1', [agent]);
}

/** Longest at work first. */
export async function listAgents(
  sql: Sql,
  { queue }: NonNullable<Parameters<Store['listAgents']>[0]>,
): Promise<readonly AgentRow[]> {
  const rows = await sql.query(
    `SELECT ${AGENT_COLUMNS} FROM agents WHERE lease_until > ${sql.clock} ORDER BY started_at, id`,
  );
  return serving(rows.map(agentOf), queue);
}
