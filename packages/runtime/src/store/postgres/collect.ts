import type { Digest, RunId, TaskId } from '@run-pipeline/core/model';
import type { Collected, CollectPolicy } from '@run-pipeline/core/ports';
import { shrink, type Owned, type Victim } from '../rules/shrink.js';
import type { Sql, Transaction } from './connection.js';
import { forgetWriters } from './writers.js';

/**
 * Garbage collection of rows, by the rules of `../collect.ts`. Nobody pins anything meanwhile: it has the
 * lock of the pins alone. Leases are renewed without that lock, and a run or a task may so come to life
 * after it was chosen: what goes is locked, and looked at once more.
 */
export async function collect(sql: Transaction, policy: CollectPolicy): Promise<Collected> {
  const { now } = sql;
  let runs = await runsToRemove(sql, policy);
  let entries =
    policy.maxAgeMs === undefined
      ? []
      : await ns(sql, 'SELECT n FROM cache_entries WHERE last_used_at < $1', [now - policy.maxAgeMs]);
  const tasks = policy.maxAgeMs === undefined ? [] : await endedTasks(sql, now - policy.maxAgeMs);
  if (policy.maxSize !== undefined) {
    const options = { runs, entries, tasks, keepRuns: policy.keepRuns ?? 0, maxSize: policy.maxSize };
    ({ runs, entries } = await shrinkTo(sql, options));
  }

  await removeEntries(sql, entries);
  const ids = await removeRuns(sql, await stillIdle(sql, runs));
  await removeTasks(sql, [...tasks, ...(await forgottenProducers(sql))]);
  await sql.run(
    `DELETE FROM flights WHERE fingerprint IN
       (SELECT fingerprint FROM flights WHERE lease_until <= $1 ORDER BY fingerprint FOR UPDATE SKIP LOCKED)`,
    [now],
  );
  await sql.run(
    `DELETE FROM preimages p WHERE NOT EXISTS (SELECT 1 FROM step_preimages s WHERE s.preimage = p.n)
       AND NOT EXISTS (SELECT 1 FROM cache_entries e WHERE e.fingerprint = p.fingerprint)`,
  );
  await sql.run(
    'DELETE FROM shared_parts s WHERE NOT EXISTS (SELECT 1 FROM preimages p WHERE p.shared = s.hash)',
  );
  await forgetWriters(sql, 'seen_at < $1', now - FORGOTTEN_MS);
  const unpinned = PINNING_TABLES.map(
    (table) => `NOT EXISTS (SELECT 1 FROM ${table} p WHERE p.hash = b.hash)`,
  );
  const freed = await sql.query<readonly [Digest, number, boolean]>(
    `DELETE FROM blobs b WHERE ${unpinned.join(' AND ')} RETURNING hash, size, bytes IS NULL`,
  );
  const unreferenced = freed.filter(([, , outside]) => outside).map(([hash, size]) => ({ hash, size }));
  return {
    runs: ids,
    tasks: tasks.length,
    cacheEntries: entries.length,
    values: freed.length - unreferenced.length,
    unreferenced,
  };
}

const PINNING_TABLES = ['artifacts', 'run_pins', 'entry_pins', 'task_artifacts', 'task_pins'];

/** Whether anything references these contents. */
export async function pinned(sql: Sql, hashes: readonly Digest[]): Promise<ReadonlySet<Digest>> {
  const rows = await sql.query<readonly [Digest]>(
    PINNING_TABLES.map((table) => `SELECT hash FROM ${table} WHERE hash = ANY ($1::text[])`).join(' UNION '),
    [hashes],
  );
  return new Set(rows.map(([hash]) => hash));
}

const ns = async (sql: Sql, text: string, values: readonly unknown[]): Promise<readonly number[]> =>
  (await sql.query<readonly [number]>(text, values)).map(([n]) => n);

/**
 * Newest first in each pipeline; `busy`: somebody works on it, or shall. A run that waits for an agent
 * (lease 0) is known by its controller's task, which has the run's id and is made right after it.
 * `$1` is the time.
 */
const IDLE_RUNS = `SELECT r.n, r.created_at, row_number() OVER (PARTITION BY r.pipeline ORDER BY r.n DESC) AS place,
    r.lease_until > $1::bigint
      OR EXISTS (SELECT 1 FROM tasks t WHERE t.run = r.n AND t.status = 'running' AND t.lease_until > $1::bigint)
      OR EXISTS (SELECT 1 FROM tasks t WHERE t.id = r.id AND t.queue IS NOT NULL AND t.status IN ('queued', 'running'))
      OR r.status = 'queued' AND r.lease_until = 0 AND (r.created_at > $1::bigint - 3600000
        OR EXISTS (SELECT 1 FROM tasks t WHERE t.id = r.id AND t.status = 'created')) AS busy
  FROM runs r`;

async function runsToRemove(sql: Transaction, policy: CollectPolicy): Promise<readonly number[]> {
  const { keepRuns, maxAgeMs } = policy;
  if (keepRuns === undefined && maxAgeMs === undefined) return [];
  const youngest = maxAgeMs === undefined ? Number.MAX_SAFE_INTEGER : sql.now - maxAgeMs;
  return ns(
    sql,
    `SELECT n FROM (${IDLE_RUNS}) i WHERE NOT busy AND place > $2 AND created_at < $3 ORDER BY n`,
    [sql.now, keepRuns ?? 0, youngest],
  );
}

