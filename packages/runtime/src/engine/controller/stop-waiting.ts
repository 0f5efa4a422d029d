import type { ErrorRecord } from '@run-pipeline/core/model';
import { isRunPipelineError } from '@run-pipeline/core/model';
import type { RunRow } from '@run-pipeline/core/ports';
import type { Project } from '../../project/project.js';
import type { RunRequest, RunResult } from '../api.js';
import { endRun } from '../run/end-run.js';
import { holdController, type HeldController } from './hold-controller.js';
import { RunLost } from '../run/run-log.js';

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
  const { store } = project;
  let held: HeldController | undefined;
  try {
    held = await holdController(store, row);
    const { onEvent } = options;
    const result = await endRun({
      project,
      row: (await store.getRun(row.id)) ?? row,
      status: 'aborted',
      error,
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    await held?.finish(result);
    return result;
  } catch (thrown) {
    held?.abandon();
    if (thrown instanceof RunLost || (isRunPipelineError(thrown) && thrown.code === 'still-running'))
      return undefined;
    throw thrown;
  }
}
