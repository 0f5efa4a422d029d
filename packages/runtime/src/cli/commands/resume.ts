import { graceMs, resumeRun } from '../../engine/index.js';
import { conductRun } from '../conduct.js';
import type { Context } from '../context.js';
import { concurrency } from '../engine-options.js';
import { withRun } from '../project-access.js';

/** `run-pipeline resume RUN` */
export function resumeCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const options = { concurrency: concurrency(context), graceMs: graceMs(context.env) };
    const before = await project.store.readEvents(row.id, {
      types: ['run.start', 'step.add', 'step.start', 'step.retry', 'step.end', 'run.resume', 'run.end'],
    });
    const { exitCode } = await conductRun(context, {
      store: project.store,
      before,
      start: ({ onEvent, signal }) => resumeRun({ project, run: row.id, options, onEvent, signal }),
    });
    return exitCode;
  });
}
