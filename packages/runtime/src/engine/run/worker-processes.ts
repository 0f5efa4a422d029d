import { cpus } from 'node:os';
import type { PipelineDefinition } from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import type { WorkerPool } from '../../workers/protocol.js';
import type { EngineOptions } from '../api.js';

/**
 * The worker processes of a run, made when something is to execute: a run in which everything is cached
 * starts none and does not even load the pool.
 */
export interface WorkerProcesses {
  readonly get: () => Promise<WorkerPool>;
  /** Starts up to `count` of them now, because something will execute. */
  readonly warm: (count: number) => void;
  /** Once is enough; later calls do nothing. */
  readonly close: WorkerPool['close'];
}

export function workerProcesses(settings: {
  readonly size: number;
  readonly graceMs: number;
  readonly withheld: readonly string[];
}): WorkerProcesses {
  let made: Promise<WorkerPool> | undefined;
  const get = (): Promise<WorkerPool> =>
    (made ??= import('../../workers/index.js').then(({ createWorkerPool, installedWorkerFile, RECYCLE }) =>
      createWorkerPool({ workerFile: installedWorkerFile(), recycle: RECYCLE, ...settings }),
    ));
  return {
    get,
    warm(count) {
      get().then(
        (pool) => pool.warm(count),
        () => {}, // the first step that executes tells of it
      );
    },
    async close(how) {
      const closing = made;
      made = undefined;
      if (closing !== undefined) await (await closing).close(how);
    },
  };
}

/** Steps at once: the flag, else the pipeline, else the project, else the number of cores. */
export const concurrencyOf = (
  project: Project,
  definition: PipelineDefinition,
  engine: Pick<EngineOptions, 'concurrency'>,
): number =>
  engine.concurrency ?? definition.options.concurrency ?? project.concurrency ?? Math.max(1, cpus().length);
