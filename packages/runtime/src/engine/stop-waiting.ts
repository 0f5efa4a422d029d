import type { ErrorRecord } from '@run-pipeline/core/model';
import { isRunPipelineError } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { Project } from '../project/project.js';
import type { RunRequest, RunResult } from './api.js';
import { endRun } from './end-run.js';
import { holdController } from './hold-controller.js';

/**
 * Ends a run that waits for an agent: it is taken out of its queue and nothing of it is executed. Undefined
 * when an agent was faster: that one hears of the stop through the run.
 */
export async function stopWaiting(
  project: Project,
  row: RunRow,
  options: { readonly reason: string; readonly onEvent?: RunRequest['onEvent'] },
): Promise<RunResult | undefined> {
  const error: ErrorRecord = { name: 'RunStopped', code: 'stopped', message: options.reason };
  try {
    const held = await holdController(project.store, row);
    const { onEvent } = options;
    const result = await endRun({
      project,
      run: row.id,
      status: 'aborted',
      error,
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    await held?.finish(result);
    return result;
  } catch (thrown) {
    if (isRunPipelineError(thrown) && thrown.code === 'still-running') return undefined;
    throw thrown;
  }
}
