import { createHash } from 'node:crypto';
import type { Fingerprint, RunId, StepName } from '@run-pipeline/core/model';
import type { Commit, PreimagePart, PreimageRow } from '@run-pipeline/core/ports';
import type { Connection } from './connection.js';
import type { RunState, WriteBatch } from './write-batch.js';

/**
 * What fingerprints were made of, for `plan` and `why`. Kept once a fingerprint, so that a cached
 * run of 1,000 steps writes 1,000 references. The dependencies, the same for every step of a project
 * and most of a preimage, are kept once by their hash.
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

/** Fewer dependencies than this are not worth sharing. */
const LONG = 8;

function keepParts(connection: Connection, fingerprint: Fingerprint, parts: readonly PreimagePart[]): void {
  const from = parts.findIndex(({ kind }) => kind === 'dependency');
  let to = from;
  while (to >= 0 && parts[to]?.kind === 'dependency') to++;
  let shared: string | null = null;
  let own = parts;
  if (to - from >= LONG) {
    const text = JSON.stringify(parts.slice(from, to));
    shared = createHash('sha256').update(text).digest('base64url');
    connection.run('INSERT OR IGNORE INTO shared_parts (hash, parts) VALUES (?, ?)', shared, text);
    own = [...parts.slice(0, from), ...parts.slice(to)];
  }
  connection.run(
    'INSERT INTO preimages (fingerprint, parts, shared, shared_at) VALUES (?, ?, ?, ?)',
    fingerprint,
    JSON.stringify(own),
    shared,
    shared === null ? 0 : from,
  );
}

type PreimageColumns = [
  step: StepName,
  run: RunId,
  fingerprint: Fingerprint,
  parts: string,
  shared: string | null,
  sharedAt: number,
];

/**
 * Makes rows of what was read. Everything is fetched at once (gc may remove it later), but parsed
 * when it is looked at: of most preimages only the fingerprint is compared.
 */
class PreimageReader {
  readonly #connection: Connection;
  readonly #shared = new Map<string, () => readonly PreimagePart[]>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  row([step, run, fingerprint, text, shared, sharedAt]: PreimageColumns): PreimageRow {
    const common = shared === null ? undefined : this.#sharedParts(shared);
    const parse = once(() => {
      const own = JSON.parse(text) as PreimagePart[];
      return common === undefined ? own : [...own.slice(0, sharedAt), ...common(), ...own.slice(sharedAt)];
    });
    return {
      run,
      step,
      fingerprint,
      get parts() {
        return parse();
      },
    };
  }

  #sharedParts(hash: string): () => readonly PreimagePart[] {
    let parse = this.#shared.get(hash);
    if (parse === undefined) {
      const text = String(this.#connection.get('SELECT parts FROM shared_parts WHERE hash = ?', hash)![0]);
      parse = once(() => JSON.parse(text) as PreimagePart[]);
      this.#shared.set(hash, parse);
    }
    return parse;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

export function readPreimage(connection: Connection, run: RunId, step: StepName): PreimageRow | undefined {
  const row = connection.get(
    `SELECT s.step, r.id, p.fingerprint, p.parts, p.shared, p.shared_at FROM runs r
     JOIN step_preimages s ON s.pipeline = r.pipeline AND s.step = ? AND s.run = r.n
     JOIN preimages p ON p.n = s.preimage WHERE r.id = ?`,
    step,
    run,
  );
  return row && new PreimageReader(connection).row(row as PreimageColumns);
}

export interface LatestQuery {
  readonly project: string;
  readonly pipeline: string;
  /** All steps when absent. */
  readonly step?: string;
  readonly beforeRun?: RunId;
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
  const reader = new PreimageReader(connection);
  const latest = new Map<string, PreimageRow>();
  const add = (row: PreimageColumns): void => {
    if (!latest.has(row[0])) latest.set(row[0], reader.row(row));
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
    for (const row of rows) add(row as PreimageColumns);
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
    for (const row of rows) add(row as PreimageColumns);
  }
  return latest;
}
