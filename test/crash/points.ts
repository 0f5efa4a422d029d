import { describe, expect, test } from 'vitest';
import { TIMEOUT_MS } from '../rig/crash.js';
import { KINDS } from './pipelines.js';
import { project } from './project.js';

/**
 * Where the process of a run dies, at the first pass of a point; and where the one that resumes it dies, at a later
 * pass. In a worker (`worker`) it costs the step, else the run.
 */
const POINTS = [
  { first: 'package-written', again: 'package-written:3', cold: true },
  { first: 'package-renamed', again: 'package-renamed:3', cold: true },
  { first: 'task-written', again: 'task-written:2', cold: true },
  { first: 'run-created', again: 'run-taken' },
  { first: 'before-begin', again: 'before-begin:6' },
  { first: 'after-begin', again: 'after-begin:7' },
  { first: 'before-commit', again: 'before-commit:8' },
  { first: 'after-commit', again: 'after-commit:9' },
  { first: 'after-claim', again: 'after-claim:3' },
  { first: 'after-execute', again: 'after-execute:3' },
  { first: 'after-end', again: 'after-end:2' },
  { first: 'blob-written', again: 'blob-written', worker: true },
  { first: 'blob-synced', again: 'blob-synced', worker: true },
  { first: 'blob-renamed', again: 'blob-renamed', worker: true },
  { first: 'before-done', again: 'before-done:2', worker: true },
] as const;

const CASES = POINTS.map((given, index) => ({
  cold: false,
  worker: false,
  ...given,
  kind: KINDS[(index + Math.floor(index / 4)) % KINDS.length]!,
  concurrency: 1 + (index % 2),
}));

describe.concurrent(
  'a run that dies at a crash point, and again, is resumed without executing anything again',
  { timeout: TIMEOUT_MS },
  () => {
    test.each(CASES)(
      '$first, then $again, in a pipeline of kind $kind',
      async ({ first, again, kind, cold, worker, concurrency }) => {
        const crashed = await project.case(`${kind}.ts`, { cold, concurrency });
        for (const point of [first, again]) {
          const run = await crashed.proceed({ RUN_PIPELINE_CRASH_AT: point });
          expect(await run.ended, `${point}\n${run.stderr}`).toEqual(
            worker ? { code: 1, signal: null } : { code: null, signal: 'SIGKILL' },
          );
        }
        await crashed.proceedToEnd();
        await crashed.verify();
      },
    );
  },
);
