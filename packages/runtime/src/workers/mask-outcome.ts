import type { ErrorRecord, Report } from '@run-pipeline/core/model';
import type { Masker } from './mask.js';
import type { TaskOutcome } from './protocol.js';

/** An outcome without secrets in its errors. Values are the step's own business: it returned them. */
export function maskOutcome(outcome: TaskOutcome, masker: Masker): TaskOutcome {
  if (outcome.status === 'completed' || outcome.error === undefined) return outcome;
  return { ...outcome, error: maskError(outcome.error, masker) };
}

/** Reported text is console output by another name. */
export function maskReport(report: Report, masker: Masker): Report {
  return report.kind === 'text' ? { ...report, text: masker.mask(report.text) } : report;
}

function maskError(error: ErrorRecord, masker: Masker): ErrorRecord {
  const { name, message, code, at, frame, stack, trace, cause } = error;
  return {
    name: masker.mask(name),
    message: masker.mask(message),
    ...(code !== undefined && { code }),
    ...(at !== undefined && { at: masker.mask(at) }),
    ...(frame !== undefined && { frame: masker.mask(frame) }),
    ...(stack !== undefined && { stack: masker.mask(stack) }),
    ...(trace !== undefined && { trace: masker.mask(trace) }),
    ...(cause !== undefined && { cause: maskError(cause, masker) }),
  };
}
