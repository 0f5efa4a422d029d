import type { AgentRow, QueueLimits, QueueRow } from '@run-pipeline/core/ports';
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
  /** Of those that have some: `LIMIT_COLUMNS`, name. */
  readonly limits: readonly Row[];
  readonly agents: readonly AgentRow[];
}): readonly QueueRow[] {
  const waiting = new Map(
    (rows.waiting as [string, number, number][]).map(([queue, count, oldest]) => [
      queue,
      { count, oldest: new Date(oldest).toISOString() },
    ]),
  );
  const running = new Map(rows.running as [string, number][]);
  const limits = new Map(rows.limits.map((row) => [String(row[3]), limitsOf(row)]));
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
    limits: limits.get(name) ?? {},
  }));
}

export const LIMIT_COLUMNS = 'concurrency, rate_max, rate_per_ms';

/** `row` begins with `LIMIT_COLUMNS`. */
export function limitsOf(row: Row): QueueLimits {
  const [concurrency, max, perMs] = row as [number | null, number | null, number | null];
  return {
    ...(concurrency !== null && { concurrency }),
    ...(max !== null && perMs !== null && { rate: { max, perMs } }),
  };
}

/** Those that have waited longest first; of equals, in the given order. `taken`: rows of name and fence. */
export function queuesInTurn(queues: readonly string[], taken: readonly Row[]): readonly string[] {
  const fences = new Map(taken as [string, number][]);
  return queues.toSorted((a, b) => (fences.get(a) ?? 0) - (fences.get(b) ?? 0));
}
