import { resolve } from 'node:path';
import { launchValues } from '../../engine/index.js';
import type { Context } from '../context.js';
import { controllerQueue, engineOptions, parameterFlags, splitFile } from '../engine-options.js';
import { withRun } from '../project-access.js';
import { runFile } from './run.js';

/** `run-pipeline rerun RUN`: the file as it is now, the parameters of that run, and what `--param` says. */
export function rerunCommand(context: Context): Promise<number> {
  controllerQueue(context);
  engineOptions(context);
  parameterFlags(context);
  return withRun(context, async (project, row) => {
    const { file, name } = splitFile(row.source);
    const parameters = await launchValues(project, row.id);
    return runFile(context, { project, file: resolve(project.root, file), name, parent: row.id, parameters });
  });
}
