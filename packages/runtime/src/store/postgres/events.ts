import type { ArtifactRecord, RunEvent, RunId, StepName, StoredArtifact } from '@run-pipeline/core/model';
import type { EventQuery } from '@run-pipeline/core/ports';
import { artifactKey, parseEvents, toldArtifacts } from '../rows/event.js';
import type { Sql } from './connection.js';
import { storedJson } from '../rows/stored-json.js';

/** Events are kept as the JSON text that is printed. */
export async function readEvents(sql: Sql, run: RunId, query: EventQuery = {}): Promise<readonly RunEvent[]> {
  if (query.types?.length === 0) return [];
  const values: unknown[] = [run];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const where = ['run = (SELECT n FROM runs WHERE id = $1)'];
  if (query.step !== undefined) where.push(`step = ${value(query.step)}`);
  if (query.types !== undefined) where.push(`type = ANY (${value(query.types)}::text[])`);
  if (query.afterSeq !== undefined) where.push(`seq > ${value(query.afterSeq)}`);
  const rows = await sql.query<readonly [string]>(
    `SELECT body FROM events WHERE ${where.join(' AND ')} ORDER BY seq LIMIT ${value(query.limit ?? null)}::bigint`,
    values,
  );
  return parseEvents(rows.map(([body]) => body));
}

/** In the order in which they were committed, with inline bytes where they are kept here. */
export async function readArtifacts(
  sql: Sql,
  run: RunId,
  step: StepName,
): Promise<readonly StoredArtifact[]> {
  const rows = await sql.query<readonly [string, string, string | null, Uint8Array | null]>(
    `SELECT a.name, a.hash, a.record, b.bytes FROM artifacts a LEFT JOIN blobs b ON b.hash = a.hash
     WHERE a.run = (SELECT n FROM runs WHERE id = $1) AND a.step = $2 ORDER BY a.position, a.name`,
    [run, step],
  );
  const told = rows.some(([, , text]) => text === null) ? await toldBy(sql, run, step) : undefined;
  return rows.map(([name, hash, text, bytes]) => {
    const record =
      text === null
        ? told?.get(artifactKey(name, hash))
        : (storedJson(text, 'the record of an artifact') as ArtifactRecord);
    if (record === undefined)
      throw new Error(`the record of the artifact ${step}.${name} of run ${run} is gone`);
    return bytes === null ? { record } : { record, inline: bytes };
  });
}

const toldBy = async (sql: Sql, run: RunId, step: StepName): Promise<ReadonlyMap<string, ArtifactRecord>> =>
  toldArtifacts(await readEvents(sql, run, { step, types: ['step.end'] }));

/** Of tasks of their own first: the row says all. Runs follow each other in the order of their numbers here. */
export async function describeArtifact(sql: Sql, hash: string): Promise<ArtifactRecord | undefined> {
  const [found] = await sql.query<readonly [RunId | null, StepName, string, string | null]>(
    `(SELECT NULL, '', '', record FROM task_artifacts WHERE hash = $1 LIMIT 1)
     UNION ALL
     (SELECT r.id, a.step, a.name, a.record FROM artifacts a JOIN runs r ON r.n = a.run
      WHERE a.hash = $1 ORDER BY a.run DESC LIMIT 1)`,
    [hash],
  );
  if (found === undefined) return undefined;
  const [run, step, name, record] = found;
  if (record !== null) return storedJson(record, 'the record of an artifact') as ArtifactRecord;
  return (await toldBy(sql, run!, step)).get(artifactKey(name, hash));
}
