import type { NextQueued, Store } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { firstQueued } from './jobs.js';
import { heldNow } from './queue-limits.js';
import { queuesByTurn } from './queues.js';
import { nextJob, type WaitingQueue } from './rules/next-job.js';

type Query = Parameters<Store['nextQueued']>[0];

export const nextQueued = (connection: Connection, query: Query, now: number): NextQueued =>
  nextJob(waitingQueues(connection, query, now), query.offers);

/** `kinds` are those to leave alone. */
function* waitingQueues(
  connection: Connection,
  { queues, order, kinds = [] }: Query,
  now: number,
): Generator<WaitingQueue> {
  for (const queue of order === 'fair' ? queuesByTurn(connection, queues) : queues) {
    const jobs = firstQueued(connection, queue).filter(({ kind }) => !kinds.includes(kind));
    if (jobs.length > 0) yield { jobs, held: heldNow(connection, queue, now) };
  }
}