/** Of those, the ones that nobody has taken up since they were chosen; nobody can any more. */
async function stillIdle(sql: Transaction, runs: readonly number[]): Promise<readonly number[]> {
  if (runs.length === 0) return [];
  await sql.run('SELECT 1 FROM runs WHERE n = ANY ($1::bigint[]) ORDER BY n FOR UPDATE', [runs]);
  await sql.run('SELECT 1 FROM tasks WHERE run = ANY ($1::bigint[]) ORDER BY id FOR UPDATE', [runs]);
  return ns(sql, `SELECT n FROM (${IDLE_RUNS} WHERE r.n = ANY ($2::bigint[])) i WHERE NOT busy`, [
    sql.now,
    runs,
  ]);
}

/** Down to a size: see `../rules/shrink.ts`. */
async function shrinkTo(
  sql: Transaction,
  options: {
    readonly runs: readonly number[];
    readonly entries: readonly number[];
    readonly tasks: readonly TaskId[];
    readonly keepRuns: number;
    readonly maxSize: number;
  },
): Promise<{ readonly runs: readonly number[]; readonly entries: readonly number[] }> {
  const { keepRuns, ...removed } = options;
  const owned = async <Owner>(text: string): Promise<Owned<Owner>> =>
    sql.query<readonly [Owner, string]>(text);
  const victims = await sql.query<readonly [...Victim, number]>(
    `SELECT 'run', n, created_at FROM (${IDLE_RUNS}) i WHERE NOT busy AND place > $2
     UNION ALL SELECT 'entry', n, last_used_at FROM cache_entries ORDER BY 3, 2`,
    [sql.now, keepRuns],
  );
  return shrink({
    ...removed,
    runBlobs: await owned(
      `SELECT run, hash FROM artifacts UNION SELECT run, hash FROM run_pins
       UNION SELECT t.run, p.hash FROM (${TASK_BLOBS}) p JOIN tasks t ON t.id = p.task WHERE t.run IS NOT NULL`,
    ),
    entryBlobs: await owned(
      `SELECT entry, hash FROM entry_pins
       UNION SELECT e.n, p.hash FROM (${TASK_BLOBS}) p JOIN cache_entries e ON e.task = p.task`,
    ),
    taskBlobs: await owned(
      `SELECT p.task, p.hash FROM (${TASK_BLOBS}) p JOIN tasks t ON t.id = p.task
       WHERE t.run IS NULL AND (t.step IS NULL OR t.status = 'published')`,
    ),
    sizes: new Map(await sql.query<readonly [string, number]>('SELECT hash, size FROM blobs')),
    victims: victims.map(([kind, n]) => [kind, n] as const),
  });
}

const RUN_TABLES = ['events', 'artifacts', 'run_pins', 'run_documents', 'step_preimages'];

const TASK_BLOBS = 'SELECT task, hash FROM task_artifacts UNION SELECT task, hash FROM task_pins';

/** Locked: one of them might be enqueued again. */
async function endedTasks(sql: Sql, before: number): Promise<readonly TaskId[]> {
  const rows = await sql.query<readonly [TaskId]>(
    `SELECT id FROM tasks WHERE run IS NULL AND step IS NULL AND status IN ('completed', 'failed', 'aborted')
       AND finished_at < $1 ORDER BY id FOR UPDATE`,
    [before],
  );
  return rows.map(([id]) => id);
}

/** Steps of runs that are gone, which no cache entry names any more. */
async function forgottenProducers(sql: Sql): Promise<readonly TaskId[]> {
  const rows = await sql.query<readonly [TaskId]>(
    `SELECT id FROM tasks t WHERE run IS NULL AND step IS NOT NULL AND status <> 'published'
       AND NOT EXISTS (SELECT 1 FROM cache_entries e WHERE e.task = t.id)`,
  );
  return rows.map(([id]) => id);
}

const TASK_TABLES = ['task_records', 'task_documents', 'task_output', 'task_artifacts', 'task_pins'];

async function removeTasks(sql: Sql, tasks: readonly TaskId[]): Promise<void> {
  if (tasks.length === 0) return;
  await sql.run('DELETE FROM tasks WHERE id = ANY ($1::text[])', [tasks]);
  for (const table of TASK_TABLES) {
    const key = table === 'task_records' ? 'id' : 'task';
    await sql.run(`DELETE FROM ${table} WHERE ${key} = ANY ($1::text[])`, [tasks]);
  }
}

async function removeRuns(sql: Sql, runs: readonly number[]): Promise<readonly RunId[]> {
  if (runs.length === 0) return [];
  for (const table of RUN_TABLES) {
    await sql.run(`DELETE FROM ${table} WHERE run = ANY ($1::bigint[])`, [runs]);
  }
  const tasks = await sql.query<readonly [TaskId]>(
    `SELECT id FROM tasks t WHERE run = ANY ($1::bigint[]) AND status <> 'published'
       AND (NOT EXISTS (SELECT 1 FROM task_records c WHERE c.id = t.id)
         OR NOT EXISTS (SELECT 1 FROM cache_entries e WHERE e.task = t.id))`,
    [runs],
  );
  await removeTasks(
    sql,
    tasks.map(([id]) => id),
  );
  await sql.run('UPDATE tasks SET run = NULL WHERE run = ANY ($1::bigint[])', [runs]);
  const removed = await sql.query<readonly [number, RunId]>(
    'DELETE FROM runs WHERE n = ANY ($1::bigint[]) RETURNING n, id',
    [runs],
  );
  return removed.toSorted(([a], [b]) => a - b).map(([, id]) => id);
}

async function removeEntries(sql: Sql, entries: readonly number[]): Promise<void> {
  if (entries.length === 0) return;
  await sql.run('DELETE FROM entry_pins WHERE entry = ANY ($1::bigint[])', [entries]);
  await sql.run('DELETE FROM cache_entries WHERE n = ANY ($1::bigint[])', [entries]);
}

/** Far longer than anybody asks whether a COMMIT of his took place. */
const FORGOTTEN_MS = 86_400_000;
