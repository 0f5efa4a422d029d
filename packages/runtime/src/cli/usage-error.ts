import { RunPipelineError } from '@run-pipeline/core/model';

/** The command line was not understood: exit code 2. `help` is what to do next. */
export const usageError = (message: string, help?: string): RunPipelineError =>
  new RunPipelineError({ kind: 'usage', code: 'usage', message, help });
