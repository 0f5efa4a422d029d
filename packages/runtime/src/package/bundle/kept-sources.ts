import type { PackageSymbol } from '@run-pipeline/core/model';

/** Of a file that is bundled whole (CommonJS, JSON): a table of data is no code to look at. */
const WHOLE_FILE_LINES = 1_000;
/** A source map may have members of its own that begin with this. */
const MEMBER = 'x_run_pipeline_sources';

/** A declaration of the user's that a package holds, as it was written. */
export interface PackageSource {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly text: string;
}

/**
 * Puts the user's own source of what a package holds into its map, so that the code of a step can be shown
 * as it was, later and on other machines. Only that: a map with whole files would make a thousand packages
 * of one file hold it a thousand times.
 */
export function keepSources(
  map: string,
  options: {
    readonly symbols: readonly PackageSymbol[];
    /** Of a file, by the name that the symbols have. */
    readonly lines: (file: string) => readonly string[] | undefined;
  },
): string {
  const sources = options.symbols.flatMap(({ file, line, endLine, name }): readonly PackageSource[] => {
    const lines = options.lines(file)?.slice(line - 1, endLine ?? WHOLE_FILE_LINES);
    return lines === undefined || lines.length === 0 ? [] : [{ file, line, name, text: lines.join('\n') }];
  });
  return sources.length === 0
    ? map
    : `${map.slice(0, -1)},${JSON.stringify(MEMBER)}:${JSON.stringify(sources)}}`;
}

/** The other way; empty for a package of an earlier version. */
export function keptSources(map: string): readonly PackageSource[] {
  const sources = (JSON.parse(map) as { readonly [MEMBER]?: readonly PackageSource[] })[MEMBER];
  return sources ?? [];
}
