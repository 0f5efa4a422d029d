import type { EncodedSourceMap } from '@jridgewell/trace-mapping';
import type { PackageSymbol } from '@run-pipeline/core/model';

/** Lines of a file that is bundled whole (CommonJS, JSON): a table of data is no code to look at. */
const WHOLE_FILE_LINES = 1_000;

/**
 * Puts into a package's map the user's own source of what the package holds, and nothing else of its
 * files: all other lines are empty, so that the numbers of lines are those of the files. The code can be
 * shown later, and on other machines, as it was.
 */
export function keepSources(
  map: string,
  options: {
    readonly symbols: readonly PackageSymbol[];
    /** By the name that the map and the symbols have. */
    readonly read: (file: string) => string | undefined;
  },
): string {
  const raw = JSON.parse(map) as EncodedSourceMap;
  const sourcesContent = raw.sources.map((source) => {
    const symbols = options.symbols.filter(({ file }) => file === source);
    const text = source === null || symbols.length === 0 ? undefined : options.read(source);
    return text === undefined ? null : keptLines(text, symbols);
  });
  if (sourcesContent.every((content) => content === null)) return map;
  return JSON.stringify({ ...raw, sourcesContent });
}

function keptLines(text: string, symbols: readonly PackageSymbol[]): string {
  const lines = text.split(/\r\n|\n|\r/);
  const kept: string[] = Array<string>(lines.length).fill('');
  let last = 0;
  for (const { line, endLine = WHOLE_FILE_LINES } of symbols) {
    const end = Math.min(endLine, lines.length);
    for (let number = line; number <= end; number++) kept[number - 1] = lines[number - 1]!;
    last = Math.max(last, end);
  }
  return kept.slice(0, last).join('\n');
}

/** The lines of a symbol, from the map of its package; undefined where the map does not carry them. */
export function keptSource(map: EncodedSourceMap, symbol: PackageSymbol): string | undefined {
  const content = map.sourcesContent?.[map.sources.indexOf(symbol.file)];
  if (content === undefined || content === null) return undefined;
  const { line, endLine = WHOLE_FILE_LINES } = symbol;
  return content
    .split('\n')
    .slice(line - 1, endLine)
    .join('\n');
}
