import type { TaskId } from '@run-pipeline/core/model';
import type { AttemptState, ProcessIdentity, Store, TaskStop } from '@run-pipeline/core/ports';
import { ATTEMPT_COLUMNS, attemptOf } from '../rows/attempt.js';
import { encodeOwner } from '../rows/owner.js';
import { lostAgents, type OwnAttempt } from '../rows/task-state.js';
import { mayStart, startedAttempt } from '../rules/claim.js';
import { lacking } from '../rules/fitting.js';
import type { Sql } from './connection.js';
import { enqueueTask, isRecord, jobOf } from './jobs.js';
import { requeue } from './lost-attempts.js';
import { countBegun, lockLimits } from './queue-limits.js';
import { timed } from './reading.js';
import {
  endAttempt,
  endStopped,
  forgetAttempt,
  heldAttempt,
  mayAct,
  survivorsOf,
  taskState,
} from './task-state.js';
import { leaveToNext, lockRunOf } from './waiting-runs.js';
import type { WriteBatch } from './write-batch.js';
import { storedJson } from '../rows/stored-json.js';

/**
 * The attempts of tasks from queues and of scripts run by hand: as of `../attempts.ts`. Whoever claims has
 * locked the task first and the queue last, so that queues with a limit are held for as short as can be.
 */
export async function claimQueued(
  batch: WriteBatch,
  claim: Parameters<Store['claimQueued']>[0],
): Promise<Awaited<ReturnType<Store['claimQueued']>>> {
  const { task } = claim;
  const state = await taskState(batch, task);
  if (state?.status !== 'queued' || state.attempt !== claim.attempt) return { ok: false, reason: 'gone' };
  const queued = (await jobOf(batch, task))!;
  if (claim.queue !== undefined && claim.queue !== queued.queue) return { ok: false, reason: 'gone' };
  const [spec] = await batch.query<readonly [Uint8Array]>(
    `SELECT bytes FROM task_documents WHERE task = $1 AND name = 'spec'`,
    [task],
  );
  const survivors = await survivorsOf(batch, state, [state.executor]);
  const { limited, held } = await lockLimits(batch, queued.queue);
  if (held !== undefined) {
    const { retryMs } = held;
    return { ok: false, reason: 'limit', ...(retryMs !== undefined && { retryMs }) };
  }
  if (claim.offers !== undefined && lacking(queued.resources, claim.offers.free).length > 0)
    return { ok: false, reason: 'resources' };
  const [row] = await batch.query<readonly [number]>(
    `UPDATE tasks SET status = 'running', fence = nextval('fences'), executor = $2, agent = $3,
       lease_until = ${batch.clock} + $4, started_at = $5 WHERE id = $1 RETURNING fence`,
    [task, encodeOwner(claim.executor), claim.agent ?? null, claim.leaseMs, batch.now],
  );
  const [fence] = row!;
  await countBegun(batch, queued.queue, { fence, limited });
  return { ok: true, fence, job: { ...queued, spec: spec?.[0], lost: lostAgents(state), survivors } };
}

export async function setTaskExecutor(
  batch: WriteBatch,
  task: TaskId,
  fence: number,
  executor: ProcessIdentity,
): Promise<boolean> {
  const text = `UPDATE tasks SET executor = $3 WHERE id = $1 AND fence = $2 AND status = 'running'`;
  return (await batch.run(text, [task, fence, encodeOwner(executor)])) > 0;
}

export async function startTask(
  batch: WriteBatch,
  claim: Parameters<Store['startTask']>[0],
): Promise<Awaited<ReturnType<Store['startTask']>>> {
  const state = await taskState(batch, claim.task);
  if (state === undefined) return { ok: false };
  if (!mayStart(state.status, claim) || !(await isRecord(batch, claim.task)))
    return { ok: false, status: state.status };
  const attempt = startedAttempt(state);
  await forgetAttempt(batch, claim.task, attempt);
  const [row] = await batch.query<readonly [number]>(
    `UPDATE tasks SET status = 'running', attempt = $2, fence = nextval('fences'), executor = $3,
       lease_until = ${batch.clock} + $4, started_at = $5, finished_at = NULL, error = NULL, kind = 'task',
       queue = NULL, queued_at = NULL, agent = NULL, stop = NULL, outputs = 0, first_attempt = $2
     WHERE id = $1 RETURNING fence`,
    [claim.task, attempt, encodeOwner(claim.executor), claim.leaseMs, batch.now],
  );
  return { ok: true, fence: row![0] };
}

export async function leaveTask(
  batch: WriteBatch,
  task: TaskId,
  fence: number,
  options?: Parameters<Store['leaveTask']>[2],
): Promise<boolean> {
  const state = await heldAttempt(batch, task, fence);
  if (state === undefined || state.queue !== null) return false;
  await forgetAttempt(batch, task, state.attempt);
  await batch.run(
    `UPDATE tasks SET status = 'created', attempt = $2, executor = NULL, lease_until = 0, started_at = NULL,
       stop = NULL, outputs = 0 WHERE id = $1`,
    [task, state.attempt - 1],
  );
  if (options !== undefined) await enqueueTask(batch, { task, kind: 'task', ...options });
  return true;
}

export async function releaseTask(
  batch: WriteBatch,
  task: TaskId,
  fence: number,
  reason: string,
): Promise<boolean> {
  // Of a step or a task of its own there is no run with its id.
  await lockRunOf(batch, task);
  const state = await heldAttempt(batch, task, fence);
  if (state === undefined || state.queue === null) return false;
  if (state.stop !== undefined && !(await leaveToNext(batch, state, state.stop)))
    await endStopped(batch, task, state.stop);
  else await requeue(batch, state, { reason, back: true });
  return true;
}

export async function abortTask(batch: WriteBatch, task: TaskId, reason: string): Promise<boolean> {
  const status = (await taskState(batch, task))?.status;
  if (status !== 'created' && status !== 'queued') return false;
  await endAttempt(batch, task, 'aborted', { name: 'TaskAborted', code: 'aborted', message: reason });
  return true;
}

export async function readAttempts(
  sql: Sql,
  tasks: readonly TaskId[],
): Promise<ReadonlyMap<TaskId, AttemptState>> {
  const text = timed(sql, ATTEMPT_COLUMNS, 'FROM tasks WHERE id = ANY ($1::text[]) AND kind IS NOT NULL');
  const rows = await sql.query(text, [tasks]);
  return new Map(rows.map((row) => attemptOf(row, Number(row.at(-1)))));
}

/** The first reason stays. */
export async function requestTaskStop(
  batch: WriteBatch,
  { task, attempt, by }: OwnAttempt,
  stop: TaskStop,
): Promise<boolean> {
  if (!(await mayAct(batch, by))) return false;
  const state = await taskState(batch, task);
  if (state?.status !== 'running' || state.attempt !== attempt) return false;
  if (state.stop === undefined)
    await batch.run('UPDATE tasks SET stop = $2 WHERE id = $1', [task, JSON.stringify(stop)]);
  return true;
}

export async function readTaskStops(
  sql: Sql,
  tasks: readonly TaskId[],
): Promise<ReadonlyMap<TaskId, TaskStop>> {
  const rows = await sql.query<readonly [TaskId, string]>(
    `SELECT id, stop FROM tasks WHERE id = ANY ($1::text[]) AND status = 'running' AND stop IS NOT NULL`,
    [tasks],
  );
  return new Map(rows.map(([id, stop]) => [id, storedJson(stop, 'a request to stop a task') as TaskStop]));
}
