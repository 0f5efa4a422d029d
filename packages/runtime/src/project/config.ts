import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean, RunPipelineError } from '@run-pipeline/core/model';
import type { ProjectPaths } from './project.js';

/** What `run-pipeline.config.ts` may set. Environment variables and flags win over it. */
export interface ProjectConfig {
  /** Where runs are kept: a path, or `postgres://…`. Default `<home>/state.db`. `RUN_PIPELINE_STORE`. */
  readonly store?: string;
  /** Where artifact bytes are kept: a directory, or `s3://bucket/prefix`. Default `<home>/blobs`. `RUN_PIPELINE_BLOBS`. */
  readonly blobs?: string;
  /** `redis://…` for agents on other machines. `RUN_PIPELINE_QUEUE`. */
  readonly queue?: string;
  /** Steps at once; default: the number of cores. */
  readonly concurrency?: number;
}

/**
 * Types the default export of `run-pipeline.config.ts`.
 *
 * @example
 * ```ts
 * import { defineConfig } from 'run-pipeline';
 *
 * export default defineConfig({ concurrency: 4 });
 * ```
 */
export const defineConfig = (config: ProjectConfig): ProjectConfig => config;

const NAMES = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((extension) => `run-pipeline.config.${extension}`);

/**
 * The project's settings: the config file (evaluated by `evaluate`, only if it exists) with the
 * environment on top. Looks in the project's root.
 */
export async function loadConfig(options: {
  readonly paths: ProjectPaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Evaluates a module and gives its exports. */
  readonly evaluate: (file: string) => Promise<Readonly<Record<string, unknown>>>;
}): Promise<ProjectConfig> {
  const file = NAMES.map((name) => join(options.paths.root, name)).find((path) => existsSync(path));
  const config = file === undefined ? {} : checkConfig(file, (await options.evaluate(file))['default']);
  const fromEnvironment = {
    store: options.env['RUN_PIPELINE_STORE'],
    blobs: options.env['RUN_PIPELINE_BLOBS'],
    queue: options.env['RUN_PIPELINE_QUEUE'],
  };
  const set = Object.entries(fromEnvironment).filter(([, value]) => value !== undefined && value !== '');
  return { ...config, ...Object.fromEntries(set) };
}

const CHECKS: { readonly [Key in keyof Required<ProjectConfig>]: (value: unknown) => string | undefined } = {
  store: text,
  blobs: text,
  queue: text,
  concurrency: (value) =>
    Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a whole number from 1 on',
};

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'a text';
}

function checkConfig(file: string, value: unknown): ProjectConfig {
  // A CommonJS config arrives as `{ default: { default: … } }` when it was compiled from ESM.
  const config = isObject(value) && isObject(value['default']) ? value['default'] : value;
  if (!isObject(config)) {
    throw wrong(
      file,
      'it has no default export that is an object',
      'write `export default defineConfig({ … })`',
    );
  }
  for (const [key, setting] of Object.entries(config)) {
    if (setting === undefined) continue;
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key as keyof ProjectConfig] : undefined;
    if (check === undefined)
      throw wrong(
        file,
        `there is no setting \`${key}\`${didYouMean(key, Object.keys(CHECKS))}`,
        `settings are ${Object.keys(CHECKS).join(', ')}`,
      );
    const wanted = check(setting);
    if (wanted !== undefined) throw wrong(file, `\`${key}\` must be ${wanted}`, undefined);
  }
  return config;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (file: string, message: string, help: string | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'invalid-config',
    message: `${file}: ${message}`,
    at: { file, line: 1, column: 1 },
    help,
  });
