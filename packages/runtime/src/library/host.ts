import { relative } from 'node:path';
import type { Run, RunHost, RunOptions } from '@run-pipeline/core/define';
import { EXIT, isRunPipelineError } from '@run-pipeline/core/model';
import type { ProgramPipelines } from '../discover/index.js';
import type { EngineOptions } from '../engine/index.js';
import { graceMs } from '../engine/settings.js';
import { runHandle } from './run-handle.js';

/**
 * What `run(…)` and `pipe.start()` do in a user's own program: the same run as on the command line,
 * with the same store, cache and terminal. Everything heavy is loaded when the first run starts.
 */
export function programHost(): RunHost {
  let pipelines: ProgramPipelines | undefined;
  return {
    async run(subject, options) {
      const discover = await import('../discover/index.js');
      pipelines ??= new discover.ProgramPipelines();
      const program = pipelines.describe({ subject, source: options.source });
      try {
        const run = await runProgram(program, options, discover.bundleFile);
        if (program.isProgram && run.status !== 'completed') process.exitCode ??= EXIT.failed;
        return run;
      } catch (error) {
        if (program.isProgram && isRunPipelineError(error)) process.exitCode ??= exitCodeOf(error.kind);
        throw error;
      }
    },
  };
}

type Program = ReturnType<ProgramPipelines['describe']>;
type BundleFile = typeof import('../discover/index.js').bundleFile;

async function runProgram(program: Program, options: RunOptions, bundleFile: BundleFile): Promise<Run> {
  const [{ openProject, startRun }, { createReporter }, { createStyle, wantsColour }, { summaryLines }] =
    await Promise.all([
      import('../engine/index.js'),
      import('../terminal/create-reporter.js'),
      import('../terminal/style.js'),
      import('../terminal/summary.js'),
    ]);
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
    const result = await startRun({
      project,
      definition,
      loaded: { file, bundle, candidates: [], starts: [] },
      source: `${relative(project.root, file)}#${definition.name}`,
      exportName: undefined,
      parent: undefined,
      parameters: { values: options.parameters ?? {}, textual: [] },
      options: engineOptions(options),
      onEvent: (event) => reporter.event(event),
      onWarning: (message) => reporter.note(`${style.warn('▲')} ${message}`),
      signal: options.signal ?? new AbortController().signal,
    });
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
    await project.store.close();
  }
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
    graceMs: graceMs(process.env),
  };
}

function exitCodeOf(kind: string): number {
  if (kind === 'definition' || kind === 'usage') return EXIT.usage;
  if (kind === 'load') return EXIT.load;
  return kind === 'store' || kind === 'artifact' ? EXIT.store : EXIT.failed;
}
