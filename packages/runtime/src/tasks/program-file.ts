import { existsSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, sep } from 'node:path';
import type { SourceLocation } from '@run-pipeline/core/model';
import { toPath } from '../source/user-stack.js';

/**
 * The user's source of the script that this process is: of what `node` was started with, also when
 * `Task.init` is called in another file of it. Undefined: there is none that could be packaged
 * (`node -e`, the REPL).
 *
 * @param options.program `process.argv[1]`
 * @param options.source `source: import.meta.url` of `Task.init`: it decides
 */
export function programFile(options: {
  readonly call: SourceLocation | undefined;
  readonly program: string | undefined;
  readonly source: string | undefined;
  readonly toSource: (place: SourceLocation) => SourceLocation;
}): string | undefined {
  const { call, toSource } = options;
  const callFile = call === undefined ? undefined : realFile(toPath(call.file));
  if (options.source !== undefined) {
    const file = realFile(toPath(options.source));
    return file === undefined ? undefined : sourceOf(file, { call, callFile, toSource });
  }
  const program = startedFile(options.program);
  // A test runner, or another tool that executes the script, is not the script.
  const isTool = program === undefined || program.split(sep).includes('node_modules');
  const file = isTool ? callFile : program;
  if (file === undefined || (isTool && file.split(sep).includes('node_modules'))) return undefined;
  return sourceOf(file, { call, callFile, toSource });
}

/** What was compiled leads to its source by the place of any code in it. */
function sourceOf(
  file: string,
  {
    call,
    callFile,
    toSource,
  }: {
    readonly call: SourceLocation | undefined;
    readonly callFile: string | undefined;
    readonly toSource: (place: SourceLocation) => SourceLocation;
  },
): string {
  if (call !== undefined && callFile === file) return existing(toSource(call).file) ?? file;
  // Code that a compiler put in front of the user's has no place in the source.
  for (let line = 1; line <= 50; line += 1) {
    const source = existing(toSource({ file, line, column: 1 }).file);
    if (source !== undefined && source !== file) return source;
  }
  return file;
}

const existing = (file: string): string | undefined =>
  isAbsolute(file) && existsSync(file) ? realFile(file) : undefined;

/** Node also starts `dist/x` and `dist`. */
const STARTED_AS = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '/index.js', '/index.mjs', '/index.ts'];

function startedFile(program: string | undefined): string | undefined {
  if (program === undefined || program === '') return undefined;
  for (const suffix of STARTED_AS) {
    const file = realFile(program + suffix);
    if (file !== undefined) return file;
  }
  return undefined;
}

function realFile(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}
