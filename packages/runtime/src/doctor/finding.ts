import { isRunPipelineError, maskUrls } from '@run-pipeline/core/model';

/** One thing that was looked at, and what to do where it is not as it should be. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'error';
  readonly message: string;
  readonly help?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message });
export const warning = (check: string, message: string, help: string): Finding => ({
  check,
  status: 'warning',
  message,
  help,
});
export const error = (check: string, message: string, help: string): Finding => ({
  check,
  status: 'error',
  message,
  help,
});

/** Whatever a driver threw, without an address's password. */
export function failed(check: string, thrown: unknown, help: string): Finding {
  if (isRunPipelineError(thrown)) return error(check, maskUrls(thrown.message), thrown.help ?? help);
  return error(check, reasonOf(thrown), help);
}

export function reasonOf(thrown: unknown): string {
  // Of a name with several addresses none answered: only the parts have a message.
  const first = thrown instanceof AggregateError ? (thrown.errors[0] as unknown) : thrown;
  if (!(first instanceof Error)) return maskUrls(String(first));
  const { code } = first as NodeJS.ErrnoException;
  return maskUrls(first.message === '' ? (code ?? first.name) : first.message);
}

/** From here on leases and ages may be judged wrongly by people; the store's own clock decides in any case. */
const MOST_SKEW_MS = 5_000;

/** @param ahead Milliseconds by which the server's clock is ahead of this machine's. */
export function clockFinding(check: string, ahead: number, server: string): Finding {
  const seconds = `${(Math.abs(ahead) / 1000).toFixed(Math.abs(ahead) < 10_000 ? 2 : 0)} s`;
  if (Math.abs(ahead) <= MOST_SKEW_MS) return ok(check, `${seconds} from this machine's`);
  return warning(
    check,
    `${server} is ${seconds} ${ahead > 0 ? 'ahead of' : 'behind'} this machine`,
    'let both take their time from the same servers (chrony, systemd-timesyncd): S3 refuses requests from 15 minutes on',
  );
}

/** How long an answer took, as people read it. */
export const shownMs = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
export const SLOW_MS = 100;

/** 127.0.0.1 and what stays on this machine needs no TLS. */
export const isLocal = (host: string): boolean =>
  host === '' || host === 'localhost' || host === '::1' || host.startsWith('127.') || host.startsWith('/');
