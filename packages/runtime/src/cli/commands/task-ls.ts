import { TASK_TYPES, type TaskStatus, type TaskType } from '@run-pipeline/core/model';
import { viewOfRecord, type TaskView } from '../../tasks/index.js';
import { printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { formatAge } from '../../terminal/units.js';
import { cut } from '../../terminal/width.js';
import { printJson, printLines, type Context } from '../context.js';
import { openExisting } from '../project-access.js';
import { taskSummary } from '../task-json.js';
import { taskStatus } from '../task-lines.js';
import { asTyped } from '../../project/as-typed.js';

const DEFAULT_LIMIT = 20;

/** `run-pipeline task ls`: newest first. */
export async function taskLsCommand(context: Context): Promise<number> {
  const tasks = await findTasks(context);
  if (context.json) {
    printJson(context, tasks.map(taskSummary));
    return 0;
  }
  if (tasks.length === 0) {
    printLines(context.err, [asTyped('no such tasks here: run-pipeline task create SCRIPT makes one')]);
    return 0;
  }
  const { style } = context;
  const now = Date.now();
  const rows = tasks.map((task) => [
    taskStatus(style, task),
    style.bold(printableWord(`${task.project}/${task.name}`)),
    style.dim(task.type),
    formatAge(now - Date.parse(task.createdAt)),
    task.status === 'queued' ? `in ${printableWord(task.queue ?? '')}` : '',
    style.dim(cut(task.tags.map(printableWord).join(', '), 30)),
    task.id,
  ]);
  printLines(context.out, tableLines(rows));
  return 0;
}

async function findTasks(context: Context): Promise<readonly TaskView[]> {
  const project = await openExisting(context);
  if (project === undefined) return [];
  try {
    const { options } = context;
    const { store } = project;
    const [inProject, name, parent] = [options.text('project'), options.text('name'), options.text('parent')];
    const limit = options.number('limit') ?? (context.json ? undefined : DEFAULT_LIMIT);
    const types = TASK_TYPES.filter((type) => options.texts('type').includes(type));
    // As the list calls them.
    const statuses = options
      .texts('status')
      .map((status) => (status === 'draft' ? 'created' : (status as TaskStatus)));
    const find = (): ReturnType<typeof store.findTasks> =>
      store.findTasks({
        ...(inProject !== undefined && { project: inProject }),
        ...(name !== undefined && { name }),
        ...(parent !== undefined && { parent: parent as TaskView['id'] }),
        ...(options.has('tag') && { tags: options.texts('tag') }),
        ...(statuses.length > 0 && { status: statuses }),
        ...(types.length > 0 && { type: types satisfies readonly TaskType[] }),
        ...(limit !== undefined && { limit }),
        steps: options.has('steps'),
      });
    let found = await find();
    // Of one whose process is gone nobody has told yet.
    if (found.some((task) => task.leaseExpired)) {
      await store.recoverTasks();
      found = await find();
    }
    return found.map(viewOfRecord);
  } finally {
    await project.close();
  }
}
