import type { ErrorRecord, Report, StoredArtifact } from '@run-pipeline/core/model';
import type { Masker } from './mask.js';
import type { TaskOutcome } from './protocol.js';

/**
 * An outcome without secrets in its errors and in what is shown of its values. The values themselves are the
 * step's own business: it returned them.
 */
export function maskOutcome(outcome: TaskOutcome, masker: Masker): TaskOutcome {
  if (outcome.status === 'completed') {
    const artifacts = outcome.artifacts.map((stored) => maskArtifact(stored, masker));
    return { ...outcome, artifacts };
  }
  if (outcome.error === undefined) return outcome;
  return { ...outcome, error: maskError(outcome.error, masker) };
}

export function maskArtifact(stored: StoredArtifact, masker: Masker): StoredArtifact {
  return { ...stored, record: maskRecord(stored.record, masker) };
}

/** Reported text is console output by another name. */
export function maskReport(report: Report, masker: Masker): Report {
  return report.kind === 'text' ? { ...report, text: masker.mask(report.text) } : report;
}

function maskRecord<R extends { readonly preview?: string | undefined }>(record: R, masker: Masker): R {
  return record.preview === undefined ? record : { ...record, preview: masker.mask(record.preview) };
}

function maskError(error: ErrorRecord, masker: Masker): ErrorRecord {
  const { name, message, code, at, frame, stack, trace, cause } = error;
  return {
    name: masker.mask(name),
    message: masker.mask(message),
    ...(code !== undefined && { code: masker.mask(code) }),
    ...(at !== undefined && { at: masker.mask(at) }),
    ...(frame !== undefined && { frame: masker.mask(frame) }),
    ...(stack !== undefined && { stack: masker.mask(stack) }),
    ...(trace !== undefined && { trace: masker.mask(trace) }),
    ...(cause !== undefined && { cause: maskError(cause, masker) }),
  };
}
