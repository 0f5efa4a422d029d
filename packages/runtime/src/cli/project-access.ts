import { existsSync } from 'node:fs';
import type { RunRow } from '@run-pipeline/core/ports';
import { openWith, readSettings } from '../engine/open-project.js';
import { resolvePaths } from '../project/paths.js';
import type { Project } from '../project/project.js';
import type { Context } from './context.js';
import { noRuns, selectRun } from './select-run.js';

/** Opens the project's state, which a question must not create: undefined when there is none yet. */
export async function openExisting(context: Context): Promise<Project | undefined> {
  const paths = resolvePaths(context);
  const settings = await readSettings(paths, context.env);
  // A store elsewhere says itself what is in it.
  if (settings.store.driver === 'sqlite' && !existsSync(settings.store.file)) return undefined;
  return openWith(paths, settings, context.env);
}

/** Opens the project, lets `use` work with it, and closes it in any case. */
export async function withExisting<T>(context: Context, use: (project: Project) => Promise<T>): Promise<T> {
  const project = await openExisting(context);
  if (project === undefined) throw noRuns();
  try {
    return await use(project);
  } finally {
    await project.close();
  }
}

/** The same, with the run that argument `index` names. */
export function withRun<T>(
  context: Context,
  use: (project: Project, row: RunRow) => Promise<T>,
  index = 0,
): Promise<T> {
  return withExisting(context, async (project) =>
    use(project, await selectRun(project.store, context.arguments[index]!)),
  );
}
