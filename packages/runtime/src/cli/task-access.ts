import { openProject } from '../engine/index.js';
import type { Project } from '../project/project.js';
import { selectTask, type TaskView } from '../tasks/index.js';
import type { Context } from './context.js';
import { openExisting } from './project-access.js';
import { usageError } from './usage-error.js';

/** Opens the project, lets `use` work with the task that argument 0 names, and closes it in any case. */
export async function withTask<T>(
  context: Context,
  use: (project: Project, task: TaskView) => Promise<T>,
): Promise<T> {
  const project = await openExisting(context);
  if (project === undefined) throw noTasks();
  try {
    return await use(project, await findTask(project, context.arguments[0]!));
  } finally {
    await project.close();
  }
}

/** The project's state is made when it does not exist yet. */
export async function withProject<T>(context: Context, use: (project: Project) => Promise<T>): Promise<T> {
  const project = await openProject(context);
  try {
    return await use(project);
  } finally {
    await project.close();
  }
}

/** As it is now: one whose process is gone has been noticed by the time that it is shown. */
export async function findTask(project: Project, text: string): Promise<TaskView> {
  const task = await selectTask(project.store, text);
  if (!task.leaseExpired) return task;
  await project.store.recoverTasks();
  return selectTask(project.store, task.id);
}

const noTasks = (): Error =>
  usageError(
    'there are no tasks yet',
    'run-pipeline task create SCRIPT --project … --name … makes the first one, and so does a script with Task.init',
  );
