import { fileURLToPath } from 'node:url';
import { formatLocation, type SourceLocation } from '@run-pipeline/core/model';

export interface UserFrame {
  /** `train`, `new Model`, `async load`; empty at the top level of a module. */
  readonly call: string;
  readonly at: SourceLocation;
}

export interface UserStack {
  /** Innermost first. */
  readonly frames: readonly UserFrame[];
  /** The innermost frame's place. */
  readonly at: SourceLocation | undefined;
  /** One `at train (pipe.ts:5:16)` a line; empty when no frame is the user's. */
  readonly text: string;
}

export interface UserStackOptions {
  /** Maps an executed place to the user's source (`mapToSource`); left out: places are taken as they are. */
  readonly map?: (place: SourceLocation) => SourceLocation;
  /** Places in `text` are relative to it. */
  readonly from?: string;
  /** Further files whose frames are not the user's. */
  readonly isInternal?: (file: string) => boolean;
}

/**
 * The frames of an error that are in the user's own code: without Node's, those of npm packages and
 * those of run-pipeline itself. Reads `error.stack`, which must be as V8 wrote it.
 */
export function userStack(error: unknown, options: UserStackOptions = {}): UserStack {
  // With source maps enabled in Node (tsx, --enable-source-maps) the text is mapped already.
  const map = process.sourceMapsEnabled === true ? undefined : options.map;
  const frames: UserFrame[] = [];
  for (const raw of rawFrames(error)) {
    if (isInternalFile(raw.at.file) || options.isInternal?.(raw.at.file) === true) continue;
    const at = map === undefined ? raw.at : map(raw.at);
    if (isInternalFile(at.file) || options.isInternal?.(at.file) === true) continue;
    frames.push({ call: raw.call, at });
  }
  const text = frames
    .map(({ call, at }) => {
      const place = formatLocation(at, options.from);
      return call === '' ? `at ${place}` : `at ${call} (${place})`;
    })
    .join('\n');
  return { frames, at: frames[0]?.at, text };
}

/** The frames of a stack as V8 prints it, with plain paths. */
export function rawFrames(error: unknown): UserFrame[] {
  const stack =
    typeof error === 'object' && error !== null ? (error as { stack?: unknown }).stack : undefined;
  if (typeof stack !== 'string') return [];
  const frames: UserFrame[] = [];
  for (const line of stack.split('\n')) {
    const match = /^\s+at (?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/.exec(line);
    if (match === null) continue;
    const [, call = '', file = '', row, column] = match;
    if (file.startsWith('eval at ') || file.includes('<anonymous>')) continue; // no file to show
    const bare = file.replace(/^async /, '');
    frames.push({
      call: call.replace(/^(async )?(?:Object\.|Module\.)?<anonymous>$/, '$1').trim(),
      at: { file: toPath(bare), line: Number(row), column: Number(column) },
    });
  }
  return frames;
}

/** A path from what V8 calls a file: a `file:` URL or a path, possibly with a query. */
export function toPath(file: string): string {
  if (!file.startsWith('file:')) return file;
  try {
    const url = new URL(file);
    url.search = '';
    url.hash = '';
    return fileURLToPath(url);
  } catch {
    return file;
  }
}

function isInternalFile(file: string): boolean {
  return (
    file.startsWith('node:') ||
    file === 'native' ||
    file.startsWith('<') ||
    /[\\/]node_modules[\\/]/.test(file) ||
    installation().some((directory) => file.startsWith(directory))
  );
}

let directories: readonly string[] | undefined;

/** The directories this installation runs from: runtime's own and core's. */
function installation(): readonly string[] {
  if (directories === undefined) {
    const own = new URL('.', import.meta.url);
    // From sources this file is one room deeper than in the built package.
    const runtime = own.pathname.endsWith('/src/source/') ? new URL('..', own) : own;
    const core = coreDirectory();
    directories = [fileURLToPath(runtime), ...(core === undefined ? [] : [core])];
  }
  return directories;
}

function coreDirectory(): string | undefined {
  try {
    return fileURLToPath(new URL('.', import.meta.resolve('@run-pipeline/core')));
  } catch {
    return undefined;
  }
}
