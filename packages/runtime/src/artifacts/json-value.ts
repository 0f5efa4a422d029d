import type { EncodedValue } from '@run-pipeline/core/model';
import type { Meta } from './annotations.js';
import { isPlainJson, patchedJson } from './plain-json.js';
import { withinLimits } from './superjson-codec.js';
import { artifactLossy } from './value-path.js';
import { readValue } from './value-reader.js';
import { writeValue } from './value-writer.js';

/**
 * A small value as JSON that keeps its type (superjson's pair): parameters and configurations of tasks.
 *
 * @param name what messages call it: `General/test_size`
 * @throws RunPipelineError `artifact-lossy` for what JSON cannot keep: functions, bytes, class instances.
 */
export function encodeJsonValue(value: unknown, name: string): EncodedValue {
  return withinLimits(name, () => {
    if (patchedJson() === undefined && isPlainJson(value)) return { json: structuredClone(value) };
    const { json, meta, segments } = writeValue(value, { name, hasCodec: () => false, binary: 'segments' });
    const [segment] = segments;
    if (segment !== undefined)
      throw artifactLossy(name, 'holds bytes', 'Upload them as an artifact, and pass its url or id.');
    return { json, ...(meta === undefined ? {} : { meta }) };
  });
}

/** The inverse; every call gives a private copy. */
export const decodeJsonValue = ({ json, meta }: EncodedValue): unknown =>
  readValue({
    json: structuredClone(json),
    meta: meta as Meta | undefined,
    segments: [],
    instances: new Map(),
  });
