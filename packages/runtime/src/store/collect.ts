import type { Digest, RunId, TaskId } from '@run-pipeline/core/model';
import type { Collected, CollectPolicy } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import { shrink, type Owned, type Victim } from './rules/shrink.js';
import type { WriteBatch } from './write-batch.js';

/**
 * Garbage collection of rows. What may go:
 *
 * - A run, when it is not among the `keepRuns` newest of its pipeline (0 when not given) and it is
 *   older than `maxAgeMs`, or no age is given but `keepRuns` is. With `maxSize`, the oldest of what is
 *   left go as long as more than that many bytes are referenced.
 * - A cache entry, when it was not used for `maxAgeMs`, or among the least recently used with
 *   `maxSize`. Removing a run does not remove the entries it made: that is what a cache is for.
 * - A task of its own, when it ended longer than `maxAgeMs` ago. Never one that waits, runs, was never
 *   started or is published. Tasks of runs go with their run, but for published ones.
 * - The record of a step outlives its run as long as a cache entry names it: who takes the result from the
 *   cache is told that task, and reads its parameters and artifacts.
 * - Blobs that nothing references then, preimages that no run and no entry has, claims that ran out.
 *
 * A run whose owner's or whose worker's lease lives, or that waits for an agent, is never removed. A dry run does the same and is
 * rolled back by the caller.
 */
