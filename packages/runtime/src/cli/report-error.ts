import {
  EXIT,
  isRunPipelineError,
  type Diagnostic,
  type ErrorKind,
  type RunPipelineError,
} from '@run-pipeline/core/model';
import { mapToSource } from '../discover/map-to-source.js';
import { codeFrame } from '../source/code-frame.js';
import { userStack } from '../source/user-stack.js';
import { asTyped } from '../project/as-typed.js';
import { diagnosticLines, placeLines } from '../terminal/diagnostics.js';
import { printable } from '../terminal/sanitise.js';
import { createStyle, wantsColour, type Style } from '../terminal/style.js';
import type { Outputs } from './output.js';

const EXIT_OF: Readonly<Record<ErrorKind, number>> = {
  definition: EXIT.usage,
  usage: EXIT.usage,
  load: EXIT.load,
  store: EXIT.store,
  artifact: EXIT.store,
  run: EXIT.failed,
};

/** Errors of the system that mean: the state cannot be kept. */
const STATE_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'a directory is where a file should be',
  ENOTDIR: 'a file is where a directory should be',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
};

export interface ReportRequest {
  readonly outputs: Outputs;
  readonly json: boolean;
  readonly trace: boolean;
  readonly command: string | undefined;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Shows an error that ended a command, and returns the exit code. Runs print nothing but events on stdout. */
export function reportError(error: unknown, request: ReportRequest): number {
  const { outputs } = request;
  const style = createStyle(wantsColour(outputs.err.stream, request.env));
  outputs.err.write(`${errorLines(error, { style, cwd: request.cwd, trace: request.trace }).join('\n')}\n`);
  if (request.json && !STREAMS.has(request.command ?? 'run')) {
    outputs.out.write(`${JSON.stringify({ error: errorDocument(error) })}\n`);
  }
  return exitCodeOf(error);
}

const STREAMS: ReadonlySet<string> = new Set(['run', 'resume', 'rerun', 'follow', 'logs', 'agent']);

export function exitCodeOf(error: unknown): number {
  if (isRunPipelineError(error)) return EXIT_OF[error.kind];
  return systemReason(error) === undefined ? EXIT.failed : EXIT.store;
}

export function errorLines(
  error: unknown,
  options: { readonly style: Style; readonly cwd: string; readonly trace: boolean },
): readonly string[] {
  const { style, cwd, trace } = options;
  const places = { style, cwd, frame: codeFrame };
  const lines: string[] = [];
  if (isRunPipelineError(error)) {
    const findings = error.diagnostics.filter((item) => item.severity === 'error');
    for (const [index, item] of findings.entries()) {
      if (index > 0) lines.push('');
      lines.push(...diagnosticLines(item, places));
    }
    if (findings.length === 0)
      lines.push(
        ...headLines(style, asTyped(error.message)),
        ...placeLines(error.at, places),
        ...helpLines(style, error),
      );
  } else {
    const reason = systemReason(error);
    const { name, message } = nameAndMessage(error);
    if (reason !== undefined) lines.push(...headLines(style, `${reason}: ${message}`));
    else {
      lines.push(...headLines(style, `${name}: ${message}`));
      const { at } = userStack(error, { map: mapToSource });
      if (at !== undefined) lines.push(...placeLines(at, places));
      else if (!trace) lines.push(`${style.info('→')} this is unexpected; --trace shows where it comes from`);
    }
  }
  if (trace) lines.push(...traceLines(style, error));
  return lines;
}

/** For programs: what a failed query prints instead of its document. */
function errorDocument(error: unknown): { readonly [key: string]: unknown } {
  if (!isRunPipelineError(error))
    return { kind: systemReason(error) === undefined ? 'run' : 'store', ...nameAndMessage(error) };
  const { kind, code, message, at, help, diagnostics } = error;
  return { kind, code, message, at, help, diagnostics: diagnostics satisfies readonly Diagnostic[] };
}

function headLines(style: Style, message: string): readonly string[] {
  const [first, ...more] = printable(message).split('\n');
  return [`${style.bad('✖')} ${style.bold(first!)}`, ...more.map((line) => `  ${line}`)];
}

const helpLines = (style: Style, error: RunPipelineError): readonly string[] =>
  error.help === undefined
    ? []
    : printable(asTyped(error.help))
        .split('\n')
        // A list below its sentence carries on.
        .map((line) => `${line.startsWith(' ') ? ' ' : style.info('→')} ${line}`);

function traceLines(style: Style, error: unknown): readonly string[] {
  const lines: string[] = [];
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 8;
    current = current.cause, depth++
  ) {
    if (depth > 0) lines.push(style.dim('caused by'));
    lines.push(
      ...printable(current.stack ?? String(current))
        .split('\n')
        .map((line) => style.dim(line)),
    );
  }
  return lines;
}

function systemReason(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? STATE_ERRORS[code] : undefined;
}

/** User code throws anything, also what throws when it is looked at. */
function nameAndMessage(error: unknown): { readonly name: string; readonly message: string } {
  try {
    if (error instanceof Error) return { name: String(error.name), message: String(error.message) };
    return { name: 'Error', message: String(error) };
  } catch {
    return { name: 'Error', message: `a value of type ${typeof error} that cannot be shown was thrown` };
  }
}
