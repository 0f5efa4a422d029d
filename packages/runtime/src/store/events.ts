import type { ArtifactRecord, RunEvent, RunId, StepName, StoredArtifact } from '@run-pipeline/core/model';
import type { EventQuery } from '@run-pipeline/core/ports';
import type { Connection, SqlValue } from './connection.js';
import { artifactKey, parseEvents, toldArtifacts } from './rows/event.js';
import { storedJson } from './rows/stored-json.js';

/**
 * Events are kept as the JSON text that is printed. The index is named in each query: without
 * statistics SQLite might walk 200,000 console lines to find one `step.end`.
 */
export function readEvents(connection: Connection, run: RunId, query: EventQuery = {}): readonly RunEvent[] {
  const { types } = query;
  if (types?.length === 0) return [];
  const where = ['run = (SELECT n FROM runs WHERE id = ?)'];
  const values: SqlValue[] = [run];
  let index = '';
  if (query.step !== undefined) {
    where.push('step = ?');
    values.push(query.step);
    index = 'INDEXED BY events_by_step';
  } else if (types !== undefined) {
    index = 'INDEXED BY events_by_type';
  }
  if (types !== undefined) {
    where.push(`type IN (${types.map(() => '?').join(', ')})`);
    values.push(...types);
  }
  if (query.afterSeq !== undefined) {
    where.push('seq > ?');
    values.push(query.afterSeq);
  }
  values.push(query.limit ?? -1);
  const rows = connection.all(
    `SELECT body FROM events ${index} WHERE ${where.join(' AND ')} ORDER BY seq LIMIT ?`,
    ...values,
  );
  return parseEvents(rows.map(([body]) => body as string));
}

/** In the order in which they were committed, with inline bytes where they are kept here. */
export function readArtifacts(connection: Connection, run: RunId, step: StepName): readonly StoredArtifact[] {
  const rows = connection.all(
    `SELECT a.name, a.hash, a.record, b.bytes FROM artifacts a LEFT JOIN blobs b ON b.hash = a.hash
     WHERE a.run = (SELECT n FROM runs WHERE id = ?) AND a.step = ? ORDER BY a.position, a.name`,
    run,
    step,
  ) as [string, string, string | null, Uint8Array | null][];
  let told: ReadonlyMap<string, ArtifactRecord> | undefined;
  return rows.map(([name, hash, text, bytes]) => {
    told ??= text === null ? toldBy(connection, run, step) : undefined;
    const record =
      text === null
        ? told?.get(artifactKey(name, hash))
        : (storedJson(text, 'the record of an artifact') as ArtifactRecord);
    if (record === undefined)
      throw new Error(`the record of the artifact ${step}.${name} of run ${run} is gone`);
    return bytes === null ? { record } : { record, inline: bytes };
  });
}

const toldBy = (connection: Connection, run: RunId, step: StepName): ReadonlyMap<string, ArtifactRecord> =>
  toldArtifacts(readEvents(connection, run, { step, types: ['step.end'] }));

/** Of tasks of their own first: the row says all. Runs follow each other in the order of their numbers here. */
export function describeArtifact(connection: Connection, hash: string): ArtifactRecord | undefined {
  const [task] = connection.all('SELECT record FROM task_artifacts WHERE hash = ? LIMIT 1', hash);
  if (task !== undefined) return storedJson(task[0] as string, 'the record of an artifact') as ArtifactRecord;
  const [found] = connection.all(
    `SELECT r.id, a.step, a.name, a.record FROM artifacts a JOIN runs r ON r.n = a.run
     WHERE a.hash = ? ORDER BY a.run DESC LIMIT 1`,
    hash,
  ) as [RunId, StepName, string, string | null][];
  if (found === undefined) return undefined;
  const [run, step, name, record] = found;
  if (record !== null) return storedJson(record, 'the record of an artifact') as ArtifactRecord;
  return toldBy(connection, run, step).get(artifactKey(name, hash));
}
