import { realpathSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { RunPipelineError, type Diagnostic, type TaskPackage } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../../project/project.js';
import { Memo, type ScriptIdentity } from '../memo/memo.js';
import { LOADERS } from '../source/loaders.js';
import { readPackage } from '../write-packages.js';

/** A script to package. */
export interface ScriptRequest {
  readonly paths: ProjectPaths;
  /** A TypeScript or JavaScript module; relative to `paths.cwd`. */
  readonly file: string;
  /** Files that go with it: globs or paths relative to the script. Default: none. */
  readonly assets?: readonly string[];
  /** Called for each warning, also for those of a packaging that is only remembered. */
  readonly onWarning?: (warning: Diagnostic) => void;
}

/**
 * Makes a task package of a whole script: all of its top level, in order, with everything of the user's
 * own that it imports; npm packages are named with the closure of what they depend on. Evaluating the
 * package's module is executing the task (`entry: { kind: 'script' }`). Memoised and written as the
 * packages of steps are. Throws an error of kind `load` that holds all findings, with their places.
 *
 * @example
 * ```ts
 * const task = await packageScript({ paths, file: 'train.ts', assets: ['./labels.json'] });
 * ```
 */
export async function packageScript(request: ScriptRequest): Promise<TaskPackage> {
  const { paths, assets = [], onWarning } = request;
  const file = existingFile(resolve(paths.cwd, request.file));
  const identity: ScriptIdentity = { kind: 'script', file, assets };
  const memo = Memo.open(paths, file, 'script');
  let packaged = memo.find(identity);
  // Whoever executes it verifies it, and says to make it again: that is here.
  if (packaged === undefined || readPackage(paths, packaged.task.hash) === undefined) {
    const { scriptFromSource } = await import('./script-from-source.js');
    const fresh = await scriptFromSource({ paths, file, assets });
    if (!fresh.ok) throw loadError(fresh.diagnostics);
    packaged = fresh.packaged;
    memo.add(fresh.inputs, [[identity, packaged]]);
  }
  memo.save();
  for (const diagnostic of packaged.diagnostics) onWarning?.(diagnostic);
  return packaged.task;
}

function existingFile(path: string): string {
  let file: string;
  let isFile: boolean;
  try {
    file = realpathSync.native(path);
    isFile = statSync(file).isFile();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new RunPipelineError({
      kind: 'load',
      code: 'unreadable-file',
      message: `the script ${path} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`}`,
      help: 'check the path',
      cause,
    });
  }
  if (isFile && extname(file) in LOADERS) return file;
  throw new RunPipelineError({
    kind: 'load',
    code: isFile ? 'not-a-source-file' : 'not-a-file',
    message: isFile ? `the script ${path} is neither TypeScript nor JavaScript` : `${path} is not a file`,
    help: `a script is one of ${Object.keys(LOADERS).join(' ')}`,
  });
}

function loadError(diagnostics: readonly Diagnostic[]): RunPipelineError {
  const errors = diagnostics.filter((each) => each.severity === 'error');
  const [first] = errors;
  return new RunPipelineError({
    kind: 'load',
    code: first?.code ?? 'load-failed',
    message: errors.map((each) => each.message).join('\n'),
    at: first?.at,
    help: first?.help,
    diagnostics,
  });
}
