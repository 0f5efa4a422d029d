import type { NextQueued, Store } from '@run-pipeline/core/ports';
import { queuesInTurn } from '../rows/queue.js';
import { nextJob } from '../rules/next-job.js';
import type { Sql } from './connection.js';
import { firstQueued } from './jobs.js';
import { queueStates } from './queue-limits.js';

/** `kinds` are those to leave alone. */
export async function nextQueued(
  sql: Sql,
  { queues, order, kinds = [], offers }: Parameters<Store['nextQueued']>[0],
): Promise<NextQueued> {
  const waiting = await firstQueued(sql, queues);
  const filled = queues.flatMap((queue) => {
    const jobs = (waiting.get(queue) ?? []).filter(({ kind }) => !kinds.includes(kind));
    return jobs.length === 0 ? [] : [{ queue, jobs }];
  });
  if (filled.length === 0) return { job: undefined, retryMs: undefined };
  const names = filled.map(({ queue }) => queue);
  const states = await queueStates(sql, names);
  const taken = states.map(({ name, taken: fence }) => [name, fence] as const);
  const inTurn = order === 'fair' ? queuesInTurn(names, taken) : names;
  return nextJob(
    inTurn.map((name) => ({
      jobs: filled.find(({ queue }) => queue === name)!.jobs,
      held: states.find((state) => state.name === name)?.held,
    })),
    offers,
  );
}
