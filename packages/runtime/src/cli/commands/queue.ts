import type { AgentRow, QueuedJob, QueueLimits, QueueLimitsEdit, QueueRow } from '@run-pipeline/core/ports';
import { unknownQueue } from '../../agent/index.js';
import { openProject } from '../../engine/index.js';
import type { Project } from '../../project/project.js';
import {
  checkQueueName,
  formatLimits,
  formatResources,
  isPaused,
  offers,
  parseRate,
} from '../../queue/index.js';
import { printableWord } from '../../terminal/sanitise.js';
import { tableLines } from '../../terminal/table.js';
import { count, formatAge } from '../../terminal/units.js';
import { printJson, printLines, type Context } from '../context.js';
import { openExisting } from '../project-access.js';
import { taskTitle } from '../task-title.js';
import { usageError } from '../usage-error.js';
import { asTyped } from '../../project/as-typed.js';

/** `run-pipeline queue ls` */
export async function queueLsCommand(context: Context): Promise<number> {
  const queues = await reading(context, (project) => project.store.listQueues(), []);
  if (context.json) {
    printJson(
      context,
      queues.map((queue) => ({ ...queue, oldest: queue.oldest ?? null })),
    );
    return 0;
  }
  if (queues.length === 0)
    printLines(context.err, [asTyped('no queues here yet: run-pipeline queue create NAME makes one')]);
  else printLines(context.out, tableLines(queues.map((queue) => row(context, queue))));
  return 0;
}

function row({ style }: Context, queue: QueueRow): readonly string[] {
  const { name, waiting, running, agents, oldest, limits } = queue;
  const since = oldest === undefined ? '' : `, since ${formatAge(Date.now() - Date.parse(oldest))}`;
  const unserved = waiting > 0 && agents === 0;
  return [
    style.bold(printableWord(name)),
    waiting === 0 ? style.dim('empty') : `${waiting} waiting${since}`,
    running === 0 ? '' : `${running} running`,
    isPaused(limits) ? style.warn('paused') : formatLimits(limits),
    unserved
      ? style.warn('no agent serves it')
      : style.dim(agents === 0 ? 'no agent' : count(agents, 'agent')),
  ];
}

/** `run-pipeline queue show QUEUE` */
export async function queueShowCommand(context: Context): Promise<number> {
  const name = context.arguments[0]!;
  const found = await reading(
    context,
    async ({ store }) => {
      const queues = await store.listQueues();
      const queue = queues.find((one) => one.name === name);
      if (queue === undefined)
        throw unknownQueue(
          name,
          queues.map((one) => one.name),
        );
      const jobs = await store.listQueued(name);
      const titles = new Map(
        await Promise.all(
          jobs.map(async (job) => [job.task, (await taskTitle(store, job.task)) ?? ''] as const),
        ),
      );
      return { queue, jobs, titles, agents: await store.listAgents({ queue: name }) };
    },
    undefined,
  );
  if (found === undefined) throw nothingHere();
  const { queue, jobs, titles, agents } = found;
  if (context.json) {
    printJson(context, {
      ...queue,
      oldest: queue.oldest ?? null,
      agents: agents.map(({ id }) => id),
      jobs: jobs.map((job) => ({ ...job, run: job.run ?? null, step: job.step ?? null })),
    });
    return 0;
  }
  const { style } = context;
  printLines(context.out, tableLines([row(context, queue)]));
  printLines(
    context.out,
    tableLines(
      jobs.map((job) => jobRow(context, job, { title: titles.get(job.task) ?? '', agents })),
      { indent: '  ' },
    ),
  );
  if (agents.length > 0)
    printLines(context.out, [
      style.dim(`  served by ${agents.map(({ id }) => printableWord(id)).join(', ')}`),
    ]);
  return 0;
}

function jobRow(
  { style }: Context,
  job: QueuedJob,
  { title, agents }: { readonly title: string; readonly agents: readonly AgentRow[] },
): readonly string[] {
  // Without agents the queue's own line says so.
  const isHopeless = agents.length > 0 && !agents.some((agent) => offers(agent, job.resources));
  return [
    style.bold(printableWord(title)),
    style.dim(job.kind),
    job.priority === 0 ? '' : `priority ${job.priority}`,
    Object.keys(job.resources).length === 0 ? '' : `needs ${formatResources(job.resources)}`,
    isHopeless ? style.warn('no agent of it has that') : '',
    job.attempt === 1 ? '' : `attempt ${job.attempt}`,
    style.dim(formatAge(Date.now() - Date.parse(job.enqueuedAt))),
    style.dim(printableWord(job.task)),
  ];
}

