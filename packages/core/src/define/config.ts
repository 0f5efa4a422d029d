import { OptionReader } from './option-reader.js';

/**
 * `run-pipeline.config.ts` in the project's root. Environment variables win over it, flags over both.
 * Relative paths start at the project's root. The file is kept with the code: addresses in it hold no
 * password. An address with one comes from the environment.
 */
export interface RunPipelineConfig {
  /**
   * Where runs are kept: a SQLite file (default `.run-pipeline/state.db`), or
   * `postgres://user@host/database`. `RUN_PIPELINE_STORE`.
   */
  readonly store?: string;
  /**
   * Where the bytes of artifacts are kept: a directory (default `.run-pipeline/blobs`), or
   * `s3://bucket/prefix`. `RUN_PIPELINE_BLOBS`.
   */
  readonly blobs?: string;
  /**
   * How ready tasks reach agents: nothing, then agents read the store; or `redis://host/0` for a fleet.
   * `RUN_PIPELINE_QUEUE`.
   */
  readonly queue?: string;
  /** Steps at once, where neither the flag nor the pipeline says. Default: the number of cores. */
  readonly concurrency?: number;
}

/**
 * Checks and types the default export of `run-pipeline.config.ts`.
 *
 * @throws RunPipelineError for an unknown option or one of a wrong type.
 * @example
 * ```ts
 * import { defineConfig } from 'run-pipeline';
 *
 * export default defineConfig({ concurrency: 4, blobs: '/data/artifacts' });
 * ```
 */
export function defineConfig(config: RunPipelineConfig): RunPipelineConfig {
  const known = ['store', 'blobs', 'queue', 'concurrency'] as const;
  const reader = new OptionReader({ what: 'defineConfig', values: config, known, at: undefined });
  for (const key of ['store', 'blobs', 'queue'] as const) reader.string(key);
  reader.count('concurrency', 1);
  return Object.freeze({ ...config });
}
