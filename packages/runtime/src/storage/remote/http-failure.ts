import type { IncomingMessage } from 'node:http';
import { RunPipelineError } from '@run-pipeline/core/model';
import { TransientFailure } from './remote.js';

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export const isMissing = (status: number): boolean => status === 404 || status === 410;

/** What an answer means that is not the one that was hoped for. */
export function httpFailure(response: IncomingMessage, shown: string): Error {
  const status = response.statusCode ?? 0;
  const said = `${status}${response.statusMessage === '' ? '' : ` ${response.statusMessage}`}`;
  if (PASSING.has(status)) {
    return new TransientFailure(`the server answers ${said}`, {
      retryAfter: retryAfter(response.headers['retry-after']),
    });
  }
  if (isMissing(status)) return storageMissing(shown, said);
  return new RunPipelineError({
    kind: 'artifact',
    code: status === 401 || status === 403 ? 'storage-denied' : 'storage-failed',
    message: `cannot read ${shown}: the server answers ${said}`,
    help:
      status === 401 || status === 403
        ? 'give what it asks for, in the URL (https://user:password@host/…) or as headers: { authorization: … }'
        : undefined,
  });
}

export const storageMissing = (shown: string, said?: string): RunPipelineError =>
  new RunPipelineError({
    kind: 'artifact',
    code: 'storage-missing',
    message: `${shown} does not exist${said === undefined ? '' : ` (the server answers ${said})`}`,
  });

/** Seconds, or a date. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
