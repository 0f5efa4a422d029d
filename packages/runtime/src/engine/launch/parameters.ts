import { directory, file, fileMarker } from '@run-pipeline/core/define';
import { resolveParameters } from '@run-pipeline/core/graph';
import { definitionError, RunPipelineError, type PipelineDefinition } from '@run-pipeline/core/model';
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { inspect } from 'node:util';
import { toJson } from '../../artifacts/index.js';
import type { RunRequest } from '../api.js';
import type { RunFiles } from './run-files.js';

/** A launch value. Files are kept by absolute path: their content is hashed when an input needs it. */
export interface ParameterValue {
  readonly value: unknown;
  readonly file: { readonly path: string; readonly directory: boolean } | undefined;
}
export type Parameters = ReadonlyMap<string, ParameterValue>;

/** Checks launch values against the declarations; a wrong or unknown one is an error before anything runs. */
export async function launchParameters(options: {
  readonly definition: PipelineDefinition;
  readonly given: RunRequest['parameters'];
  readonly cwd: string;
}): Promise<Parameters> {
  const result = await resolveParameters(options.definition.parameters, options.given.values, {
    textual: options.given.textual,
  });
  if (!result.ok) throw definitionError(result.diagnostics);
  return toParameters(result.values, options.cwd);
}

/**
 * A file that the command line names must be there before anything runs. What a default names may be missing as
 * long as no step asks for it.
 */
export function requireGivenFiles(parameters: Parameters, given: RunRequest['parameters']): void {
  for (const name of given.textual) {
    const { value, file: found } = parameters.get(name) ?? {};
    if (found === undefined) continue;
    const stat = statSync(found.path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === found.directory) continue;
    const path = String(value);
    const kind = found.directory ? 'directory' : 'file';
    throw new RunPipelineError({
      kind: 'usage',
      code: stat === undefined ? 'file-missing' : 'file-kind',
      message:
        stat === undefined
          ? `--param ${name}: there is no ${kind} ${path}${path === found.path ? '' : ` (${found.path})`}`
          : `--param ${name}: ${path} is ${found.directory ? 'no directory' : 'a directory'}, and the parameter takes a ${kind}`,
      help: 'Relative paths start in the directory the command was called in.',
    });
  }
}

function toParameters(values: Readonly<Record<string, unknown>>, cwd: string): Parameters {
  const parameters = new Map<string, ParameterValue>();
  for (const [name, value] of Object.entries(values)) {
    const marker = fileMarker(value);
    parameters.set(
      name,
      marker === undefined
        ? { value, file: undefined }
        : {
            value: marker.path,
            file: {
              path: isAbsolute(marker.path) ? marker.path : resolve(cwd, marker.path),
              directory: marker.directory,
            },
          },
    );
  }
  return parameters;
}

/**
 * What the body of a pipeline function gets: values of its own, files as values to pass on, whose paths can be read
 * on this machine.
 */
export async function bodyValues(
  parameters: Parameters,
  files: RunFiles,
): Promise<Readonly<Record<string, unknown>>> {
  const entries = await Promise.all(
    [...parameters].map(async ([name, { value, file: given }]) => {
      if (given === undefined) return [name, structuredClone(value)] as const;
      const path = await files.place(given.path, given.directory);
      return [name, given.directory ? directory(path) : file(path)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** For events and `show`: plain JSON where it is that, else a printable stand-in. */
export function shownParameters(parameters: Parameters): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...parameters].map(([name, { value }]) => [name, asPlainJson(value)]));
}

function asPlainJson(value: unknown): unknown {
  if (value === undefined) return null;
  // As a reference in text would show it.
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (typeof value === 'bigint') return String(value);
  try {
    if (toJson(value) === value) return value;
  } catch {
    // An instance of a registered class has no JSON.
  }
  return inspect(value, { depth: 4, breakLength: Infinity, maxArrayLength: 50, maxStringLength: 500 });
}
