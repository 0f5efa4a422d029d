import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire, findSourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as TraceMapping from '@jridgewell/trace-mapping';
import type { SourceLocation } from '@run-pipeline/core/model';
import { toPath } from '../source/user-stack.js';
import type { MapToSource } from './discovery.js';

/**
 * Maps places in executed files to the user's source, by the map Node has in memory (tsx and other
 * loaders), else by the file's `//# sourceMappingURL` (tsc, esbuild, our own loader). A file without a
 * map, or whose source is not there (a deployed `dist/`), is its own source. Give it raw V8 positions
 * only: mapping twice is wrong wherever source and output share a path.
 */
export function createMapToSource(): MapToSource {
  const tracers = new Map<string, Tracer>();
  const texts = new Map<string, string>();
  const map = (place: SourceLocation): SourceLocation => {
    const file = toPath(place.file);
    let tracer = tracers.get(place.file);
    if (tracer === undefined || tracer.stamp !== stampOf(file)) {
      tracer = { stamp: stampOf(file), trace: makeTrace(place.file, file, texts) };
      tracers.set(place.file, tracer);
    }
    return tracer.trace?.(place) ?? { file, line: place.line, column: place.column };
  };
  return Object.assign(map, { textOf: (file: string) => texts.get(file) });
}

/** One for the process: maps are parsed once. */
export const mapToSource: MapToSource = createMapToSource();

/** Marks the maps of our own loader: their sources are the user's files, there or not any more. */
export const OWN_MAP = 'x_run_pipeline';

interface Tracer {
  /** A rebuilt file (watch) has another map. */
  readonly stamp: string;
  readonly trace: ((place: SourceLocation) => SourceLocation | undefined) | undefined;
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.mtimeMs}:${stat.size}`;
}

/** `texts` gets those of the sources that a map of our own loader carries: the files may be elsewhere. */
function makeTrace(executed: string, file: string, texts: Map<string, string>): Tracer['trace'] {
  const inMemory = findSourceMap(executed) ?? findSourceMap(file);
  if (inMemory !== undefined) {
    return (place) => {
      const entry = inMemory.findEntry(place.line - 1, place.column - 1);
      if (!('originalSource' in entry)) return undefined;
      return existing({
        file: toPath(resolveSource(entry.originalSource, file)),
        line: entry.originalLine + 1,
        column: entry.originalColumn + 1,
      });
    };
  }
  const found = readMap(file);
  if (found === undefined) return undefined;
  const { TraceMap: Constructor, traceSegment } = createRequire(import.meta.url)(
    '@jridgewell/trace-mapping',
  ) as typeof TraceMapping;
  let map: TraceMapping.TraceMap;
  let isOwn: boolean;
  try {
    const json = JSON.parse(found.text) as { readonly [OWN_MAP]?: boolean };
    isOwn = json[OWN_MAP] === true;
    map = new Constructor(json as never);
    if (isOwn) {
      for (const [index, text] of (map.sourcesContent ?? []).entries()) {
        const source = map.sources[index];
        if (typeof text === 'string' && typeof source === 'string') texts.set(source, text);
      }
    }
  } catch {
    return undefined; // a damaged map: the executed place is the best there is
  }
  return (place) => {
    const segment = traceSegment(map, place.line - 1, place.column - 1);
    if (segment === null || segment.length === 1) return undefined;
    const [, index, line, column] = segment;
    const source = map.sources[index];
    if (typeof source !== 'string') return undefined;
    const original = {
      file: sourceFile(source, map.sourceRoot, found.base),
      line: line + 1,
      column: column + 1,
    };
    return isOwn ? original : existing(original);
  };
}

/** Sources are URLs by the specification and paths in practice: whichever is a file. */
function sourceFile(source: string, sourceRoot: string | undefined, base: string): string {
  const root =
    sourceRoot === undefined || sourceRoot === ''
      ? dirname(base)
      : resolve(dirname(base), toPath(sourceRoot));
  const plain = source.startsWith('file:') ? toPath(source) : resolve(root, source);
  return existsSync(plain) ? plain : decode(plain);
}

const resolveSource = (source: string, base: string): string =>
  source.startsWith('file:') ? source : resolve(dirname(base), source);

/** A source that is not on this machine helps nobody: the executed file is shown instead. */
const existing = (place: SourceLocation): SourceLocation | undefined =>
  existsSync(place.file) ? place : undefined;

function readMap(file: string): { readonly text: string; readonly base: string } | undefined {
  const tail = read(file)?.slice(-MAP_COMMENT_LIMIT);
  const urls =
    tail === undefined ? [] : [...tail.matchAll(/^[ \t]*\/[/*][#@][ \t]*sourceMappingURL=([^\s'"*]+)/gm)];
  const url = urls.at(-1)?.[1];
  if (url === undefined) return undefined;
  const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
  if (inline !== null) {
    const body = inline[2] ?? '';
    return {
      text: inline[1] === undefined ? decode(body) : Buffer.from(body, 'base64').toString('utf8'),
      base: file,
    };
  }
  if (/^https?:/.test(url)) return undefined;
  const path = url.startsWith('file:') ? fileURLToPath(url) : resolve(dirname(file), decode(url));
  const text = read(path);
  return text === undefined ? undefined : { text, base: path };
}

/** An inline map of a very large file is still found. */
const MAP_COMMENT_LIMIT = 64 * 1024 * 1024;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
