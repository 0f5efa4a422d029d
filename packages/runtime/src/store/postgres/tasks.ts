import type { RunId, TaskId, TaskStatus } from '@run-pipeline/core/model';
import type { ProcessIdentity, Store, TaskClaim, TaskRow } from '@run-pipeline/core/ports';
import { decodeOwner, encodeOwner } from '../rows/owner.js';
import { CLAIMED_COLUMNS, FROM_CLAIMED, taskRowOf } from '../rows/task-row.js';
import { mayClaim } from '../rules/claim.js';
import type { Sql } from './connection.js';
import { timed } from './reading.js';
import { forgetAttempt, survivorsOf, taskState } from './task-state.js';
import type { WriteBatch } from './write-batch.js';

/**
 * The right of a run to execute one attempt of a task itself: see `rules/claim.ts`. The run's row is locked
 * all through, so that there is no second claim of the run, and no job of its.
 */
export async function claimTask(
  batch: WriteBatch,
  claim: TaskClaim,
): Promise<Awaited<ReturnType<Store['claimTask']>>> {
  const run = await batch.requireRun(claim.run);
  if (run.epoch !== claim.epoch) return { ok: false, holder: decodeOwner(run.owner) };
  const values = [
    claim.task,
    run.n,
    claim.step,
    claim.attempt,
    claim.epoch,
    encodeOwner(claim.executor),
    claim.leaseMs,
    batch.now,
  ];
  // Nearly always nobody had it before.
  const [first] = await batch.query<readonly [number]>(claimText(batch, 'DO NOTHING'), values);
  if (first !== undefined) return { ok: true, fence: first[0], survivors: [] };

  const held = await taskState(batch, claim.task);
  let survivors: readonly ProcessIdentity[] = [];
  if (held !== undefined) {
    if (!mayClaim(held, claim, { run: run.n, now: batch.now }))
      return { ok: false, holder: held.executor ?? decodeOwner(run.owner) };
    if (held.kind !== null) survivors = await survivorsOf(batch, held);
    // Nothing of an earlier attempt may show under this one.
    await forgetAttempt(batch, claim.task, claim.attempt);
  }
  const [row] = await batch.query<readonly [number]>(claimText(batch, REPLACE), values);
  return { ok: true, fence: row![0], survivors };
}

const claimText = (batch: WriteBatch, conflict: string): string =>
  `INSERT INTO tasks (id, run, step, attempt, fence, epoch, status, executor, lease_until, started_at)
   VALUES ($1, $2, $3, $4, nextval('fences'), $5, 'running', $6, ${batch.clock} + $7, $8)
   ON CONFLICT (id) ${conflict} RETURNING fence`;

/** As if it had never been another's. */
const REPLACE = `DO UPDATE SET run = excluded.run, step = excluded.step, attempt = excluded.attempt,
  fence = excluded.fence, epoch = excluded.epoch, status = excluded.status, executor = excluded.executor,
  lease_until = excluded.lease_until, started_at = excluded.started_at, error = NULL, finished_at = NULL,
  kind = NULL, queue = NULL, priority = NULL, place = NULL, queued_at = NULL, agent = NULL, identity = NULL,
  first_attempt = NULL, lost = NULL, stop = NULL, outputs = NULL, resources = '{}'`;

export async function heartbeatTask(
  sql: Sql,
  task: TaskId,
  fence: number,
  leaseMs: number,
): Promise<boolean> {
  const text = `UPDATE tasks SET lease_until = ${sql.clock} + $3 WHERE id = $1 AND fence = $2 AND status = 'running'`;
  return (await sql.run(text, [task, fence, leaseMs])) > 0;
}

export async function getTask(sql: Sql, task: TaskId): Promise<TaskRow | undefined> {
  const text = timed(sql, CLAIMED_COLUMNS, `${FROM_CLAIMED} AND t.id = $1`);
  const [row] = await sql.query(text, [task]);
  return row && taskRowOf(row, Number(row.at(-1)));
}

/** In the order in which they were claimed. */
export async function listTasks(
  sql: Sql,
  query: { readonly run?: RunId; readonly status?: readonly TaskStatus[] },
): Promise<readonly TaskRow[]> {
  const where: string[] = [FROM_CLAIMED];
  const values: unknown[] = [];
  if (query.run !== undefined)
    where.push(`t.run = (SELECT n FROM runs WHERE id = $${values.push(query.run)})`);
  if (query.status !== undefined) where.push(`t.status = ANY ($${values.push(query.status)}::text[])`);
  const text = timed(sql, CLAIMED_COLUMNS, `${where.join(' AND ')} ORDER BY t.fence`);
  return (await sql.query(text, values)).map((row) => taskRowOf(row, Number(row.at(-1))));
}
