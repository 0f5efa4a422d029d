import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RunPipelineConfig } from '@run-pipeline/core';
import { didYouMean, maskUrl, RunPipelineError } from '@run-pipeline/core/model';
import type { ProjectPaths } from './project.js';
import { wrongSetting } from './wrong-setting.js';

const NAMES = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((extension) => `run-pipeline.config.${extension}`);

const SETTINGS = ['store', 'blobs', 'queue'] as const;
export type SettingName = (typeof SETTINGS)[number];

/** A setting as it was written, and where. */
export interface SettingValue {
  readonly name: SettingName;
  readonly text: string;
  readonly origin:
    | { readonly kind: 'environment'; readonly variable: string }
    | { readonly kind: 'file'; readonly file: string };
}

export type ConfigValues = { readonly [Name in SettingName]?: SettingValue } & {
  readonly concurrency?: number;
};

/**
 * The project's settings: the config file (evaluated by `evaluate`, only if it exists) with the
 * environment on top. Looks in the project's root.
 */
export async function loadConfig(options: {
  readonly paths: ProjectPaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Evaluates a module and gives its exports. */
  readonly evaluate: (file: string) => Promise<Readonly<Record<string, unknown>>>;
}): Promise<ConfigValues> {
  const file = NAMES.map((name) => join(options.paths.root, name)).find((path) => existsSync(path));
  const config = file === undefined ? {} : checkConfig(file, (await options.evaluate(file))['default']);
  const values = SETTINGS.flatMap((name): SettingValue[] => {
    const variable = `RUN_PIPELINE_${name.toUpperCase()}`;
    const set = options.env[variable];
    if (set !== undefined && set !== '')
      return [{ name, text: set, origin: { kind: 'environment', variable } }];
    const text = config[name];
    return text === undefined ? [] : [refusePassword({ name, text, origin: { kind: 'file', file: file! } })];
  });
  const { concurrency } = config;
  return {
    ...Object.fromEntries(values.map((value) => [value.name, value])),
    ...(concurrency === undefined ? {} : { concurrency }),
  };
}

/** The file is kept with the code: what is in it is read by everybody who reads that. */
function refusePassword(value: SettingValue): SettingValue {
  if (maskUrl(value.text) === value.text) return value;
  const { name } = value;
  throw wrongSetting(value, {
    code: 'password-in-config',
    problem: 'holds a password, and this file is kept with the code',
    help: `set the whole address in the environment, RUN_PIPELINE_${name.toUpperCase()}=…, and take it out of the file`,
  });
}

const CHECKS: {
  readonly [Key in keyof Required<RunPipelineConfig>]: (value: unknown) => string | undefined;
} = {
  store: text,
  blobs: text,
  queue: text,
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
