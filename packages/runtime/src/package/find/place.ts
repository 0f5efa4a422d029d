import { dirname, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourceLocation, StepCode } from '@run-pipeline/core/model';
import type { TrackedFiles } from '../source/tracked-files.js';

/** Where to look for a step's code, before any file is parsed. */
export interface StepPlace {
  /** Of the registering call, in the user's source. */
  readonly call: SourceLocation | undefined;
  /** Files that may hold the code, the likeliest first; absolute. */
  readonly files: readonly string[];
}

export type MapToSource = (place: SourceLocation) => SourceLocation;

const TYPESCRIPT = new Set(['.ts', '.tsx', '.mts', '.cts']);

/** Executed JavaScript leads to the TypeScript it was made from, where that exists. */
export function placeOf(code: StepCode, mapToSource: MapToSource, tracked: TrackedFiles): StepPlace {
  if (code.kind === 'function' && code.call !== undefined) {
    const call = isSource(code.call.file)
      ? { ...code.call, file: toPath(code.call.file) }
      : mapToSource(code.call);
    return { call, files: [call.file] };
  }
  if (code.file === undefined) return { call: undefined, files: [] };
  const file = toPath(code.file);
  if (isSource(file)) return { call: undefined, files: [file] };
  const mapped = mapToSource({ file: code.file, line: 1, column: 1 }).file;
  return {
    call: undefined,
    files: [...new Set([...(mapped === file ? [] : [mapped]), ...mappedSources(file, tracked), file])].filter(
      (each) => tracked.isFile(each),
    ),
  };
}

const isSource = (file: string): boolean => TYPESCRIPT.has(extname(file));
const toPath = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);

/** The sources that a file's own source map names. */
function mappedSources(file: string, tracked: TrackedFiles): string[] {
  try {
    const url = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(tracked.read(file) ?? '')?.[1];
    if (url === undefined) return [];
    const data = /^data:application\/json[^,]*;base64,(.*)$/.exec(url)?.[1];
    const base = data === undefined ? resolve(dirname(file), decodeURIComponent(url)) : file;
    const text =
      data === undefined ? (tracked.read(base) ?? '') : Buffer.from(data, 'base64').toString('utf8');
    const map = JSON.parse(text) as { readonly sources?: readonly string[]; readonly sourceRoot?: string };
    return (map.sources ?? []).map((source) =>
      resolve(dirname(base), toPath(map.sourceRoot ?? ''), toPath(source)),
    );
  } catch {
    return []; // no map, or a damaged one: the file is its own source
  }
}
