import type { TaskId } from '@run-pipeline/core/model';
import type { AgentRow } from '@run-pipeline/core/ports';
import { decodeOwner } from './owner.js';
import { decodeResources } from './resources.js';
import type { Row } from './row.js';
import { storedJson } from './stored-json.js';

export const AGENT_COLUMNS =
  'id, identity, queues, concurrency, version, running, draining, lease_ms, started_at, seen_at, resources';

export function agentOf(row: Row): AgentRow {
  const [id, identity, queues, concurrency, version, running, draining, leaseMs, ...rest] = row as [
    string,
    string,
    string,
    number,
    string,
    string,
    number,
    number,
    number,
    number,
    string,
  ];
  const [startedAt, seenAt, resources] = rest;
  return {
    id,
    identity: decodeOwner(identity),
    queues: storedJson(queues, 'the row of an agent') as string[],
    concurrency,
    resources: decodeResources(resources),
    leaseMs,
    version,
    running: storedJson(running, 'the row of an agent') as TaskId[],
    draining: draining === 1,
    startedAt: new Date(startedAt).toISOString(),
    seenAt: new Date(seenAt).toISOString(),
  };
}

/** Those that serve `queue` and do not drain; all when none is asked for. */
export const serving = (agents: readonly AgentRow[], queue: string | undefined): readonly AgentRow[] =>
  queue === undefined ? agents : agents.filter(({ queues, draining }) => !draining && queues.includes(queue));
