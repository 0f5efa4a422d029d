import type { PipelineTasks, RunOptions } from '@run-pipeline/core/define';
import { EXIT, type RunEvent, type RunId } from '@run-pipeline/core/model';
import { selectCandidate } from '../../discover/candidates.js';
import type { Candidate, LoadedFile } from '../../discover/discovery.js';
import { loadFile } from '../../discover/load.js';
import { openProject, runRemote, startRun, type RunRequest } from '../../engine/index.js';
import { programHost } from '../../library/host.js';
import { runHandle } from '../../library/run-handle.js';
import type { RunResult } from '../../engine/api.js';
import { deferred } from '../../engine/deferred.js';
import type { Project } from '../../project/project.js';
import type { Context } from '../context.js';
import { conductRun, type Conducted, type RunHooks, type RunLeft } from '../conduct.js';
import {
  checkRefresh,
  controllerQueue,
  engineOptions,
  parameterFlags,
  splitFile,
} from '../engine-options.js';
import { sourceOf } from '../pipeline-file.js';
import { tellWatcher, tellWatcherOfData } from '../watch.js';

/** `run-pipeline FILE[#name]` */
export async function runCommand(context: Context): Promise<number> {
  // Wrong flags are told before the user's code runs.
  controllerQueue(context);
  if (context.options.has('watch')) return (await import('../watch.js')).watch(context);
  engineOptions(context);
  parameterFlags(context);
  const { file, name } = splitFile(context.arguments[0]!);
  const project = await openProject(context);
  try {
    return await runFile(context, { project, file, name, parent: undefined, parameters: {} });
  } finally {
    await project.close();
  }
}

export interface FileRun {
  readonly project: Project;
  readonly file: string;
  readonly name: string | undefined;
  /** The run that is repeated, and what it was launched with. */
  readonly parent: RunId | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * Evaluates the file and runs its pipeline. A file that starts itself does so through us, with the command's
 * flags, so that the run happens once and the file's own lines after `start()` are executed.
 */
export async function runFile(context: Context, run: FileRun): Promise<number> {
  const { project, file, name } = run;
  const started: Conducted[] = [];
  const drafting = draftingTasks();
  // A file that awaits a run which goes on without us waits for nothing more.
  const left = deferred<number>();
  // While the file is evaluated its output is its own; JSON alone keeps stdout for itself.
  const undivert = context.json ? context.outputs.divert((text) => context.err.write(text)) : () => {};
  try {
    const loading = loadFile({
      paths: project,
      file,
      ...(name === undefined
        ? {
            pipelines: drafting.tasks,
            onStart: async (
              _subject: object,
              options: RunOptions,
              soFar: LoadedFile,
              observer: Observer | undefined,
            ) => {
              tellWatcher(soFar);
              const conducted = await conductCandidate(
                context,
                run,
                soFar,
                soFar.candidates[0]!,
                options,
                observer,
              );
              started.push(conducted);
              const { result } = conducted;
              if (result === undefined) {
                left.resolve(conducted.exitCode);
                return new Promise<never>(() => {});
              }
              return runHandle({
                result,
                view: conducted.view,
                openProject: () => openProject(context),
              });
            },
          }
        : { later: programHost({ loaded: true }) }),
    });
    const loaded = await Promise.race([loading, left.promise]);
    if (typeof loaded === 'number') return loaded;
    tellWatcher(loaded);
    if (started.length > 0) return Math.max(...started.map(({ exitCode }) => exitCode));
    // What it wanted with its pipeline is done.
    if (drafting.any()) return EXIT.ok;
    const conducted = await conductCandidate(context, run, loaded, selectCandidate(loaded, name), {});
    return conducted.exitCode;
  } finally {
    undivert();
  }
}

/** A file may draft its pipeline instead of starting it, and do with drafts what any program may. */
function draftingTasks(): { readonly tasks: PipelineTasks; readonly any: () => boolean } {
  const tasks = programHost({ loaded: true }).pipelines!;
  let any = false;
  return {
    tasks: {
      ...tasks,
      draft(subject, options) {
        any = true;
        return tasks.draft(subject, options);
      },
    },
    any: () => any,
  };
}

type Observer = (event: RunEvent) => void;

/** Flags win over what the file passes to `start()`. */
async function conductCandidate(
  context: Context,
  run: FileRun,
  loaded: LoadedFile,
  candidate: Candidate,
  given: RunOptions,
  observer?: Observer,
): Promise<Conducted> {
  const { project } = run;
  const definition = candidate.definition();
  const flags = parameterFlags(context);
  const engine = mergedOptions(context, given);
  const queue = controllerQueue(context, given);
  checkRefresh(definition, engine.refresh);
  const parameters = {
    values: { ...run.parameters, ...given.parameters, ...flags },
    textual: Object.keys(flags),
  };
  await tellWatcherOfData({ definition, given: parameters, cwd: context.cwd });
  return conductRun(context, {
    store: project.store,
    definition,
    output: given.output,
    signal: given.signal,
    start: (hooks) => {
      const request: RunRequest = {
        project,
        definition,
        loaded,
        source: sourceOf(project, loaded, candidate, definition),
        exportName: candidate.exportName,
        parent: run.parent,
        parameters,
        options: engine,
        ...hooks,
        onEvent: (event) => {
          hooks.onEvent(event);
          observer?.(event);
        },
      };
      return queue === undefined ? startRun(request) : elsewhere(request, queue, hooks);
    },
  });
}

async function elsewhere(request: RunRequest, queue: string, hooks: RunHooks): Promise<RunResult | RunLeft> {
  const { detach, onOutput, onPlace } = hooks;
  const end = await runRemote({ ...request, controllerQueue: queue, detach, onOutput, onPlace });
  return end.type === 'ended' ? end.result : { left: end.type, row: end.row };
}

function mergedOptions(context: Context, given: RunOptions): ReturnType<typeof engineOptions> {
  const flags = engineOptions(context);
  const { options } = context;
  const refresh =
    given.refresh === true
      ? 'all'
      : given.refresh === undefined || given.refresh === false
        ? 'none'
        : given.refresh;
  return {
    ...flags,
    concurrency: options.has('concurrency') ? flags.concurrency : (given.concurrency ?? flags.concurrency),
    refresh: options.has('refresh') || options.has('no-cache') ? flags.refresh : refresh,
    cache: options.has('no-cache') || options.has('refresh') ? flags.cache : (given.cache ?? flags.cache),
    from: flags.from ?? given.from,
    to: flags.to ?? given.to,
    only: flags.only ?? given.only,
    queue: flags.queue ?? given.queue,
    priority: options.has('priority') ? flags.priority : (given.priority ?? 0),
    local: flags.local || (flags.queue === undefined && (given.local ?? false)),
  };
}
