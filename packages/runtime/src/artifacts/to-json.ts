import { isPlainJson, patchedJson } from './plain-json.js';
import { withinLimits } from './superjson-codec.js';
import { writeValue } from './value-writer.js';

/**
 * A value for `get --json`: itself when it is plain JSON, else superjson's `{ json, meta }`. Typed
 * arrays are written as numbers where JSON keeps each of them; other binary values as base64, with
 * the annotation `["custom", "binary:<kind>"]`.
 */
export function toJson(value: unknown): unknown {
  return withinLimits('the value', () => {
    if (patchedJson() === undefined && isPlainJson(value)) return value;
    // Instances of registered types have no JSON; their preview stands in.
    const { json, meta } = writeValue(value, { name: 'the value', hasCodec: () => false, binary: 'inline' });
    return meta === undefined ? json : { json, meta };
  });
}
