import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { pipelineOf, type RunOptions } from '@run-pipeline/core/define';
import {
  isRunPipelineError,
  RunPipelineError,
  type PipelineDefinition,
  type SourceLocation,
} from '@run-pipeline/core/model';
import { toPath } from '../source/user-stack.js';
import { CallPlaces } from './call-place.js';
import type { MapToSource } from './discovery.js';
import { mapErrorPlaces } from './load-error.js';
import { mapDefinition } from './map-definition.js';
import { mapToSource } from './map-to-source.js';
import { StepCompletion } from './name-steps.js';

/** A pipeline of a program that is running already (`node dist/x.js`, `tsx x.ts`, a server). */
export interface ProgramPipeline {
  /** With places in the user's source; not to be mapped again. */
  readonly definition: PipelineDefinition;
  /** The source file that declares it: TypeScript where a source map leads to one. */
  readonly file: string;
  /**
   * The file that declares it is what `node` was started with: then the run's outcome decides the
   * process's exit code.
   */
  readonly isProgram: boolean;
}

/**
 * What `run(…)` and `pipe.start()` need to know of a live pipeline: where its source is, because steps
 * are packaged from the source. It is known from the place of the decorator or constructor call.
 *
 * @throws RunPipelineError of kind `definition` when the declaration is wrong, when `subject` is no
 * pipeline, or when its source cannot be told (then it asks for `source: import.meta.url`).
 */
export class ProgramPipelines {
  readonly #map: MapToSource;
  readonly #steps: StepCompletion;

  /**
   * One for a process: steps are completed once.
   *
   * @param options.loaded What is declared so far was loaded (`loadFile`), which has completed its steps.
   */
  constructor({ map = mapToSource, loaded = false }: { map?: MapToSource; loaded?: boolean } = {}) {
    const calls = new CallPlaces(map);
    this.#map = calls.toSource;
    this.#steps = new StepCompletion(calls, loaded ? 'now' : 'all');
  }

  describe(options: {
    readonly subject: object;
    readonly source?: RunOptions['source'];
    /** Default: `process.argv[1]`. */
    readonly program?: string | undefined;
  }): ProgramPipeline {
    const declared = pipelineOf(options.subject);
    if (declared === undefined) {
      throw new RunPipelineError({
        kind: 'definition',
        code: 'not-a-pipeline',
        message: 'what was given is not a pipeline',
        help: 'give a class with @Step methods, a PipelineController, or what pipeline(…) returned',
      });
    }
    let raw: PipelineDefinition;
    try {
      raw = declared.definition();
    } catch (error) {
      throw isRunPipelineError(error) ? mapErrorPlaces(error, this.#map) : error;
    }
    this.#steps.complete();
    const place = declaredAt(raw, options.source);
    const source = place === undefined ? undefined : this.#map(place);
    if (place === undefined || source === undefined || !isAbsolute(source.file) || !existsSync(source.file)) {
      throw unknownSource(raw.name, source);
    }
    const definition = mapDefinition({ ...raw, source: place }, this.#map);
    const program = 'program' in options ? options.program : process.argv[1];
    return {
      definition,
      file: source.file,
      isProgram: isProgram([toPath(place.file), source.file], program),
    };
  }
}

/** `source: import.meta.url` says the file; the line stays known when the call was in that file. */
function declaredAt(
  definition: PipelineDefinition,
  source: RunOptions['source'],
): SourceLocation | undefined {
  if (source === undefined) return definition.source;
  const file = toPath(String(source));
  const at = definition.source;
  return at !== undefined && toPath(at.file) === file ? at : { file, line: 1, column: 1 };
}

const unknownSource = (name: string, source: SourceLocation | undefined): RunPipelineError =>
  new RunPipelineError({
    kind: 'definition',
    code: 'unknown-source',
    message:
      source === undefined
        ? `the source file of the pipeline "${name}" cannot be told from where it was declared`
        : `the pipeline "${name}" was declared in ${source.file}, which is not a file here`,
    help: 'steps are packaged from their source: add `source: import.meta.url` (CommonJS: `source: __filename`) to its options',
  });

function isProgram(files: readonly string[], program: string | undefined): boolean {
  if (program === undefined) return false;
  const started = STARTED_AS.map((suffix) => program + suffix).find((path) => realFile(path) !== undefined);
  const path = started === undefined ? undefined : realFile(started);
  return path !== undefined && files.some((file) => realFile(file) === path);
}

/** Node (and tsx) also start `dist/x` and `dist`. */
const STARTED_AS = [
  '',
  '.js',
  '.mjs',
  '.cjs',
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '/index.js',
  '/index.mjs',
  '/index.cjs',
  '/index.ts',
];

function realFile(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
