import { statSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { directory, file, fileMarker } from '@run-pipeline/core/define';
import { RunPipelineError } from '@run-pipeline/core/model';

const NAME = /^[A-Za-z_][\w-]*$/;
const RESERVED = new Set(['id', 'artifacts', 'parameters', 'then']);

/** The doors of `uploadArtifact`, the same in a step and in a script. */
export function checkUpload(name: unknown, value: unknown, returns: readonly string[] | undefined): void {
  const problem = artifactNameProblem(name, returns);
  if (problem !== undefined) {
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'artifact-name',
      message: `uploadArtifact(${JSON.stringify(name)}): ${problem}`,
      help: 'choose another name',
    });
  }
  if (value === undefined) {
    throw new RunPipelineError({
      kind: 'artifact',
      code: 'artifact-undefined',
      message: `uploadArtifact('${String(name)}', undefined): there is no value`,
      help: 'upload null if there is none',
    });
  }
}

function artifactNameProblem(name: unknown, returns: readonly string[] | undefined): string | undefined {
  if (typeof name !== 'string' || !NAME.test(name))
    return 'a name is a letter or _, then letters, digits, _ and -';
  if (RESERVED.has(name)) return 'this name is reserved';
  return returns?.includes(name) === true ? 'the step returns an artifact of this name' : undefined;
}

/** A string that names something on disk stands for it. */
export function pathAsFile(value: unknown): unknown {
  if (typeof value !== 'string' || value === '' || value.includes('\0') || fileMarker(value) !== undefined)
    return value;
  const stat = statOf(value);
  if (stat?.isFile() === true) return file(resolve(value));
  return stat?.isDirectory() === true ? directory(resolve(value)) : value;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // too long for a name, or in a place that may not be looked at: a text
  }
}
