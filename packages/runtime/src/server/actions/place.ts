import { statSync } from 'node:fs';
import { runId, isRunPipelineError } from '@run-pipeline/core/model';
import { readLaunch } from '../../engine/index.js';
import { resolvePaths } from '../../project/index.js';
import type { ServerContext } from '../server-context.js';

/** Where a process that goes on with a run is started. */
export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The directory in which the run was started, so that relative paths mean what they meant then, and an
 * environment in which the project is this server's.
 */
export async function placeOf(context: ServerContext, run: string): Promise<Place> {
  const { project } = context;
  const launched = await launchDirectory(context, run);
  const cwd = launched !== undefined && isDirectory(launched) ? launched : project.root;
  const env = { ...process.env, NO_COLOR: '1' };
  const paths = resolvePaths({ cwd, env });
  return { cwd, env: paths.home === project.home ? env : { ...env, RUN_PIPELINE_HOME: project.home } };
}

async function launchDirectory(context: ServerContext, run: string): Promise<string | undefined> {
  try {
    return (await readLaunch(context.project, runId(run))).cwd;
  } catch (error) {
    if (isRunPipelineError(error)) return undefined;
    throw error;
  }
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