export function collect(batch: WriteBatch, policy: CollectPolicy): Collected {
  const { connection, now } = batch;
  let runs: readonly number[] = runsToRemove(connection, policy, now);
  let entries: readonly number[] =
    policy.maxAgeMs === undefined
      ? []
      : ns(connection, 'SELECT n FROM cache_entries WHERE last_used_at < ?', now - policy.maxAgeMs);
  const tasks = policy.maxAgeMs === undefined ? [] : endedTasks(connection, now - policy.maxAgeMs);
  if (policy.maxSize !== undefined) {
    const options = { runs, entries, tasks, keepRuns: policy.keepRuns ?? 0, now };
    ({ runs, entries } = shrinkTo(connection, policy.maxSize, options));
  }

  removeEntries(connection, entries);
  const ids = removeRuns(connection, runs);
  removeTasks(connection, [...tasks, ...forgottenProducers(connection)]);
  connection.run('DELETE FROM flights WHERE lease_until <= ?', now);
  connection.run(
    `DELETE FROM preimages WHERE n NOT IN (SELECT preimage FROM step_preimages)
       AND fingerprint NOT IN (SELECT fingerprint FROM cache_entries)`,
  );
  connection.run(
    'DELETE FROM shared_parts WHERE hash NOT IN (SELECT shared FROM preimages WHERE shared IS NOT NULL)',
  );
  const freed = connection.all(
    `DELETE FROM blobs WHERE ${PINNING_TABLES.map((table) => `hash NOT IN (SELECT hash FROM ${table})`).join(' AND ')}
     RETURNING hash, size, bytes IS NULL`,
  ) as [Digest, number, number][];
  const unreferenced = freed.filter(([, , outside]) => outside === 1).map(([hash, size]) => ({ hash, size }));
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
export function pinned(connection: Connection, hashes: readonly Digest[]): ReadonlySet<Digest> {
  const rows = connection.all(
    `WITH wanted (hash) AS MATERIALIZED (SELECT value FROM json_each(?))
     ${PINNING_TABLES.map((table) => `SELECT hash FROM ${table} WHERE hash IN (SELECT hash FROM wanted)`).join(' UNION ')}`,
    JSON.stringify(hashes),
  );
  return new Set(rows.map(([hash]) => hash as Digest));
}

const ns = (connection: Connection, sql: string, ...values: readonly (number | string)[]): number[] =>
  connection.all(sql, ...values).map(([n]) => Number(n));

/**
 * Newest first in each pipeline; `busy`: somebody works on it, or shall. A run that waits for an agent
 * (lease 0) is known by its controller's task, which has the run's id and is made right after it.
 */
const IDLE_RUNS = `SELECT r.n, r.created_at, row_number() OVER (PARTITION BY r.pipeline ORDER BY r.n DESC) AS place,
    r.lease_until > ?1 OR EXISTS (SELECT 1 FROM tasks t WHERE t.run = r.n AND t.status = 'running' AND t.lease_until > ?1)
      OR EXISTS (SELECT 1 FROM tasks t WHERE t.id = r.id AND t.queue IS NOT NULL AND t.status IN ('queued', 'running'))
      OR r.status = 'queued' AND r.lease_until = 0 AND (r.created_at > ?1 - 3600000
        OR EXISTS (SELECT 1 FROM tasks t WHERE t.id = r.id AND t.status = 'created')) AS busy
  FROM runs r`;

function runsToRemove(connection: Connection, policy: CollectPolicy, now: number): number[] {
  const { keepRuns, maxAgeMs } = policy;
  if (keepRuns === undefined && maxAgeMs === undefined) return [];
  const youngest = maxAgeMs === undefined ? Number.MAX_SAFE_INTEGER : now - maxAgeMs;
  const sql = `SELECT n FROM (${IDLE_RUNS}) WHERE NOT busy AND place > ?2 AND created_at < ?3 ORDER BY n`;
  return ns(connection, sql, now, keepRuns ?? 0, youngest);
}

/** Down to a size: see `rules/shrink.ts`. */
function shrinkTo(
  connection: Connection,
  maxSize: number,
  options: {
    readonly runs: readonly number[];
    readonly entries: readonly number[];
    readonly tasks: readonly TaskId[];
    readonly keepRuns: number;
    readonly now: number;
  },
): { readonly runs: readonly number[]; readonly entries: readonly number[] } {
  const { keepRuns, now, ...removed } = options;
  const owned = <Owner>(sql: string): Owned<Owner> => connection.all(sql) as unknown as Owned<Owner>;
  return shrink({
    ...removed,
    maxSize,
    runBlobs: owned(
      `SELECT run, hash FROM artifacts UNION SELECT run, hash FROM run_pins
       UNION SELECT t.run, p.hash FROM (${TASK_BLOBS}) p JOIN tasks t ON t.id = p.task WHERE t.run IS NOT NULL`,
    ),
    entryBlobs: owned(
      `SELECT entry, hash FROM entry_pins
       UNION SELECT e.n, p.hash FROM (${TASK_BLOBS}) p JOIN cache_entries e ON e.task = p.task`,
    ),
    taskBlobs: owned(
      `SELECT p.task, p.hash FROM (${TASK_BLOBS}) p JOIN tasks t ON t.id = p.task
       WHERE t.run IS NULL AND (t.step IS NULL OR t.status = 'published')`,
    ),
    sizes: new Map(connection.all('SELECT hash, size FROM blobs') as [string, number][]),
    victims: connection.all(
      `SELECT 'run', n, created_at FROM (${IDLE_RUNS}) WHERE NOT busy AND place > ?2
       UNION ALL SELECT 'entry', n, last_used_at FROM cache_entries ORDER BY 3, 2`,
      now,
      keepRuns,
    ) as unknown as Victim[],
  });
}

const RUN_TABLES = ['events', 'artifacts', 'run_pins', 'run_documents', 'step_preimages'];

const TASK_BLOBS = 'SELECT task, hash FROM task_artifacts UNION SELECT task, hash FROM task_pins';

function endedTasks(connection: Connection, before: number): readonly TaskId[] {
  return connection
    .all(
      `SELECT id FROM tasks WHERE run IS NULL AND step IS NULL AND status IN ('completed', 'failed', 'aborted') AND finished_at < ?`,
      before,
    )
    .map(([id]) => id as TaskId);
}

/** Steps of runs that are gone, which no cache entry names any more. */
const forgottenProducers = (connection: Connection): readonly TaskId[] =>
  connection
    .all(
      `SELECT id FROM tasks WHERE run IS NULL AND step IS NOT NULL AND status <> 'published'
         AND id NOT IN (SELECT task FROM cache_entries)`,
    )
    .map(([id]) => id as TaskId);

const TASK_TABLES = ['task_records', 'task_documents', 'task_output', 'task_artifacts', 'task_pins'];

function removeTasks(connection: Connection, tasks: readonly TaskId[]): void {
  if (tasks.length === 0) return;
  const list = JSON.stringify(tasks);
  connection.run('DELETE FROM tasks WHERE id IN (SELECT value FROM json_each(?))', list);
  for (const table of TASK_TABLES) {
    const key = table === 'task_records' ? 'id' : 'task';
    connection.run(`DELETE FROM ${table} WHERE ${key} IN (SELECT value FROM json_each(?))`, list);
  }
}

function removeRuns(connection: Connection, runs: readonly number[]): readonly RunId[] {
  if (runs.length === 0) return [];
  const list = JSON.stringify(runs);
  for (const table of RUN_TABLES) {
    connection.run(`DELETE FROM ${table} WHERE run IN (SELECT value FROM json_each(?))`, list);
  }
  const tasks = connection.all(
    `SELECT id FROM tasks WHERE run IN (SELECT value FROM json_each(?)) AND status <> 'published'
       AND (id NOT IN (SELECT id FROM task_records) OR id NOT IN (SELECT task FROM cache_entries))`,
    list,
  );
  removeTasks(
    connection,
    tasks.map(([id]) => id as TaskId),
  );
  connection.run('UPDATE tasks SET run = NULL WHERE run IN (SELECT value FROM json_each(?))', list);
  return connection
    .all('DELETE FROM runs WHERE n IN (SELECT value FROM json_each(?)) RETURNING id', list)
    .map(([id]) => id as RunId);
}

function removeEntries(connection: Connection, entries: readonly number[]): void {
  if (entries.length === 0) return;
  const list = JSON.stringify(entries);
  connection.run('DELETE FROM entry_pins WHERE entry IN (SELECT value FROM json_each(?))', list);
  connection.run('DELETE FROM cache_entries WHERE n IN (SELECT value FROM json_each(?))', list);
}