/** `run-pipeline queue create QUEUE` */
export async function queueCreateCommand(context: Context): Promise<number> {
  const name = checkQueueName(context.arguments[0]!);
  const project = await openProject(context);
  try {
    const existed = (await project.store.listQueues()).some((queue) => queue.name === name);
    await project.store.createQueue(name);
    if (context.json) printJson(context, { name, created: !existed });
    else
      printLines(context.out, [
        `the queue ${printableWord(name)} ${existed ? 'exists already' : 'is there'}`,
      ]);
    return 0;
  } finally {
    await project.close();
  }
}

/** `run-pipeline queue limit QUEUE --concurrency N --rate 10/s`; without options it tells what holds. */
export async function queueLimitCommand(context: Context): Promise<number> {
  const name = context.arguments[0]!;
  const edit = limitsOf(context);
  const project = await openProject(context);
  try {
    const queues = await project.store.listQueues();
    const queue = queues.find((one) => one.name === name);
    if (queue === undefined)
      throw unknownQueue(
        name,
        queues.map((one) => one.name),
      );
    const isEdit = Object.keys(edit).length > 0;
    const limits = isEdit ? await project.store.setQueueLimits(name, edit) : queue.limits;
    if (context.json) printJson(context, { name, limits });
    else printLines(context.out, [limitsLine(name, limits)]);
    return 0;
  } finally {
    await project.close();
  }
}

function limitsOf({ options }: Context): QueueLimitsEdit {
  const [concurrency, rate] = [options.text('concurrency'), options.text('rate')];
  if (concurrency !== undefined && concurrency !== 'none' && !/^\d{1,6}$/.test(concurrency)) {
    throw usageError(
      `--concurrency takes a whole number, 0 (paused) or none, but got ${JSON.stringify(concurrency)}`,
    );
  }
  const parsed = rate === undefined || rate === 'none' ? null : parseRate(rate);
  if (parsed === undefined) {
    throw usageError(
      `--rate takes a number for a time, or none, but got ${JSON.stringify(rate)}`,
      'such as 10/s, 100/m, 1000/h, or 50/10m: so many may be begun in any ten minutes',
    );
  }
  return {
    ...(concurrency !== undefined && { concurrency: concurrency === 'none' ? null : Number(concurrency) }),
    ...(rate !== undefined && { rate: parsed }),
  };
}

function limitsLine(name: string, limits: QueueLimits): string {
  const shown = printableWord(name);
  if (isPaused(limits)) return `the queue ${shown} is paused: nothing of it is begun`;
  const told = formatLimits(limits);
  return told === '' ? `the queue ${shown} has no limits` : `the queue ${shown}: ${told}`;
}

/** `run-pipeline queue clear QUEUE` */
export async function queueClearCommand(context: Context): Promise<number> {
  const name = context.arguments[0]!;
  const tasks = await reading(
    context,
    async ({ store }) => {
      const known = (await store.listQueues()).map((queue) => queue.name);
      if (!known.includes(name)) throw unknownQueue(name, known);
      return store.clearQueue(name);
    },
    undefined,
  );
  if (tasks === undefined) throw nothingHere();
  if (context.json) printJson(context, { name, withdrawn: tasks });
  else
    printLines(context.out, [
      tasks.length === 0
        ? `nothing waits in ${printableWord(name)}`
        : `${count(tasks.length, 'task')} taken out of ${printableWord(name)}`,
      ...tasks.map((task) => `  ${printableWord(task)}`),
    ]);
  return 0;
}

const nothingHere = (): Error =>
  usageError(
    'there are no queues here yet',
    'run-pipeline queue create NAME makes one; a run or a task does, too',
  );

/** A question, or a change, that makes no state where there is none. */
async function reading<T, N>(
  context: Context,
  use: (project: Project) => Promise<T>,
  none: N,
): Promise<T | N> {
  const project = await openExisting(context);
  if (project === undefined) return none;
  try {
    return await use(project);
  } finally {
    await project.close();
  }
}
