import type { SourceLocation } from '../model/source.js';
import type { RunOptions } from './host.js';
import { OptionReader } from './option-reader.js';

const KNOWN = [
  'parameters',
  'concurrency',
  'refresh',
  'cache',
  'from',
  'to',
  'only',
  'queue',
  'priority',
  'remote',
  'local',
  'output',
  'signal',
  'source',
] as const satisfies readonly (keyof RunOptions)[];

/** The door for the options of `run()` and `start()`; whether a step exists, the graph knows later. */
export function checkedRunOptions(
  what: string,
  options: RunOptions,
  at: SourceLocation | undefined,
): RunOptions {
  const reader = new OptionReader({ what, values: options, known: KNOWN, at });
  const parameters: unknown = reader.raw('parameters');
  if (
    parameters !== undefined &&
    (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters))
  ) {
    throw reader.error('option-type', 'takes an object as "parameters": { depth: 3 }');
  }
  const signal: unknown = reader.raw('signal');
  if (
    signal !== undefined &&
    typeof (signal as Partial<AbortSignal> | null)?.addEventListener !== 'function'
  ) {
    throw reader.error('option-type', 'takes an AbortSignal as "signal"');
  }
  reader.count('concurrency', 1);
  reader.priority();
  for (const flag of ['cache', 'local'] as const) reader.boolean(flag);
  for (const name of ['from', 'to', 'only'] as const) reader.string(name);
  reader.queue();
  if (typeof options.refresh !== 'boolean') reader.strings('refresh');
  if (typeof options.remote !== 'boolean') reader.queue('remote');
  if (options.local === true && options.remote !== undefined && options.remote !== false) {
    throw reader.error('option-type', 'takes either "local" or "remote", not both');
  }
  reader.oneOf('output', ['auto', 'live', 'stream', 'quiet']);
  return options;
}
