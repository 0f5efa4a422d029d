import type { PipelineTasks, RunHost } from '@run-pipeline/core/define';
import { EXIT, isRunPipelineError } from '@run-pipeline/core/model';
import type { ProgramPipelines } from '../discover/index.js';

/**
 * What `run(…)` and `pipe.start()` do in a user's own program: the same run as on the command line,
 * with the same store, cache and terminal. Everything heavy is loaded when the first run starts.
 *
 * @param options.loaded The pipelines of this process were loaded by us, they are no program of their own.
 */
export function programHost({ loaded = false }: { readonly loaded?: boolean } = {}): RunHost {
  let pipelines: ProgramPipelines | undefined;
  const describe: ProgramPipelines['describe'] = (options) => pipelines!.describe(options);
  const load = async () => {
    const { newProgramPipelines, runProgram } = await import('./run-program.js');
    pipelines ??= newProgramPipelines({ loaded });
    return runProgram;
  };
  const tasks = async (): Promise<PipelineTasks> => {
    await load();
    return (await import('./pipeline-tasks.js')).pipelineTasks(describe);
  };
  return {
    async run(subject, options, observer) {
      const runProgram = await load();
      const program = describe({ subject, source: options.source });
      try {
        const run = await runProgram(program, options, observer);
        if (program.isProgram && run.status !== 'completed') process.exitCode ??= EXIT.failed;
        return run;
      } catch (error) {
        if (program.isProgram && isRunPipelineError(error)) process.exitCode ??= exitCodeOf(error.kind);
        throw error;
      }
    },
    pipelines: {
      draft: async (subject, options) => (await tasks()).draft(subject, options),
      find: async (query) => (await tasks()).find(query),
      clone: async (source, options) => (await tasks()).clone(source, options),
      enqueue: async (task, options) => (await tasks()).enqueue(task, options),
    },
  };
}

function exitCodeOf(kind: string): number {
  if (kind === 'definition' || kind === 'usage') return EXIT.usage;
  if (kind === 'load') return EXIT.load;
  return kind === 'store' || kind === 'artifact' ? EXIT.store : EXIT.failed;
}
