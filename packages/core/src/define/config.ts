import { OptionReader } from './option-reader.js';

/** `run-pipeline.config.ts`. Environment variables win over it. */
export interface RunPipelineConfig {
  /** Where runs are kept: `postgres://…`; default: SQLite in the state directory. `RUN_PIPELINE_STORE`. */
  readonly store?: string;
  /** Where the bytes of artifacts are kept: `s3://bucket/prefix`; default: a directory. `RUN_PIPELINE_BLOBS`. */
  readonly blobs?: string;
  /** Where tasks wait for agents: `redis://…`; default: the embedded store. `RUN_PIPELINE_QUEUE`. */
  readonly queue?: string;
  /** The state directory, relative to the file. Default `.run-pipeline`. `RUN_PIPELINE_HOME`. */
  readonly home?: string;
}

/**
 * Checks and types the default export of `run-pipeline.config.ts`.
 *
 * @throws RunPipelineError for an unknown option or one of a wrong type.
 * @example
 * ```ts
 * import { defineConfig } from 'run-pipeline';
 *
 * export default defineConfig({ home: '.state', blobs: 's3://artifacts/iris' });
 * ```
 */
export function defineConfig(config: RunPipelineConfig): RunPipelineConfig {
  const known = ['store', 'blobs', 'queue', 'home'] as const;
  const reader = new OptionReader({ what: 'defineConfig', values: config, known, at: undefined });
  for (const key of known) reader.string(key);
  return Object.freeze({ ...config });
}
