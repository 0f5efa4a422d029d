import { fileMarker } from '@run-pipeline/core/define';
import type { PipelineDefinition } from '@run-pipeline/core/model';
import { resolve } from 'node:path';
import type { RunRequest } from '../engine/api.js';
import { launchParameters } from '../engine/launch/parameters.js';

/**
 * The files that a run is given: file parameters and `file()` among declared inputs, absolute. What a step opens
 * on its own is not known, and directories are left out.
 */
export async function dataFiles(options: {
  readonly definition: PipelineDefinition;
  readonly given: RunRequest['parameters'];
  readonly cwd: string;
}): Promise<readonly string[]> {
  const files = new Set<string>();
  const visit = (value: unknown): void => {
    const marker = fileMarker(value);
    if (marker !== undefined) {
      if (!marker.directory) files.add(resolve(options.cwd, marker.path));
    } else if (Array.isArray(value)) value.forEach(visit);
    else if (isPlain(value)) Object.values(value).forEach(visit);
  };
  for (const { inputs } of options.definition.steps) if (inputs.kind !== 'none') visit(inputs.values);
  // Wrong parameters are an error of the run that follows; it says so itself.
  const parameters = await launchParameters(options).catch(() => undefined);
  for (const { file } of parameters?.values() ?? []) {
    if (file !== undefined && !file.directory) files.add(file.path);
  }
  return [...files];
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
