import { randomBytes } from 'node:crypto';
import { runId, type RunId } from '@run-pipeline/core/model';

/** Crockford's alphabet in lower case: no i, l, o, u. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Ids sort by the time they were made (the layout of a ULID: 48 bits of milliseconds, 80 random bits;
 * https://github.com/ulid/spec), are safe as file names and need no coordination.
 */
export function newRunId(now: number = Date.now()): RunId {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++) {
    time = (DIGITS[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (const byte of randomBytes(16)) random += DIGITS[byte % 32] ?? '0';
  return runId(time + random);
}
