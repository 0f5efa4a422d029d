import { relative } from 'node:path';
import type { Run, RunOptions } from '@run-pipeline/core/define';
import { RunPipelineError, type RunEvent } from '@run-pipeline/core/model';
import { bundleFile, ProgramPipelines, type ProgramPipeline } from '../discover/index.js';
import { openProject, runRemote, startRun, type EngineOptions, type RunRequest } from '../engine/index.js';
import type { RunResult } from '../engine/api.js';
import { remoteQueue } from '../engine/controller/remote-queue.js';
import { graceMs } from '../engine/settings.js';
import { createReporter } from '../terminal/create-reporter.js';
import { printable } from '../terminal/sanitise.js';
import { createStyle, wantsColour } from '../terminal/style.js';
import { summaryLines } from '../terminal/summary.js';
import { runHandle } from './run-handle.js';
import { asTyped } from '../project/as-typed.js';

export const newProgramPipelines = (options: { readonly loaded: boolean }): ProgramPipelines =>
  new ProgramPipelines(options);

/** One run of a pipeline that the program holds, from its start to its `Run`. */
export async function runProgram(
  program: ProgramPipeline,
  options: RunOptions,
  observer?: (event: RunEvent) => void,
): Promise<Run> {
  const { definition, file } = program;
  const open = () => openProject({ cwd: process.cwd(), env: process.env });
  const project = await open();
  const style = createStyle(wantsColour(process.stderr, process.env));
  const { reporter, mode } = createReporter({
    wanted: options.output ?? 'auto',
    stream: process.stderr,
    style,
    env: process.env,
    cwd: project.cwd,
  });
  try {
    const bundle = await bundleFile({ paths: project, file });
    const request: RunRequest = {
      project,
      definition,
      loaded: { file, bundle, argv: process.argv.slice(2), candidates: [], starts: [] },
      source: `${relative(project.root, file)}#${definition.name}`,
      exportName: undefined,
      parent: undefined,
      parameters: { values: options.parameters ?? {}, textual: [] },
      options: engineOptions(options),
      onEvent: (event) => {
        reporter.event(event);
        observer?.(event);
      },
      onWarning: (message) => reporter.note(`${style.warn('▲')} ${asTyped(message)}`),
      signal: options.signal ?? new AbortController().signal,
    };
    const queue = remoteQueue(options);
    const result = await (queue === undefined
      ? startRun(request)
      : elsewhere(request, queue, ({ stream, text }) => process[stream].write(printable(text))));
    reporter.close();
    if (mode !== 'quiet' || result.status !== 'completed') {
      const lines = summaryLines({
        style,
        progress: reporter.progress,
        tail: (step) => reporter.tail(step),
        attempts: () => undefined,
        inputs: () => [],
        trace: false,
      });
      process.stderr.write(`${lines.join('\n')}\n`);
    }
    return runHandle({ result, view: reporter.progress.view, openProject: open });
  } finally {
    reporter.close();
    await project.close();
  }
}

async function elsewhere(
  request: RunRequest,
  controllerQueue: string,
  onOutput: NonNullable<Parameters<typeof runRemote>[0]['onOutput']>,
): Promise<RunResult> {
  const end = await runRemote({ ...request, controllerQueue, onOutput });
  if (end.type === 'ended') return end.result;
  const { id, pipeline, number } = end.row;
  throw new RunPipelineError({
    kind: 'run',
    code: 'run-lost',
    message: `the process that drove run ${pipeline}#${number} is gone, and no agent continues it`,
    help: `run-pipeline resume ${id} continues it; what it completed is kept`,
  });
}

function engineOptions(options: RunOptions): EngineOptions {
  const { refresh } = options;
  return {
    concurrency: options.concurrency,
    refresh: refresh === true ? 'all' : refresh === undefined || refresh === false ? 'none' : refresh,
    cache: options.cache ?? true,
    from: options.from,
    to: options.to,
    only: options.only,
    queue: options.queue,
    local: options.local ?? false,
    priority: options.priority ?? 0,
    graceMs: graceMs(process.env),
  };
}
