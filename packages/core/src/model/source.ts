/** A place in the user's own source. `file` is absolute; `line` and `column` start at 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `pipe.ts:5:16`, the file relative to `from` when it lies below it. */
export function formatLocation(location: SourceLocation, from?: string): string {
  const base = from === undefined ? undefined : from.endsWith('/') ? from : `${from}/`;
  const file =
    base !== undefined && location.file.startsWith(base) ? location.file.slice(base.length) : location.file;
  return `${file}:${location.line}:${location.column}`;
}
