import { readFileSync } from 'node:fs';
import type { SourceLocation } from '@run-pipeline/core/model';
import type { MapToSource } from './discovery.js';
import { offsetOf, textBefore, variableOf } from './variable-name.js';

/**
 * Maps the raw place of a call to the callee's name in the source. V8 tells the place of
 * `(0, x.step)(…)`, which tsc and esbuild emit for CommonJS, at its parenthesis, which maps to behind
 * the name.
 */
export function mapCallPlace(place: SourceLocation, map: MapToSource): SourceLocation {
  const mapped = map(place);
  const source = read(mapped.file);
  if (source === undefined) return mapped;
  const offset = offsetOf(source, mapped);
  const name = /[A-Za-z_$][\w$]*$/.exec(textBefore(source, mapped))?.[0];
  const isBehindName = name !== undefined && /^\s*[(<]/.test(source.slice(offset, offset + 20));
  return isBehindName ? { ...mapped, column: mapped.column - name.length } : mapped;
}

/** The variable that the call at a place in the source is assigned to. */
export function variableAt(place: SourceLocation): string | undefined {
  const source = read(place.file);
  return source === undefined ? undefined : variableOf(source, place);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
