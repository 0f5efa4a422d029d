import { controllerJob } from '../../engine/index.js';
import { abortTask, cloneTask, enqueueTask, publishTask, type TaskView } from '../../tasks/index.js';
import { printableWord } from '../../terminal/sanitise.js';
import { human, printJson, printLines, type Context } from '../context.js';
import { argumentsOf, configurationsOf, noteUnknown } from '../task-arguments.js';
import { findTask, withTask } from '../task-access.js';
import { taskJson, taskSummary } from '../task-json.js';
import { idleLines, placeIn, queueOf } from '../task-queue.js';

/** `run-pipeline task clone TASK` */
export function taskCloneCommand(context: Context): Promise<number> {
  return withTask(context, async (project, source) => {
    const { options } = context;
    const [parameters, configurations, job] = [
      argumentsOf(context),
      configurationsOf(context),
      queueOf(context),
    ];
    noteUnknown(context, source, parameters);
    const [name, inProject, comment] = [
      options.text('name'),
      options.text('project'),
      options.text('comment'),
    ];
    const clone = await cloneTask(project.store, source, {
      ...(name !== undefined && { name }),
      ...(inProject !== undefined && { project: inProject }),
      ...(comment !== undefined && { comment }),
      ...(options.has('tag') && { tags: options.texts('tag') }),
      parameters,
      configurations,
    });
    const task =
      job === undefined
        ? clone
        : await enqueueTask(project.store, clone, { ...job, carried: await controllerJob(project, clone) });
    if (context.json) {
      printJson(context, taskJson(task, []));
      return 0;
    }
    const what = job === undefined ? 'created the draft' : `waits in queue ${printableWord(job.queue)}:`;
    printLines(context.err, [`${what} ${context.style.bold(titleOf(task))}`]);
    printLines(context.out, [task.id]);
    if (job !== undefined) printLines(context.err, await idleLines(context, project, task));
    return 0;
  });
}

/** `run-pipeline task enqueue TASK --queue Q` */
export function taskEnqueueCommand(context: Context): Promise<number> {
  return withTask(context, async (project, found) => {
    const job = placeIn(context.options, context.options.text('queue') ?? 'default');
    const task = await enqueueTask(project.store, found, {
      ...job,
      carried: await controllerJob(project, found),
    });
    if (context.json) printJson(context, taskSummary(task));
    else
      printLines(context.out, [`${titleOf(task)} waits in queue ${printableWord(job.queue)} (${task.id})`]);
    printLines(context.err, await idleLines(context, project, task));
    return 0;
  });
}

/** `run-pipeline task publish TASK` */
export function taskPublishCommand(context: Context): Promise<number> {
  return withTask(context, async (project, found) => {
    const task = await publishTask(project.store, found);
    if (context.json) printJson(context, taskSummary(task));
    else printLines(context.out, [`${titleOf(task)} is published (${task.id})`]);
    return 0;
  });
}

/** `run-pipeline task abort TASK` */
export function taskAbortCommand(context: Context): Promise<number> {
  return withTask(context, async (project, found) => {
    const reason = context.options.text('reason') ?? 'aborted by run-pipeline task abort';
    const aborted = await abortTask(project.store, found, reason);
    const task = await findTask(project, found.id);
    if (context.json) printJson(context, { ...taskSummary(task), aborted });
    else printLines(human(context), [abortSentence(task, aborted)]);
    return 0;
  });
}

function abortSentence(task: TaskView, aborted: boolean): string {
  if (!aborted) return `${titleOf(task)} has ended before: it is ${task.status}`;
  return task.status === 'aborted'
    ? `${titleOf(task)} is aborted`
    : `${titleOf(task)} was asked to stop; it ends within its grace period`;
}

const titleOf = ({ project, name }: TaskView): string => printableWord(`${project}/${name}`);
