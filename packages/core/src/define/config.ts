import { OptionReader } from './option-reader.js';

/**
 * `run-pipeline.config.ts` in the project's root. Environment variables win over it, flags over both.
 * Relative paths start at the project's root.
 */
export interface RunPipelineConfig {
  /** Where runs are kept: a SQLite file. Default `.run-pipeline/state.db`. `RUN_PIPELINE_STORE`. */
  readonly store?: string;
  /** Where the bytes of artifacts are kept: a directory. Default `.run-pipeline/blobs`. `RUN_PIPELINE_BLOBS`. */
  readonly blobs?: string;
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
  const known = ['store', 'blobs', 'concurrency'] as const;
  const reader = new OptionReader({ what: 'defineConfig', values: config, known, at: undefined });
  for (const key of ['store', 'blobs'] as const) reader.string(key);
  reader.count('concurrency', 1);
  return Object.freeze({ ...config });
}
