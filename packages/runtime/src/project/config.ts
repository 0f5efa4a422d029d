import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunPipelineConfig } from '@run-pipeline/core';
import { didYouMean, RunPipelineError } from '@run-pipeline/core/model';
import type { ProjectPaths } from './project.js';

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
}): Promise<RunPipelineConfig> {
  const file = NAMES.map((name) => join(options.paths.root, name)).find((path) => existsSync(path));
  const config = file === undefined ? {} : checkConfig(file, (await options.evaluate(file))['default']);
  const fromEnvironment = {
    store: options.env['RUN_PIPELINE_STORE'],
    blobs: options.env['RUN_PIPELINE_BLOBS'],
  };
  const set = Object.entries(fromEnvironment).filter(([, value]) => value !== undefined && value !== '');
  return { ...config, ...Object.fromEntries(set) };
}

const CHECKS: {
  readonly [Key in keyof Required<RunPipelineConfig>]: (value: unknown) => string | undefined;
} = {
  store: text,
  blobs: text,
  concurrency: (value) =>
    Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a whole number from 1 on',
};

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'a text';
}

function checkConfig(file: string, value: unknown): RunPipelineConfig {
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
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key as keyof RunPipelineConfig] : undefined;
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
