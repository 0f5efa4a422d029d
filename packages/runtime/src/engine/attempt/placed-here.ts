import { resolve } from 'node:path';
import { formatLocation, type ErrorRecord, type SourceLocation } from '@run-pipeline/core/model';
import type { ProjectPaths } from '../../project/project.js';
import { codeFrame } from '../../source/code-frame.js';

/**
 * An error that was recorded by an agent, as this run would have recorded it: an agent tells places relative to
 * the project's root, which are the same everywhere, and has no source to show; here they are relative to the
 * invoking directory, with the lines around them.
 */
export function placedHere(error: ErrorRecord, paths: Pick<ProjectPaths, 'root' | 'cwd'>): ErrorRecord {
  const at = error.at === undefined ? undefined : locate(error.at, paths.root);
  const frame = error.frame ?? (at === undefined ? undefined : codeFrame(at));
  return {
    ...error,
    ...(at === undefined ? {} : { at: formatLocation(at, paths.cwd) }),
    ...(frame === undefined ? {} : { frame }),
    ...(error.stack === undefined ? {} : { stack: stackHere(error.stack, paths) }),
    ...(error.cause === undefined ? {} : { cause: placedHere(error.cause, paths) }),
  };
}

/** `at train (pipe.ts:5:16)`, or `at pipe.ts:5:16`. */
const stackHere = (stack: string, { root, cwd }: Pick<ProjectPaths, 'root' | 'cwd'>): string =>
  stack.replace(
    /^(at (?:.* \()?)([^()]+:\d+:\d+)(\)?)$/gm,
    (line, head: string, place: string, tail: string) => {
      const at = locate(place, root);
      return at === undefined ? line : `${head}${formatLocation(at, cwd)}${tail}`;
    },
  );

function locate(place: string, root: string): SourceLocation | undefined {
  const [, file, line, column] = /^(.+):(\d+):(\d+)$/.exec(place) ?? [];
  if (file === undefined) return undefined;
  return { file: resolve(root, file), line: Number(line), column: Number(column) };
}
