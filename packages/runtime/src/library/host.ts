import type { RunHost } from '@run-pipeline/core/define';
import { EXIT, isRunPipelineError } from '@run-pipeline/core/model';
import type { ProgramPipelines } from '../discover/index.js';

/**
 * What `run(…)` and `pipe.start()` do in a user's own program: the same run as on the command line,
 * with the same store, cache and terminal. Everything heavy is loaded when the first run starts.
 */
export function programHost(): RunHost {
  let pipelines: ProgramPipelines | undefined;
  return {
    async run(subject, options, observer) {
      const { newProgramPipelines, runProgram } = await import('./run-program.js');
      pipelines ??= newProgramPipelines();
      const program = pipelines.describe({ subject, source: options.source });
      try {
        const run = await runProgram(program, options, observer);
        if (program.isProgram && run.status !== 'completed') process.exitCode ??= EXIT.failed;
        return run;
      } catch (error) {
        if (program.isProgram && isRunPipelineError(error)) process.exitCode ??= exitCodeOf(error.kind);
        throw error;
      }
    },
  };
}

function exitCodeOf(kind: string): number {
  if (kind === 'definition' || kind === 'usage') return EXIT.usage;
  if (kind === 'load') return EXIT.load;
  return kind === 'store' || kind === 'artifact' ? EXIT.store : EXIT.failed;
}
