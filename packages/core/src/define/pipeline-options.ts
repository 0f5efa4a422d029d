import type { PipelineDefinition, PipelineOptions } from '../model/definition.js';
import type { SourceLocation } from '../model/source.js';
import type { Duration } from './duration.js';
import type { OptionReader } from './option-reader.js';
import { declaredPlace } from './source-option.js';
import { NO_RETRY, type RetryDeclaration, retryPolicy } from './retry.js';
import { type CacheDeclaration, cacheOption, environmentOptions } from './step-options.js';

/** What every pipeline may say about itself, whichever way it is written. */
export interface SharedPipelineOptions {
  /** Default `default`. */
  readonly project?: string;
  /** Without one, the store assigns the latest plus one. */
  readonly version?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Default of the steps' cache option; itself `false` by default. */
  readonly cache?: CacheDeclaration;
  /** A failed step aborts the running ones and ends the run. Default false: siblings finish. */
  readonly abortOnFailure?: boolean;
  /** How long a run may take: `'2h'`, or milliseconds. */
  readonly timeout?: Duration;
  /** Steps at once; default: the number of cores. */
  readonly concurrency?: number;
  /** For every step: names of environment variables the results depend on. */
  readonly env?: readonly string[];
  /** For every step: names of environment variables passed on and masked, without effect on the cache. */
  readonly secrets?: readonly string[];
  /** `import.meta.url`, where the file cannot be told from the call site. */
  readonly source?: string | URL;
}

/** Of `@Pipeline` and `pipeline()`. */
export interface ShortPipelineOptions extends SharedPipelineOptions {
  /** Default of the steps' `retry`. */
  readonly retry?: RetryDeclaration;
  /** Default of the steps' `queue`. */
  readonly queue?: string;
}

const SHARED = [
  'name',
  'project',
  'version',
  'description',
  'tags',
  'cache',
  'abortOnFailure',
  'timeout',
  'concurrency',
  'env',
  'secrets',
  'source',
] as const;
export const SHORT_PIPELINE_OPTIONS = [...SHARED, 'retry', 'queue'] as const;
export const CONTROLLER_OPTIONS = [...SHARED, 'retryOnFailure', 'addPipelineTags'] as const;

/** The part of a definition that comes from the pipeline's own options. */
export interface PipelineHead extends Pick<
  PipelineDefinition,
  'project' | 'version' | 'description' | 'tags' | 'options'
> {
  /** `undefined`: the declaration leaves it to the name of the class or of the variable. */
  readonly name: string | undefined;
  readonly source: SourceLocation | undefined;
}

export function pipelineHead(
  reader: OptionReader,
  names: { readonly retry: 'retry' | 'retryOnFailure' },
): PipelineHead {
  const options: PipelineOptions = Object.freeze({
    cache: cacheOption(reader, 'cache') ?? false,
    queue: reader.queue(),
    abortOnFailure: reader.boolean('abortOnFailure') ?? false,
    timeout: reader.duration('timeout'),
    concurrency: reader.count('concurrency', 1),
    ...environmentOptions(reader),
    retry: retryPolicy(reader, names.retry) ?? NO_RETRY,
  });
  return {
    name: reader.string('name'),
    project: reader.string('project') ?? 'default',
    version: reader.string('version'),
    description: reader.string('description'),
    tags: reader.strings('tags') ?? [],
    options,
    source: declaredPlace(reader),
  };
}
