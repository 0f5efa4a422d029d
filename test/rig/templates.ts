import type { TaskEdit, TaskId, TaskRecord, TaskType } from '@run-pipeline/core/model';
import type { Project } from '../../packages/runtime/src/project/project.js';
import type { Scratch } from './scratch.js';
import { newTaskId, openProject, packageScript } from './engine.js';

/** The state of a project, as another process would find it. */
export async function withState<T>(
  { directory }: Pick<Scratch, 'directory'>,
  use: (project: Project) => Promise<T>,
): Promise<T> {
  const project = await openProject({ cwd: directory, env: {} });
  try {
    return await use(project);
  } finally {
    await project.close();
  }
}

/** A draft of a script of the project, as `run-pipeline task create` makes it. */
export const draft = (
  scratch: Scratch,
  task: {
    readonly file: string;
    readonly name: string;
    readonly project?: string;
    readonly type?: TaskType;
    readonly edit?: TaskEdit;
  },
): Promise<TaskRecord> =>
  withState(scratch, async (project) => {
    const { hash, manifest } = await packageScript({ paths: project, file: task.file });
    return project.store.createTask({
      id: newTaskId(),
      project: task.project ?? 'examples',
      name: task.name,
      type: task.type ?? 'data_processing',
      edit: {
        ...task.edit,
        script: { file: task.file, package: hash, dependencies: manifest.dependencies, node: '20.0.0' },
      },
    });
  });

export async function taskOf(scratch: Scratch, id: string): Promise<TaskRecord> {
  const task = await withState(scratch, ({ store }) => store.readTask(id as TaskId));
  if (task === undefined) throw new Error(`there is no task ${id}`);
  return task;
}

/** What the scripts of the tests share: the task that they are, and what was set from outside. */
export const LIVE = {
  'live.ts': `import { Task } from 'run-pipeline';
export const task = await Task.init({ project: 'examples', name: 'a script' });
export const parameter = (name: string): unknown => task.getParameter(name);
`,
};
