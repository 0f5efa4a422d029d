import type { RunId, StepName } from '@run-pipeline/core/model';
import type { Commit, PreimageRow } from '@run-pipeline/core/ports';
import { keptParts, PreimageReader, type LatestQuery } from '../rows/preimage.js';
import type { RunState } from '../rows/run.js';
import { Parameters, type Part } from './bulk-insert.js';
import type { Columns, Sql } from './connection.js';

type Preimage = NonNullable<Commit['preimages']>[number];

interface StepPreimage extends Preimage {
  readonly run: RunState;
}

/**
 * What fingerprints were made of, that waits to be written at the end of a transaction. Kept once a
 * fingerprint, so that a cached run of 1,000 steps writes 1,000 references.
 */
export class NewPreimages {
  readonly #steps = new Map<string, StepPreimage>();

  add(run: RunState, preimage: Preimage): void {
    this.#steps.set(`${run.n} ${preimage.step}`, { ...preimage, run });
  }

  /**
   * `part` refers to the fingerprints that are known; `read` says what those were, `complete` keeps the
   * others. `undefined` when nothing waits.
   */
  take(parameters: Parameters):
    | {
        readonly part: Part;
        readonly read: string;
        complete(sql: Sql, known: readonly Columns[]): Promise<void>;
      }
    | undefined {
    if (this.#steps.size === 0) return undefined;
    const steps = new Map(this.#steps);
    this.#steps.clear();
    return {
      part: { name: 'referred', text: refer([...steps.values()], parameters) },
      read: 'SELECT run, step FROM referred',
      async complete(sql, known) {
        for (const [run, step] of known) steps.delete(`${String(run)} ${String(step)}`);
        if (steps.size === 0) return;
        const fresh = [...steps.values()];
        await keepParts(sql, fresh);
        const again = new Parameters();
        await sql.run(refer(fresh, again), again.values);
      },
    };
  }
}

function refer(steps: readonly StepPreimage[], parameters: Parameters): string {
  const list = (type: string, of: (step: StepPreimage) => unknown): string =>
    `${parameters.add(steps.map(of))}::${type}[]`;
  return `INSERT INTO step_preimages (pipeline, step, run, preimage)
    SELECT w.pipeline, w.step, w.run, p.n
    FROM unnest(${list('bigint', ({ run }) => run.pipeline)}, ${list('text', ({ step }) => step)},
      ${list('bigint', ({ run }) => run.n)}, ${list('text', ({ fingerprint }) => fingerprint)})
      AS w (pipeline, step, run, fingerprint)
    JOIN preimages p ON p.fingerprint = w.fingerprint
    ON CONFLICT (pipeline, step, run) DO UPDATE SET preimage = excluded.preimage RETURNING run, step`;
}

/** In the order of what they are known by, as others insert them. */
async function keepParts(sql: Sql, steps: readonly StepPreimage[]): Promise<void> {
  const fresh = [...new Map(steps.map(({ fingerprint, parts }) => [fingerprint, keptParts(parts)]))];
  const shared = [
    ...new Map(
      fresh.flatMap(([, kept]) => (kept.shared === undefined ? [] : [[kept.shared.hash, kept.shared.text]])),
    ),
  ];
  if (shared.length > 0) {
    await sql.run(
      `INSERT INTO shared_parts (hash, parts) SELECT * FROM unnest($1::text[], $2::text[]) AS new (hash, parts)
       ORDER BY hash ON CONFLICT DO NOTHING`,
      [shared.map(([hash]) => hash), shared.map(([, text]) => text)],
    );
  }
  await sql.run(
    `INSERT INTO preimages (fingerprint, parts, shared, shared_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[])
       AS new (fingerprint, parts, shared, shared_at) ORDER BY fingerprint ON CONFLICT DO NOTHING`,
    [
      fresh.map(([fingerprint]) => fingerprint),
      fresh.map(([, { own }]) => own),
      fresh.map(([, kept]) => kept.shared?.hash ?? null),
      fresh.map(([, { sharedAt }]) => sharedAt),
    ],
  );
}

/**
 * Of `found` (step, run, fingerprint, parts, shared, shared_at), and then the shared parts they name, once
 * each: in the same statement, since gc may remove them before another.
 */
const WITH_SHARED = `SELECT step, run, fingerprint, parts, shared, shared_at FROM found
  UNION ALL SELECT NULL, NULL, NULL, s.parts, s.hash, NULL FROM shared_parts s
    WHERE s.hash IN (SELECT shared FROM found)`;

async function readFound(
  sql: Sql,
  found: string,
  values: readonly unknown[],
): Promise<readonly PreimageRow[]> {
  const rows = await sql.query(`${found} ${WITH_SHARED}`, values);
  const shared = new Map(
    rows.flatMap(([step, , , text, hash]) => (step === null ? [[hash, text]] : [])) as [string, string][],
  );
  const reader = new PreimageReader((hash) => shared.get(hash)!);
  return rows.flatMap((row) => (row[0] === null ? [] : [reader.row(row)]));
}

export async function readPreimage(sql: Sql, run: RunId, step: StepName): Promise<PreimageRow | undefined> {
  const [row] = await readFound(
    sql,
    `WITH found AS MATERIALIZED (
       SELECT s.step, r.id AS run, p.fingerprint, p.parts, p.shared, p.shared_at FROM runs r
       JOIN step_preimages s ON s.pipeline = r.pipeline AND s.step = $2 AND s.run = r.n
       JOIN preimages p ON p.n = s.preimage WHERE r.id = $1)`,
    [run, step],
  );
  return row;
}

/**
 * The newest preimage of each step: of a run, else of a cache entry whose run was removed. One seek
 * a step, however many runs there are.
 */
export async function latestPreimages(
  sql: Sql,
  query: LatestQuery,
): Promise<ReadonlyMap<string, PreimageRow>> {
  const { project, pipeline, step = null, beforeRun } = query;
  // Before a run that is gone: before nothing we could order by, so everything counts.
  const limit =
    beforeRun === undefined
      ? undefined
      : (await sql.query('SELECT n, created_at FROM runs WHERE id = $1', [beforeRun]))[0];
  const latest = new Map<string, PreimageRow>();
  const add = (rows: readonly PreimageRow[]): void => {
    for (const row of rows) if (!latest.has(row.step)) latest.set(row.step, row);
  };
  const steps =
    step === null
      ? `steps AS (
           SELECT (SELECT min(s.step) FROM step_preimages s WHERE s.pipeline = (SELECT n FROM named)) AS step
           UNION ALL
           SELECT (SELECT min(s.step) FROM step_preimages s WHERE s.pipeline = (SELECT n FROM named) AND s.step > steps.step)
           FROM steps WHERE steps.step IS NOT NULL)`
      : 'steps AS (SELECT $4 COLLATE "C" AS step)';
  const given = step === null ? [] : [step];
  add(
    await readFound(
      sql,
      `WITH RECURSIVE named AS MATERIALIZED (SELECT n FROM pipelines WHERE project = $1 AND name = $2), ${steps},
       found AS MATERIALIZED (
         SELECT steps.step, r.id AS run, p.fingerprint, p.parts, p.shared, p.shared_at FROM steps
         CROSS JOIN LATERAL (
           SELECT s.run, s.preimage FROM step_preimages s
           WHERE s.pipeline = (SELECT n FROM named) AND s.step = steps.step AND ($3::bigint IS NULL OR s.run < $3)
           ORDER BY s.run DESC LIMIT 1
         ) newest
         JOIN runs r ON r.n = newest.run JOIN preimages p ON p.n = newest.preimage)`,
      [project, pipeline, limit?.[0] ?? null, ...given],
    ),
  );
  if (step !== null && latest.has(step)) return latest;
  // Newest first; only entries of removed runs can still add something.
  add(
    await readFound(
      sql,
      `WITH found AS MATERIALIZED (
         SELECT e.step, e.run, p.fingerprint, p.parts, p.shared, p.shared_at FROM cache_entries e
         JOIN preimages p ON p.fingerprint = e.fingerprint
         WHERE e.project = $1 AND e.pipeline = $2 AND ($3::bigint IS NULL OR e.created_at < $3)
           ${step === null ? '' : 'AND e.step = $4'}
           AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = e.run)
         ORDER BY e.created_at DESC, e.n DESC)`,
      [project, pipeline, limit?.[1] ?? null, ...given],
    ),
  );
  return latest;
}
