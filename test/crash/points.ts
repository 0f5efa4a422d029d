import { describe, expect, test } from 'vitest';
import { TIMEOUT_MS } from '../rig/crash.js';
import { KINDS } from './pipelines.js';
import { project } from './project.js';

/** Where the process dies, at the first pass and at a later one. In a worker (`worker`) it costs the step, else the run. */
const POINTS = [
  { point: 'package-written', later: 3, cold: true },
  { point: 'package-renamed', later: 3, cold: true },
  { point: 'task-written', later: 4, cold: true },
  { point: 'run-created' },
  { point: 'before-begin', later: 6 },
  { point: 'after-begin', later: 7 },
  { point: 'before-commit', later: 8 },
  { point: 'after-commit', later: 9 },
  { point: 'after-claim', later: 3 },
  { point: 'after-execute', later: 3 },
  { point: 'after-end', later: 2 },
  { point: 'blob-written', worker: true },
  { point: 'blob-synced', worker: true },
  { point: 'blob-renamed', worker: true },
  { point: 'before-done', later: 2, worker: true },
] as const;

interface Case {
  readonly point: string;
  readonly pass: number;
  readonly kind: (typeof KINDS)[number];
  readonly cold: boolean;
  readonly worker: boolean;
}

/** Every point meets one kind of pipeline at its first pass and another one at a later pass. */
const CASES: readonly Case[] = POINTS.flatMap((given, index) => {
  const { point, later, cold, worker } = { later: 1, cold: false, worker: false, ...given };
  return [1, later].map((pass, turn) => ({
    point,
    pass,
    kind: KINDS[(index + 2 * turn + Math.floor(index / 4)) % KINDS.length]!,
    cold,
    worker,
  }));
});

describe.concurrent(
  'a run that dies at a crash point is resumed without executing anything again',
  { timeout: TIMEOUT_MS },
  () => {
    test.each(CASES)(
      '$point, pass $pass, in a pipeline of kind $kind',
      async ({ point, pass, kind, cold, worker }) => {
        const crashed = await project.case(`${kind}.ts`, { cold, concurrency: pass === 1 ? 1 : 2 });
        const env = { RUN_PIPELINE_CRASH_AT: `${point}:${pass}` };
        const first = crashed.start([crashed.file], env);
        expect(await first.ended).toEqual(
          worker ? { code: 1, signal: null } : { code: null, signal: 'SIGKILL' },
        );
        await crashed.proceedToEnd();
        await crashed.verify();
      },
    );
  },
);
