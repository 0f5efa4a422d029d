import type { SourceLocation } from '../model/source.js';
import type { OptionReader } from './option-reader.js';

/**
 * Where a declaration stands: what the call site told, its file overridden by `source: import.meta.url`
 * (needed when the call site is not the user's own code, say after another tool's bundling).
 */
export function declaredPlace(reader: OptionReader): SourceLocation | undefined {
  const source = reader.raw('source');
  if (source === undefined) return reader.at;
  if (!(source instanceof URL) && (typeof source !== 'string' || source === '')) {
    throw reader.error('option-type', `takes import.meta.url or an absolute path as "source"`);
  }
  const file = String(source);
  const same = reader.at !== undefined && stripScheme(reader.at.file) === stripScheme(file);
  return same ? reader.at : { file, line: 1, column: 1 };
}

const stripScheme = (file: string): string => file.replace(/^file:\/\//, '');
