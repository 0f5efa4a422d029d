import { relative, sep } from 'node:path';
import type { PipelineDefinition } from '@run-pipeline/core/model';
import { selectCandidate } from '../discover/candidates.js';
import type { Candidate, LoadedFile } from '../discover/discovery.js';
import { loadFile } from '../discover/load.js';
import { resolvePaths } from '../project/paths.js';
import type { ProjectPaths } from '../project/project.js';
import type { Context } from './context.js';
import { splitFile } from './engine-options.js';

/** The pipeline that a command is about. */
export interface ChosenPipeline {
  readonly loaded: LoadedFile;
  readonly candidate: Candidate;
  readonly definition: PipelineDefinition;
}

/**
 * Evaluates `FILE#name` and picks the pipeline, without running it: what the file starts itself is recorded and
 * never settles. What the file prints goes to stderr, so that stdout is the command's alone.
 */
export async function choosePipeline(context: Context, argument: string): Promise<ChosenPipeline> {
  const { file, name } = splitFile(argument);
  const undivert = context.outputs.divert((text) => context.err.write(text));
  try {
    const loaded = await loadFile({ paths: resolvePaths(context), file });
    const candidate = selectCandidate(loaded, name);
    return { loaded, candidate, definition: candidate.definition() };
  } finally {
    undivert();
  }
}

/** `examples/iris.ts#IrisPipeline`, the file relative to the project's root. */
export function sourceOf(
  paths: ProjectPaths,
  loaded: LoadedFile,
  candidate: Candidate,
  definition: PipelineDefinition,
): string {
  const file = relative(paths.root, loaded.file).split(sep).join('/');
  const name =
    candidate.exportName === undefined || candidate.exportName === 'default'
      ? definition.name
      : candidate.exportName;
  return `${file}#${name}`;
}
