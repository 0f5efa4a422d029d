import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourceLocation, StepCode } from '@run-pipeline/core/model';
import { findFunction } from './find-function.js';
import { findMethod } from './find-method.js';
import { notFound, type FindContext, type Found } from './found-step.js';
import type { FunctionIndex } from './function-index.js';

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
export function placeOf(code: StepCode, mapToSource: MapToSource): StepPlace {
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
    files: [...new Set([mapped, ...mappedSources(file), file])].filter((each) => existsSync(each)),
  };
}

const isSource = (file: string): boolean => TYPESCRIPT.has(extname(file));
const toPath = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);

/** The sources that a file's own source map names. */
function mappedSources(file: string): string[] {
  try {
    const url = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(file, 'utf8'))?.[1];
    if (url === undefined) return [];
    const data = /^data:application\/json[^,]*;base64,(.*)$/.exec(url)?.[1];
    const base = data === undefined ? resolve(dirname(file), decodeURIComponent(url)) : file;
    const text =
      data === undefined ? readFileSync(base, 'utf8') : Buffer.from(data, 'base64').toString('utf8');
    const map = JSON.parse(text) as { readonly sources?: readonly string[]; readonly sourceRoot?: string };
    return (map.sources ?? []).map((source) =>
      resolve(dirname(base), toPath(map.sourceRoot ?? ''), toPath(source)),
    );
  } catch {
    return []; // no map, or a damaged one: the file is its own source
  }
}

export function findStep(options: {
  readonly context: FindContext;
  readonly key: string;
  readonly code: StepCode;
  readonly place: StepPlace;
  readonly index: FunctionIndex;
}): Found {
  const { context, key, code, place, index } = options;
  const [file] = place.files;
  if (file === undefined) {
    return notFound({
      code: 'source-unknown',
      message: `cannot tell in which file step ${key} is written`,
      help: 'pass `source: import.meta.url`',
    });
  }
  const loaded = context.program.loaded(file);
  if (loaded?.kind === 'failed') return { ok: false, diagnostic: loaded.diagnostic };
  return code.kind === 'method'
    ? findMethod({ context, key, code, files: place.files })
    : findFunction({ context, key, code, place: place.call, file, index });
}
