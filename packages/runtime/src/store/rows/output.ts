import { INLINE_LIMIT, type ArtifactRecord, type Digest } from '@run-pipeline/core/model';
import type { TaskOutput, TaskOutputRow } from '@run-pipeline/core/ports';
import type { Row } from './row.js';
import { storedJson } from './stored-json.js';

/** As it is kept: bytes of small artifacts are values of the store. */
type KeptOutput =
  | Exclude<TaskOutput, { readonly kind: 'artifact' }>
  | { readonly kind: 'artifact'; readonly artifact: ArtifactRecord };

export function encodeOutput(entry: TaskOutput): string {
  const kept: KeptOutput =
    entry.kind === 'artifact' ? { kind: 'artifact', artifact: entry.artifact.record } : entry;
  return JSON.stringify(kept);
}

/** `rows`: attempt, seq, time, body. `values`: reads the bytes of small artifacts. */
export function decodeOutput(rows: readonly Row[]): {
  readonly small: readonly Digest[];
  outputs(values: ReadonlyMap<Digest, Uint8Array>): readonly TaskOutputRow[];
} {
  const kept = (rows as [number, number, number, string][]).map(([attempt, seq, at, body]) => ({
    ...(storedJson(body, 'the output of a task') as KeptOutput),
    seq,
    attempt,
    ts: new Date(at).toISOString(),
  }));
  return {
    small: kept.flatMap((row) =>
      row.kind === 'artifact' && row.artifact.size <= INLINE_LIMIT ? [row.artifact.hash] : [],
    ),
    outputs: (values) =>
      kept.map((row): TaskOutputRow => {
        if (row.kind !== 'artifact') return row;
        const inline = values.get(row.artifact.hash);
        return { ...row, artifact: { record: row.artifact, ...(inline === undefined ? {} : { inline }) } };
      }),
  };
}
