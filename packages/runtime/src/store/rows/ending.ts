import type { ArtifactRecord, ErrorRecord, StoredArtifact, TaskStatus } from '@run-pipeline/core/model';
import type { TaskEnding } from '@run-pipeline/core/ports';
import type { Row } from './row.js';
import { storedJson } from './stored-json.js';

/** A row of attempt, fence, status, error, document. */
export function endingOf(row: Row): TaskEnding {
  const [attempt, fence, status, error, document] = row as [
    number,
    number,
    TaskStatus,
    string | null,
    Uint8Array | null,
  ];
  return {
    attempt,
    fence,
    // Published since: it had completed.
    status: status === 'published' ? 'completed' : (status as TaskEnding['status']),
    error: error === null ? undefined : (storedJson(error, 'the end of a task') as ErrorRecord),
    document: document ?? undefined,
  };
}

/** A row of record and bytes. */
export function storedArtifactOf(row: Row): StoredArtifact {
  const [text, bytes] = row as [string, Uint8Array | null];
  const record = storedJson(text, 'the end of a task') as ArtifactRecord;
  return bytes === null ? { record } : { record, inline: bytes };
}
