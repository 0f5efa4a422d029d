import type { ErrorRecord } from '@run-pipeline/core/model';

/** Why an attempt has to end before it ends by itself. */
export interface Limit {
  readonly reason: 'timeout' | 'stopped';
  readonly message: string;
}

export const abortError = ({ reason, message }: Limit): ErrorRecord =>
  reason === 'timeout'
    ? { name: 'TimeoutError', code: 'timeout', message }
    : { name: 'AbortError', code: 'aborted', message };

export const timeoutMessage = (step: string, ms: number): string =>
  `step ${step} took longer than its timeout of ${ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`}`;
