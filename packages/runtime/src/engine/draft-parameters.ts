import type { TaskParameter, TaskParameters } from '@run-pipeline/core/model';
import { encodeJsonValue } from '../artifacts/index.js';
import type { Parameters } from './parameters.js';

/** Characters of JSON: a record is for people and is read whole. */
const LONGEST = 64 * 1024;

/** What a record shows of the values of a run. What JSON cannot keep, or is long, is left out: the run has it. */
export function recordedParameters(parameters: Parameters): TaskParameters[string] {
  const shown: [string, TaskParameter][] = [];
  for (const [name, { value }] of parameters) {
    const encoded = value === undefined ? undefined : asJson(value, name);
    if (encoded !== undefined) shown.push([name, encoded]);
  }
  return Object.fromEntries(shown);
}

function asJson(value: unknown, name: string): TaskParameter | undefined {
  try {
    const encoded = encodeJsonValue(value, name);
    return JSON.stringify(encoded).length > LONGEST ? undefined : encoded;
  } catch {
    return undefined;
  }
}
