import type { AgentRow, QueueRow } from '@run-pipeline/core/ports';
import { serving } from './agent.js';
import type { Row } from './row.js';

/** Queues are names. They need not be created: a job or an agent that names one is enough. */
const ALWAYS = ['default', 'services'];

/** By name. */
export function queueRows(rows: {
  /** Name, number of jobs, time of the oldest. */
  readonly waiting: readonly Row[];
  /** Name, number of attempts. */
  readonly running: readonly Row[];
  readonly created: readonly string[];
  readonly agents: readonly AgentRow[];
}): readonly QueueRow[] {
  const waiting = new Map(
    (rows.waiting as [string, number, number][]).map(([queue, count, oldest]) => [
      queue,
      { count, oldest: new Date(oldest).toISOString() },
    ]),
  );
  const running = new Map(rows.running as [string, number][]);
  const names = new Set([
    ...ALWAYS,
    ...rows.created,
    ...waiting.keys(),
    ...running.keys(),
    ...rows.agents.flatMap(({ queues }) => queues),
  ]);
  return [...names].sort().map((name) => ({
    name,
    waiting: waiting.get(name)?.count ?? 0,
    running: running.get(name) ?? 0,
    agents: serving(rows.agents, name).length,
    oldest: waiting.get(name)?.oldest,
  }));
}

/** Those that have waited longest first; of equals, in the given order. `taken`: rows of name and fence. */
export function queuesInTurn(queues: readonly string[], taken: readonly Row[]): readonly string[] {
  const fences = new Map(taken as [string, number][]);
  return queues.toSorted((a, b) => (fences.get(a) ?? 0) - (fences.get(b) ?? 0));
}
