import type { AbortCause } from './protocol.js';

/** Why a signal was aborted: the engine gives an `AbortReason`, anything else is somebody's stop. */
export function abortCause(signal: AbortSignal): AbortCause {
  const cause = (signal.reason as { reason?: unknown } | undefined)?.reason;
  return cause === 'timeout' || cause === 'shutdown' ? cause : 'stopped';
}

/**
 * The `reason` that a step finds on its signal: what the platform's own signals give (`TimeoutError` of
 * `AbortSignal.timeout`, else `AbortError`), so that `fetch` and friends treat it as they should.
 */
export function stepAbortReason(cause: AbortCause, timeout: number | undefined): DOMException {
  const error = new DOMException(
    abortMessage(cause, timeout),
    cause === 'timeout' ? 'TimeoutError' : 'AbortError',
  );
  return Object.assign(error, { reason: cause });
}

export const abortCode = (reason: AbortCause): string => (reason === 'timeout' ? 'timeout' : 'aborted');

export function abortMessage(reason: AbortCause, timeout: number | undefined): string {
  switch (reason) {
    case 'timeout':
      return `the step ran longer than its timeout${timeout === undefined ? '' : ` of ${duration(timeout)}`}`;
    case 'stopped':
      return 'the step was stopped';
    case 'shutdown':
      return 'the step was aborted because the run is shutting down';
    default:
      return reason satisfies never;
  }
}

const duration = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`);
