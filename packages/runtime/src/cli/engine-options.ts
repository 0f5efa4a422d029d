import { parseParameterFlag } from '@run-pipeline/core/graph';
import { didYouMean, type PipelineDefinition } from '@run-pipeline/core/model';
import type { RunOptions } from '@run-pipeline/core/define';
import type { EngineOptions } from '../engine/api.js';
import { DEFAULT_CONTROLLER_QUEUE, remoteQueue } from '../engine/controller/remote-queue.js';
import { graceMs } from '../engine/settings.js';
import type { Context } from './context.js';
import { usageError } from './usage-error.js';

/** What the flags of a run say, complete. */
export function engineOptions(context: Context): EngineOptions {
  const { options } = context;
  if (options.has('refresh') && options.has('no-cache')) {
    throw usageError(
      '--refresh and --no-cache exclude each other',
      '--refresh executes and replaces cached results; --no-cache leaves the cache alone',
    );
  }
  if (options.has('only') && (options.has('from') || options.has('to'))) {
    throw usageError('--only says it all: it cannot be combined with --from or --to');
  }
  const steps = options.texts('refresh');
  return {
    ...placeOptions(context),
    concurrency: concurrency(context),
    refresh: !options.has('refresh') ? 'none' : steps.length > 0 ? steps : 'all',
    cache: !options.has('no-cache'),
    from: options.text('from'),
    to: options.text('to'),
    only: options.text('only'),
    graceMs: graceMs(context.env),
  };
}

/** The queue that the controller goes to: `--remote[=Q]`, else what the file asks for, unless a flag says otherwise. */
export function controllerQueue(context: Context, given: RunOptions = {}): string | undefined {
  const { options } = context;
  const local = options.has('local');
  if (options.has('remote')) {
    if (local) {
      throw usageError(
        '--remote and --local exclude each other',
        '--remote leaves the whole run to an agent; --local runs all of it in this process',
      );
    }
    if (options.has('watch'))
      throw usageError(
        '--remote and --watch exclude each other',
        'watch it run here, or leave it to an agent',
      );
    const queue = options.text('remote');
    if (queue !== undefined && (queue.trim() === '' || /\p{Cc}/u.test(queue)))
      throw usageError('--remote takes the name of a queue: --remote=services');
    return queue ?? DEFAULT_CONTROLLER_QUEUE;
  }
  return local ? undefined : remoteQueue(given);
}

/** Where steps run, and before whose: `--queue`, `--local`, `--priority`. */
export function placeOptions({ options }: Context): Pick<EngineOptions, 'queue' | 'local' | 'priority'> {
  const queue = options.text('queue');
  const local = options.has('local');
  if (local && queue !== undefined) {
    throw usageError(
      '--queue and --local exclude each other',
      '--queue sends steps to agents; --local runs all of them in this process',
    );
  }
  if (queue !== undefined && (queue.trim() === '' || /\p{Cc}/u.test(queue)))
    throw usageError('--queue takes the name of a queue: --queue default');
  return { queue, local, priority: options.number('priority') ?? 0 };
}

/**
 * Steps that `--refresh` names must be there: a misspelt one would be a run from the cache that claims to be fresh.
 * The steps of a pipeline function come while it runs.
 */
export function checkRefresh(definition: PipelineDefinition, refresh: EngineOptions['refresh']): void {
  if (definition.kind === 'function' || typeof refresh === 'string') return;
  const names = definition.steps.map(({ name }) => name);
  for (const step of refresh) {
    if (names.includes(step.replace(/\[\d+\]$/, ''))) continue;
    throw usageError(
      `--refresh=${step}: ${definition.name} has no step ${step}${didYouMean(step, names)}`,
      `its steps: ${names.join(', ')}`,
    );
  }
}

/** Undefined: the pipeline's own option, else the number of cores. */
export function concurrency(context: Context): number | undefined {
  const given = context.options.number('concurrency');
  if (given === 0) throw usageError('--concurrency must be at least 1');
  return given;
}

/** `--param a=1 --param b=2`. A name given twice is a slip of the hand, not a list. */
export function parameterFlags(context: Context): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const flag of context.options.texts('param')) {
    const { name, value } = parseParameterFlag(flag);
    if (values.has(name)) throw usageError(`--param ${name} was given twice`);
    values.set(name, value);
  }
  return Object.fromEntries(values);
}

/** `train.ts#scoring` as file and name. A file whose own name holds a `#` can be given with a second one. */
export function splitFile(argument: string): { readonly file: string; readonly name: string | undefined } {
  const at = argument.lastIndexOf('#');
  return at <= 0
    ? { file: argument, name: undefined }
    : { file: argument.slice(0, at), name: argument.slice(at + 1) };
}
