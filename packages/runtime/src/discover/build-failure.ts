import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildFailure, Message } from 'esbuild';
import { RunPipelineError, type Diagnostic, type SourceLocation } from '@run-pipeline/core/model';
import { shortPath } from './load-error.js';

export const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);

/** Everything esbuild found, as one error of kind `load`. */
export function buildError(
  failure: BuildFailure,
  options: { readonly file: string; readonly root: string },
): RunPipelineError {
  const diagnostics = failure.errors.map((message) => toDiagnostic(message, options.root));
  const first = diagnostics[0];
  return new RunPipelineError({
    kind: 'load',
    code: first?.code ?? 'load-failed',
    message:
      diagnostics.map(({ message }) => message).join('\n') || `${shortPath(options.file)} cannot be loaded`,
    at: first?.at,
    help: first?.help,
    diagnostics,
  });
}

function toDiagnostic(message: Message, root: string): Diagnostic {
  const at = toLocation(message, root);
  const unresolved = /^Could not resolve "(.*)"$/.exec(message.text)?.[1];
  const install = (message.detail as { install?: string } | undefined)?.install;
  const related = message.notes
    .filter(({ location }) => location !== null)
    .map((note) => ({ message: note.text, ...placed(toLocation(note, root)) }));
  return {
    code:
      unresolved === undefined
        ? /cannot be read/.test(message.text)
          ? 'unreadable-file'
          : 'syntax-error'
        : 'unresolved-import',
    severity: 'error',
    message: unresolved === undefined ? message.text : `the import "${unresolved}" cannot be found`,
    ...placed(at),
    ...(related.length === 0 ? {} : { related }),
    ...(unresolved === undefined
      ? {}
      : {
          help:
            install === undefined
              ? 'check the path, its letter case and `paths` in tsconfig.json'
              : `npm install ${install}`,
        }),
  };
}

const placed = (at: SourceLocation | undefined): { at?: SourceLocation } => (at === undefined ? {} : { at });

function toLocation(message: Pick<Message, 'location'>, root: string): SourceLocation | undefined {
  const { location } = message;
  if (location === null) return undefined;
  const file = location.file.startsWith('file:')
    ? fileURLToPath(location.file)
    : resolve(root, location.file);
  // esbuild counts columns in bytes, V8 in UTF-16 units.
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString('utf8').length;
  return { file, line: location.line, column: before + 1 };
}
