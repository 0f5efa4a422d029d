import {
  TraceMap,
  decodedMappings,
  encodedMappings,
  type EncodedSourceMap,
  type SourceMapSegment,
} from '@jridgewell/trace-mapping';

/** Code with its source map (JSON). */
export interface MappedCode {
  readonly code: string;
  readonly map: string;
}

/**
 * Replaces matches of a pattern in code and moves the mappings behind them, so that placeholders can
 * become longer without disturbing stack traces. Matches do not span lines.
 */
export function replaceMapped(
  source: MappedCode,
  pattern: RegExp,
  replacement: (match: RegExpMatchArray) => string,
): MappedCode {
  const matches = [...source.code.matchAll(pattern)];
  if (matches.length === 0) return source;
  const raw = JSON.parse(source.map) as EncodedSourceMap;
  const lines = decodedMappings(new TraceMap(raw)).map((line) =>
    line.map((segment) => [...segment] as SourceMapSegment),
  );
  const pieces: string[] = [];
  let at = 0;
  let line = 0;
  let lineStart = 0;
  let shift = 0;
  for (const match of matches) {
    const start = match.index ?? 0;
    for (
      let newline = source.code.indexOf('\n', lineStart);
      newline !== -1 && newline < start;
      newline = source.code.indexOf('\n', lineStart)
    ) {
      line += 1;
      lineStart = newline + 1;
      shift = 0;
    }
    const text = replacement(match);
    pieces.push(source.code.slice(at, start), text);
    at = start + match[0].length;
    const grown = text.length - match[0].length;
    const behind = at - lineStart + shift;
    for (const segment of lines[line] ?? []) if (segment[0] >= behind) segment[0] += grown;
    shift += grown;
  }
  pieces.push(source.code.slice(at));
  const mappings = encodedMappings(new TraceMap({ ...raw, mappings: lines } as never));
  return { code: pieces.join(''), map: JSON.stringify({ ...raw, mappings }) };
}

/** Puts lines before the code. */
export function prependLines(source: MappedCode, lines: readonly string[]): MappedCode {
  const raw = JSON.parse(source.map) as EncodedSourceMap;
  const mappings = ';'.repeat(lines.length) + String(raw.mappings);
  return { code: `${lines.join('\n')}\n${source.code}`, map: JSON.stringify({ ...raw, mappings }) };
}
