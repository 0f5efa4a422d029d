import type { Fingerprint, RunId, StepName } from '@run-pipeline/core/model';
import type { Commit, PreimagePart, PreimageRow } from '@run-pipeline/core/ports';
import type { Connection, SqlRow } from './connection.js';
import { keptParts, PreimageReader, type LatestQuery } from './rows/preimage.js';
import type { RunState } from './rows/run.js';
import type { WriteBatch } from './write-batch.js';

/**
 * What fingerprints were made of, for `plan` and `why`. Kept once a fingerprint, so that a cached
 * run of 1,000 steps writes 1,000 references.
 */
export function keepPreimages(
  batch: WriteBatch,
  run: RunState,
  preimages: NonNullable<Commit['preimages']>,
): void {
  const { connection } = batch;
  const wanted = JSON.stringify(preimages.map(({ fingerprint }) => fingerprint));
  const known = new Set(
    connection
      .all('SELECT fingerprint FROM preimages WHERE fingerprint IN (SELECT value FROM json_each(?))', wanted)
      .map(([fingerprint]) => fingerprint),
  );
  for (const { step, fingerprint, parts } of preimages) {
    if (!known.has(fingerprint)) {
      known.add(fingerprint);
      keepParts(connection, fingerprint, parts);
    }
    batch.stepPreimages.add(run.pipeline, step, run.n, fingerprint);
  }
}

function keepParts(connection: Connection, fingerprint: Fingerprint, parts: readonly PreimagePart[]): void {
  const { own, shared, sharedAt } = keptParts(parts);
  if (shared !== undefined)
    connection.run(
      'INSERT OR IGNORE INTO shared_parts (hash, parts) VALUES (?, ?)',
      shared.hash,
      shared.text,
    );
  connection.run(
    'INSERT INTO preimages (fingerprint, parts, shared, shared_at) VALUES (?, ?, ?, ?)',
    fingerprint,
    own,
    shared?.hash ?? null,
    sharedAt,
  );
}

const reader = (connection: Connection): PreimageReader =>
  new PreimageReader((hash) =>
    String(connection.get('SELECT parts FROM shared_parts WHERE hash = ?', hash)![0]),
  );

export function readPreimage(connection: Connection, run: RunId, step: StepName): PreimageRow | undefined {
  const row = connection.get(
    `SELECT s.step, r.id, p.fingerprint, p.parts, p.shared, p.shared_at FROM runs r
     JOIN step_preimages s ON s.pipeline = r.pipeline AND s.step = ? AND s.run = r.n
     JOIN preimages p ON p.n = s.preimage WHERE r.id = ?`,
    step,
    run,
  );
  return row && reader(connection).row(row);
}

/**
 * The newest preimage of each step: of a run, else of a cache entry whose run was removed. One seek
 * a step, however many runs there are.
 */
export function latestPreimages(
  connection: Connection,
  query: LatestQuery,
): ReadonlyMap<string, PreimageRow> {
  const { project, pipeline, step, beforeRun } = query;
  // Before a run that is gone: before nothing we could order by, so everything counts.
  const limit =
    beforeRun === undefined
      ? undefined
      : connection.get('SELECT n, created_at FROM runs WHERE id = ?', beforeRun);
  const beforeN = limit === undefined ? Number.MAX_SAFE_INTEGER : Number(limit[0]);
  const beforeTime = limit === undefined ? Number.MAX_SAFE_INTEGER : Number(limit[1]);
  const preimages = reader(connection);
  const latest = new Map<string, PreimageRow>();
  const add = (row: SqlRow): void => {
    const step = String(row[0]);
    if (!latest.has(step)) latest.set(step, preimages.row(row));
  };

  const found = connection.get('SELECT n FROM pipelines WHERE project = ? AND name = ?', project, pipeline);
  if (found !== undefined) {
    const n = Number(found[0]);
    // MATERIALIZED and CROSS JOIN fix the order: steps first, then one seek for each.
    const steps =
      step === undefined
        ? `WITH RECURSIVE steps (step) AS MATERIALIZED (
             SELECT min(step) FROM step_preimages WHERE pipeline = ?1
             UNION ALL
             SELECT (SELECT min(step) FROM step_preimages WHERE pipeline = ?1 AND step > steps.step)
             FROM steps WHERE steps.step IS NOT NULL
           )`
        : 'WITH steps (step) AS MATERIALIZED (SELECT ?3)';
    const rows = connection.all(
      `${steps}, newest (step, run) AS MATERIALIZED (
         SELECT step, (SELECT max(run) FROM step_preimages s WHERE s.pipeline = ?1 AND s.step = steps.step AND s.run < ?2)
         FROM steps WHERE step IS NOT NULL
       )
       SELECT newest.step, r.id, p.fingerprint, p.parts, p.shared, p.shared_at FROM newest
       CROSS JOIN step_preimages s ON s.pipeline = ?1 AND s.step = newest.step AND s.run = newest.run
       CROSS JOIN runs r ON r.n = s.run
       CROSS JOIN preimages p ON p.n = s.preimage`,
      ...(step === undefined ? [n, beforeN] : [n, beforeN, step]),
    );
    for (const row of rows) add(row);
  }

  if (step === undefined || !latest.has(step)) {
    // Newest first; only entries of removed runs can still add something.
    const rows = connection.all(
      `SELECT e.step, e.run, p.fingerprint, p.parts, p.shared, p.shared_at FROM cache_entries e JOIN preimages p ON p.fingerprint = e.fingerprint
       WHERE e.project = ?1 AND e.pipeline = ?2 AND (?3 IS NULL OR e.step = ?3) AND e.created_at < ?4
         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = e.run) ORDER BY e.n DESC`,
      project,
      pipeline,
      step ?? null,
      beforeTime,
    );
    for (const row of rows) add(row);
  }
  return latest;
}
