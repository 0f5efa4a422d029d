import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as TraceMapping from '@jridgewell/trace-mapping';
import type { SourceLocation } from '@run-pipeline/core/model';

/**
 * From places in a task package to the user's TypeScript. The map is read when the first error asks:
 * a step that does not fail pays nothing for it.
 */
export class PackageMap {
  readonly #file: string;
  readonly #sourceMap: string | undefined;
  #loaded: Loaded | undefined;

  constructor(options: { readonly file: string; readonly sourceMap: string | undefined }) {
    this.#file = options.file;
    this.#sourceMap = options.sourceMap;
  }

  /** The original place; a place elsewhere, or one the map does not know, as it is. */
  readonly toSource = (place: SourceLocation): SourceLocation => {
    if (withoutQuery(place.file) !== this.#file) return place;
    const { trace, library, directory } = this.#load();
    if (trace === undefined) return place;
    const found = library.originalPositionFor(trace, {
      line: place.line,
      column: Math.max(0, place.column - 1),
    });
    if (found.source === null) return place;
    return { file: absolute(found.source, directory), line: found.line, column: found.column + 1 };
  };

  /** The text of an original file as it was when the package was made, if the map carries it. */
  sourceText(file: string): string | undefined {
    const { trace, directory } = this.#load();
    const index =
      trace?.resolvedSources.findIndex((source) => absolute(source ?? '', directory) === file) ?? -1;
    return index === -1 ? undefined : (trace?.sourcesContent?.[index] ?? undefined);
  }

  #load(): Loaded {
    return (this.#loaded ??= load(this.#sourceMap));
  }
}

interface Loaded {
  readonly library: typeof TraceMapping;
  readonly trace: TraceMapping.TraceMap | undefined;
  /** What relative sources are relative to. */
  readonly directory: string;
}

const withoutQuery = (file: string): string => file.replace(/\?task=\d+$/, '');

/** The path of what V8 calls a file: a URL, or a path where a test runner loads modules. */
export function packagePath(file: string): string {
  const bare = withoutQuery(file);
  return bare.startsWith('file:') ? fileURLToPath(bare) : bare;
}

function load(sourceMap: string | undefined): Loaded {
  // Synchronous, because V8 asks for a stack in the middle of anything.
  const library = createRequire(import.meta.url)('@jridgewell/trace-mapping') as Loaded['library'];
  const directory = dirname(sourceMap ?? '/');
  if (sourceMap === undefined) return { library, trace: undefined, directory };
  try {
    return { library, trace: new library.TraceMap(mapText(readFileSync(sourceMap, 'utf8'))), directory };
  } catch {
    // A damaged map must not hide the error that is to be shown.
    return { library, trace: undefined, directory };
  }
}

/** A module may carry its map in a comment behind its code; else the file is the map. */
function mapText(text: string): string {
  const at = text.lastIndexOf(INLINE);
  return at === -1
    ? text
    : Buffer.from(/^[A-Za-z0-9+/=]*/.exec(text.slice(at + INLINE.length))![0], 'base64').toString('utf8');
}
const INLINE = '\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,';

function absolute(source: string, directory: string): string {
  if (source.startsWith('file:')) return fileURLToPath(source);
  return isAbsolute(source) ? source : resolve(directory, source);
}

/** Shows the user's TypeScript wherever this process prints a stack; returns how to undo it. */
export function mapStacks(map: PackageMap): () => void {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, frames) => {
    let stack = headline(error);
    for (const frame of frames) stack += `\n    at ${mappedFrame(frame, map)}`;
    return stack;
  };
  return () => {
    Error.prepareStackTrace = before;
  };
}

function headline(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

function mappedFrame(frame: NodeJS.CallSite, map: PackageMap): string {
  const text = String(frame);
  const file = frame.getFileName();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (typeof file !== 'string' || line === null || column === null) return text;
  const place = { file: packagePath(file), line, column };
  const source = map.toSource(place);
  return source === place
    ? text
    : text.replace(`${file}:${line}:${column}`, `${source.file}:${source.line}:${source.column}`);
}
