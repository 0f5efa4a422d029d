import { setRunHost } from '@run-pipeline/core/define';
import { graceMs, resumeRun } from '../../engine/index.js';
import { programHost } from '../../library/host.js';
import { conductRun } from '../conduct.js';
import type { Context } from '../context.js';
import { concurrency, placeOptions } from '../engine-options.js';
import { withRun } from '../project-access.js';

/** `run-pipeline resume RUN` */
export function resumeCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const { queue, local, priority } = placeOptions(context);
    const options = {
      concurrency: concurrency(context),
      graceMs: graceMs(context.env),
      // What no flag says is as the run was launched.
      ...(queue === undefined ? {} : { queue, local: false }),
      ...(local ? { local } : {}),
      ...(context.options.has('priority') ? { priority } : {}),
    };
    const before = await project.store.readEvents(row.id, {
      types: [
        'run.start',
        'step.add',
        'step.queue',
        'step.start',
        'step.retry',
        'step.end',
        'run.resume',
        'run.end',
      ],
    });
    // Pipelines that bodies and callbacks run.
    setRunHost(programHost({ loaded: true }));
    const { exitCode } = await conductRun(context, {
      store: project.store,
      before,
      start: (hooks) => resumeRun({ project, run: row.id, options, ...hooks }),
    });
    return exitCode;
  });
}
