import { realpathSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import {
  hasRunHost,
  registry,
  runHost,
  setRunHost,
  type PipelineTasks,
  type RunHost,
  type RunOptions,
} from '@run-pipeline/core/define';
import { isRunPipelineError, RunPipelineError } from '@run-pipeline/core/model';
import { ensureHome } from '../project/home.js';
import type { ProjectPaths } from '../project/project.js';
import { collectCandidates } from './candidates.js';
import type {
  Candidate,
  LoadBundle,
  LoadedFile,
  LoadFile,
  LoadOptions,
  OnStart,
  ResolveFramework,
  SelfStart,
  SourceBundle,
} from './discovery.js';
import { evaluate } from './evaluate.js';
import { ownFramework } from './framework.js';
import { LoadCache } from './load-cache.js';
import { evaluationError, mapErrorPlaces } from './load-error.js';
import { mapDefinition } from './map-definition.js';
import { mapToSource } from './map-to-source.js';
import { materialise } from './materialise.js';
import { StepCompletion } from './name-steps.js';
import { Places } from './places.js';

/** Transforms (or takes from the cache), evaluates and looks what is there. */
export const loadFile: LoadFile = async (options) => {
  const file = checkFile(options.file, options.paths);
  const framework = options.framework ?? ownFramework;
  const { executable, bundle } = await transformed({ paths: options.paths, file, framework });
  const { argv = [], onStart, pipelines, later } = options;
  return evaluated({ file, executable, bundle, argv, onStart, pipelines, later });
};

/**
 * The bundle alone, without evaluating the file: what a run that a program started itself keeps so
 * that it can be resumed.
 */
export async function bundleFile(
  options: Pick<LoadOptions, 'paths' | 'file' | 'framework'>,
): Promise<SourceBundle> {
  const file = checkFile(options.file, options.paths);
  const { bundle } = await transformed({
    paths: options.paths,
    file,
    framework: options.framework ?? ownFramework,
  });
  return bundle;
}

/** Resume: the controller as it was when the run started, whatever the file says now. */
export const loadBundle: LoadBundle = async (options) => {
  const framework = options.framework ?? ownFramework;
  ensureHome(options.paths);
  const executable = await materialise({
    paths: options.paths,
    file: options.file,
    bundle: options.bundle,
    framework,
    place: options.place,
  });
  const { file, bundle, argv = [], place } = options;
  const later = hasRunHost() ? runHost() : undefined;
  return evaluated({
    file,
    program: place?.moduleFile(file),
    executable,
    bundle,
    argv,
    onStart: undefined,
    later,
  });
};

/** The exports of a file that is not a pipeline: `run-pipeline.config.ts`. */
export async function evaluateModule(
  options: Pick<LoadOptions, 'paths' | 'file' | 'framework'>,
): Promise<Readonly<Record<string, unknown>>> {
  const file = checkFile(options.file, options.paths);
  const { executable } = await transformed({
    paths: options.paths,
    file,
    framework: options.framework ?? ownFramework,
  });
  // No program of its own: what the process had stays.
  const argv = process.argv;
  const host = setRunHost(undefined);
  try {
    const { exports } = await evaluate({
      executable,
      file,
      program: file,
      argv: [],
      onStart: () => undefined,
      isIncomplete: () => false,
    });
    return exports;
  } catch (error) {
    throw evaluationError(error, { file, map: mapToSource });
  } finally {
    process.argv = argv;
    setRunHost(host);
  }
}

const EXTENSIONS = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs']);

function checkFile(given: string, paths: ProjectPaths): string {
  const path = resolve(paths.cwd, given);
  const refuse = (code: string, message: string, help: string, cause?: unknown): RunPipelineError =>
    new RunPipelineError({ kind: 'load', code, message: `${given} ${message}`, help, cause });
  let isFile: boolean;
  let file: string;
  try {
    // esbuild and V8 report real paths.
    file = realpathSync(path);
    isFile = statSync(file).isFile();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw refuse('file-not-found', 'does not exist', `looked for ${path}`, error);
    throw refuse(
      'unreadable-file',
      `cannot be read: ${(error as Error).message}`,
      'check its permissions',
      error,
    );
  }
  if (!isFile)
    throw refuse('not-a-file', 'is not a file', 'give the TypeScript file that declares the pipeline');
  if (!EXTENSIONS.has(extname(file)))
    throw refuse(
      'not-a-source-file',
      'is neither TypeScript nor JavaScript',
      `files may end in ${[...EXTENSIONS].join(' ')}`,
    );
  return file;
}

async function transformed(options: {
  readonly paths: ProjectPaths;
  readonly file: string;
  readonly framework: ResolveFramework;
}): Promise<{ readonly executable: string; readonly bundle: SourceBundle }> {
  const installation = [
    process.versions.node.split('.')[0],
    options.framework('run-pipeline'),
    options.framework('@run-pipeline/core'),
  ].join('\0');
  const cache = new LoadCache({ paths: options.paths, file: options.file, installation });
  const hit = cache.find();
  if (hit !== undefined) return hit;
  const { bundleSource } = await import('./bundle-source.js');
  const { bundle, reads } = await bundleSource({ file: options.file, root: options.paths.root });
  ensureHome(options.paths);
  const executable = await materialise({ ...options, bundle });
  cache.keep({ executable, bundle, reads });
  return { executable, bundle };
}

async function evaluated(options: {
  readonly file: string;
  /** Where the file seems to lie, when that is elsewhere. */
  readonly program?: string | undefined;
  readonly executable: string;
  readonly bundle: SourceBundle;
  readonly argv: readonly string[];
  readonly onStart: OnStart | undefined;
  readonly pipelines?: PipelineTasks | undefined;
  readonly later?: RunHost | undefined;
}): Promise<LoadedFile> {
  const { file } = options;
  const places = new Places({
    executable: options.executable,
    map: mapToSource,
    variables: options.bundle.variables,
  });
  const bundle = withVariables(options.bundle, places);
  const { pipelines } = registry();
  const declaredBefore = pipelines.length;
  const steps = new StepCompletion(places, 'now');
  const calls: { readonly subject: object; readonly options: RunOptions }[] = [];

  const ofStarts = new Set<unknown>();

  /** What is known of the file at this moment. */
  const lookAround = (exports: Readonly<Record<string, unknown>>): LoadedFile => {
    steps.complete(exports);
    const found = collectCandidates({
      exports,
      declared: pipelines.slice(declaredBefore),
      started: calls.map(({ subject }) => subject),
    });
    const candidates = found.map((candidate) => withSourcePlaces(candidate, places));
    const starts = calls.flatMap((call): SelfStart[] => {
      const candidate = candidates.find(({ subject }) => subject === call.subject);
      return candidate === undefined ? [] : [{ candidate, options: call.options }];
    });
    places.save();
    return { file, candidates, bundle, argv: options.argv, starts };
  };

  try {
    const { exports } = await evaluate({
      executable: options.executable,
      file,
      program: options.program ?? file,
      argv: options.argv,
      later: options.later,
      pipelines: options.pipelines,
      onStart: (subject, runOptions, exportsSoFar, observer) => {
        calls.push({ subject, options: runOptions });
        if (options.onStart === undefined) return undefined;
        const loaded = lookAround(exportsSoFar());
        const first = loaded.candidates.filter((candidate) => candidate.subject === subject);
        const others = loaded.candidates.filter((candidate) => candidate.subject !== subject);
        const run = options.onStart(
          subject,
          runOptions,
          { ...loaded, candidates: [...first, ...others] },
          observer,
        );
        run.catch((error: unknown) => ofStarts.add(error));
        return run;
      },
      isIncomplete: (exports) =>
        collectCandidates({ exports, declared: pipelines.slice(declaredBefore), started: [] }).length === 0,
    });
    return lookAround(exports);
  } catch (error) {
    // Why a run could not be made is not the file's doing, and its places are in the source already.
    if (ofStarts.has(error)) throw error;
    throw evaluationError(error, { file, map: places.toSource, hasStarted: calls.length > 0 });
  }
}

/** The bundle with what is known of its variables by the time it is kept. */
const withVariables = (bundle: SourceBundle, places: Places): SourceBundle => ({
  get code() {
    return bundle.code;
  },
  get map() {
    return bundle.map;
  },
  get externals() {
    return bundle.externals;
  },
  get modules() {
    return bundle.modules;
  },
  get variables() {
    return places.variables;
  },
});

function withSourcePlaces(candidate: Candidate, places: Places): Candidate {
  return {
    ...candidate,
    definition: () => {
      try {
        return mapDefinition(candidate.definition(), places.toSource);
      } catch (error) {
        throw isRunPipelineError(error) ? mapErrorPlaces(error, places.toSource) : error;
      } finally {
        places.save();
      }
    },
  };
}
