import { fileMarker } from '@run-pipeline/core/define';
import { types } from 'node:util';
import { isPlainJson, patchedJson } from './plain-json.js';
import { withinLimits } from './superjson-codec.js';
import { writeValue } from './value-writer.js';

/**
 * A value for `get --json`: itself when it is plain JSON, else superjson's `{ json, meta }`. Typed
 * arrays are written as numbers where JSON keeps each of them; other binary values as base64, with
 * the annotation `["custom", "binary:<kind>"]`. A file is its path, name, size and hash.
 *
 * @throws RunPipelineError `artifact-lossy` for instances of registered types, which have no JSON.
 */
export function toJson(value: unknown): unknown {
  // What a step gets for a file can be returned by it again, by a mark that is not part of its JSON.
  if (!types.isProxy(value) && fileMarker(value) !== undefined) return { ...(value as object) };
  return withinLimits('the value', () => {
    if (patchedJson() === undefined && isPlainJson(value)) return value;
    const { json, meta } = writeValue(value, { name: 'the value', hasCodec: () => false, binary: 'inline' });
    return meta === undefined ? json : { json, meta };
  });
}
