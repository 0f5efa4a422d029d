import { isAbsolute, relative } from 'node:path';
import {
  isRunPipelineError,
  RunPipelineError,
  type Diagnostic,
  type SourceLocation,
} from '@run-pipeline/core/model';
import { userStack } from '../source/user-stack.js';
import type { MapToSource } from './discovery.js';

/** What a file threw while it was evaluated, as an error that names the user's own line. */
export function evaluationError(
  error: unknown,
  options: {
    readonly file: string;
    readonly map: MapToSource;
    /** The file had started its pipeline. */
    readonly hasStarted?: boolean;
  },
): RunPipelineError {
  if (isRunPipelineError(error)) return mapErrorPlaces(error, options.map);
  const at = userStack(error, { map: options.map }).at ??
    syntaxErrorPlace(error, options.map) ?? { file: options.file, line: 1, column: 1 };
  const text = error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${describe(error)}`;
  return new RunPipelineError({
    kind: 'load',
    code: 'evaluation-failed',
    message: `${shortPath(options.file)} ${options.hasStarted === true ? 'failed after its start' : 'cannot be loaded'}: ${text}`,
    at,
    help: adviceFor(error),
    cause: error,
  });
}

/** As short as it is unmistakable: for messages. */
export function shortPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith('..') || isAbsolute(short) ? file : short;
}

/** A declaration that core refused: its places are raw positions of the executed file. */
export function mapErrorPlaces(error: RunPipelineError, map: MapToSource): RunPipelineError {
  const place = (at: SourceLocation | undefined): { at?: SourceLocation } =>
    at === undefined ? {} : { at: map(at) };
  const diagnostics = error.diagnostics.map((item): Diagnostic => ({
    ...item,
    ...place(item.at),
    ...(item.related === undefined
      ? {}
      : { related: item.related.map((other) => ({ ...other, ...place(other.at) })) }),
  }));
  return new RunPipelineError({
    kind: error.kind,
    code: error.code,
    message: error.message,
    at: place(error.at).at,
    help: error.help,
    diagnostics,
    cause: error.cause ?? error,
  });
}

/** A module that does not link (a missing export) has its place in front of the stack. */
function syntaxErrorPlace(error: unknown, map: MapToSource): SourceLocation | undefined {
  if (!(error instanceof SyntaxError)) return undefined;
  const match = /^(file:.*?):(\d+)\n/.exec(error.stack ?? '');
  return match === null ? undefined : map({ file: match[1]!, line: Number(match[2]), column: 1 });
}

function adviceFor(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
    return 'install the missing package, or correct the path';
  if (error instanceof SyntaxError && /does not provide an export named/.test(error.message)) {
    return 'the package has no such export; if it is a CommonJS package, import its default and take the name from that';
  }
  return undefined;
}

function describe(value: unknown): string {
  try {
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  } catch {
    return `a value of type ${typeof value}`;
  }
}
