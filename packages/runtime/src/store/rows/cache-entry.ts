import type {
  ArtifactRecord,
  Digest,
  Fingerprint,
  Report,
  RunId,
  StepName,
  StoredArtifact,
  TaskId,
} from '@run-pipeline/core/model';
import { INLINE_LIMIT } from '@run-pipeline/core/model';
import type { CacheEntry, NewCacheEntry } from '@run-pipeline/core/ports';
import type { Row } from './row.js';

/** Of `cache_entries`. */
export const ENTRY_COLUMNS =
  'fingerprint, project, pipeline, step, run, task, artifacts, reports, duration_ms, created_at';

/** In the order of `ENTRY_COLUMNS`, and the last use. */
export const entryValues = (
  run: RunId,
  entry: NewCacheEntry,
  now: number,
): readonly [string, string, string, string, string, string, string, string, number, number, number] => [
  entry.fingerprint,
  entry.project,
  entry.pipeline,
  entry.step,
  run,
  entry.task,
  JSON.stringify(entry.artifacts.map(({ record }) => record)),
  JSON.stringify(entry.reports),
  entry.durationMs,
  now,
  now,
];

/** What an entry pins, with the bytes of what is small. */
export function entryBlobs(
  entry: NewCacheEntry,
): readonly { readonly hash: Digest; readonly size: number; readonly bytes: Uint8Array | undefined }[] {
  const artifacts = entry.artifacts.map(({ record: { hash, size }, inline }) => ({
    hash,
    size,
    bytes: inline,
  }));
  const reports = entry.reports.flatMap((report) =>
    'artifact' in report
      ? [{ hash: report.artifact.hash, size: report.artifact.size, bytes: undefined }]
      : [],
  );
  return [...artifacts, ...reports];
}

/** Without the bytes of small artifacts. What cannot be read is no entry: the step is executed, and replaces it. */
export const cacheEntriesOf = (rows: readonly Row[], now: (row: Row) => number): readonly CacheEntry[] =>
  rows.flatMap((row) => cacheEntryOf(row, now(row)) ?? []);

function cacheEntryOf(row: Row, now: number): CacheEntry | undefined {
  const [fingerprint, project, pipeline, step, run, task, artifacts, reports, durationMs, createdAt] =
    row as [Fingerprint, string, string, StepName, RunId, TaskId, string, string, number, number];
  const records = listOf(artifacts);
  const told = reports === '[]' ? [] : listOf(reports);
  if (!records?.every(isRecord) || told === undefined) return undefined;
  return {
    fingerprint,
    project,
    pipeline,
    step,
    run,
    task,
    artifacts: records.map((record) => ({ record })),
    reports: told as readonly Report[],
    durationMs,
    createdAt: new Date(createdAt).toISOString(),
    ageMs: now - createdAt,
  };
}

function listOf(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is ArtifactRecord {
  const { name, hash, size } = (value ?? {}) as Partial<Record<keyof ArtifactRecord, unknown>>;
  return (
    typeof name === 'string' &&
    typeof size === 'number' &&
    typeof hash === 'string' &&
    /^sha256:[0-9a-f]{64}$/.test(hash)
  );
}

/** Those whose bytes are values of the store. */
export const smallOf = (entries: readonly CacheEntry[]): readonly Digest[] =>
  entries.flatMap(({ artifacts }) =>
    artifacts.flatMap(({ record }) => (record.size <= INLINE_LIMIT ? [record.hash] : [])),
  );

export function entriesWithBytes(
  entries: readonly CacheEntry[],
  values: ReadonlyMap<Digest, Uint8Array>,
): ReadonlyMap<Fingerprint, CacheEntry> {
  const withBytes = ({ record }: StoredArtifact): StoredArtifact => {
    const inline = values.get(record.hash);
    return inline === undefined ? { record } : { record, inline };
  };
  return new Map(
    entries.map((entry) => [entry.fingerprint, { ...entry, artifacts: entry.artifacts.map(withBytes) }]),
  );
}
