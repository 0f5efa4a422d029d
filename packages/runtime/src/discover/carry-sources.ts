import { readFileSync } from 'node:fs';

/**
 * The source map with the text of its sources: on a machine without them places are shown by it, and steps
 * that are named after their variables get their names from it. What cannot be read is left out.
 */
export function carrySources(map: string): string {
  const parsed = JSON.parse(map) as { readonly sources: readonly (string | null)[] };
  const sourcesContent = parsed.sources.map((source) => (source === null ? null : textOf(source)));
  return JSON.stringify({ ...parsed, sourcesContent });
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
