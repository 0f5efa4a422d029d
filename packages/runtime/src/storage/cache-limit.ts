import { RunPipelineError } from '@run-pipeline/core/model';

/** Bytes that the copies of a project may have together: `20GB`, `500MB`, a number of bytes. */
export const CACHE_SIZE = 'RUN_PIPELINE_STORAGE_CACHE_SIZE';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
const DEFAULT = 10 * 1024 ** 3;

export function cacheLimit(env: Readonly<Record<string, string | undefined>>): number {
  const text = env[CACHE_SIZE]?.trim();
  if (text === undefined || text === '') return DEFAULT;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text);
  if (match === null) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'storage-cache-size',
      message: `${CACHE_SIZE} is ${JSON.stringify(text)}, which is no size`,
      help: `write bytes, or a number with a unit: ${CACHE_SIZE}=20GB`,
    });
  }
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!);
}
