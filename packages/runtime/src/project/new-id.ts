import { randomBytes } from 'node:crypto';
import { runId, taskId, type RunId, type TaskId } from '@run-pipeline/core/model';

/** Crockford's alphabet in lower case: no i, l, o, u. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

export const newRunId = (now?: number): RunId => runId(newId(now));

/** Of a task of its own; a step's is `RUN.STEP`. */
export const newTaskId = (now?: number): TaskId => taskId(newId(now));

/**
 * Ids sort by the time they were made (the layout of a ULID: 48 bits of milliseconds, 80 random bits;
 * https://github.com/ulid/spec), are safe as file names and need no coordination.
 */
function newId(now: number = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++) {
    time = (DIGITS[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (const byte of randomBytes(16)) random += DIGITS[byte % 32] ?? '0';
  return time + random;
}
