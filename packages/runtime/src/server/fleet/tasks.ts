import { inspect } from 'node:util';
import {
  OWN_TASK_STATUSES,
  taskId,
  TASK_TYPES,
  type EncodedValue,
  type Report,
  type TaskRecord,
  type TaskStatus,
} from '@run-pipeline/core/model';
import type { TaskDetails, TaskItem, TaskList, TaskQueryText } from '@run-pipeline/core/wire';
import { decodeJsonValue } from '../../artifacts/index.js';
import { readTaskView, readViewArtifacts, type TaskView } from '../../tasks/task-view.js';
import { queryWords } from '../query-words.js';
import { Refusal } from '../refusal.js';
import type { ServerContext } from '../server-context.js';

const DEFAULT_LIMIT = 50;
/** Records looked at for one page of those that fit. */
const MOST_LOOKED_AT = 5_000;
const PAGE = 500;
const MOST_CHILDREN = 200;
const OUTPUT_PAGE = 2_000;
const MOST_REPORTS = 50_000;
const LONGEST_VALUE = 2_000;

export async function listTasks(context: ServerContext, query: TaskQueryText): Promise<TaskList> {
  const { store } = context.project;
  const limit = query.limit ?? DEFAULT_LIMIT;
  const wanted = readQuery(query.q ?? '');
  const found: TaskRecord[] = [];
  let before = query.cursor === undefined ? undefined : taskId(query.cursor);
  for (let looked = 0; looked < MOST_LOOKED_AT;) {
    const page = await store.findTasks({
      ...wanted.store,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    for (const task of page) {
      if (found.length === limit) return { tasks: found.map(taskItem), next: before! };
      before = task.id;
      if (wanted.fits(task)) found.push(task);
    }
    looked += page.length;
    if (page.length < PAGE) return { tasks: found.map(taskItem) };
  }
  return { tasks: found.map(taskItem), ...(before === undefined ? {} : { next: before }) };
}

function readQuery(text: string): {
  readonly store: Parameters<ServerContext['project']['store']['findTasks']>[0];
  readonly fits: (task: TaskRecord) => boolean;
} {
  const status: TaskStatus[] = [];
  const tags: string[] = [];
  const texts: string[] = [];
  let project: string | undefined;
  let type: (typeof TASK_TYPES)[number] | undefined;
  for (const word of queryWords(text)) {
    if (word.kind === 'field' && word.name === 'status')
      status.push(...OWN_TASK_STATUSES.filter((each) => each === word.value));
    else if (word.kind === 'field' && word.name === 'project') project = word.value;
    else if (word.kind === 'field' && word.name === 'tag') tags.push(word.value);
    else if (word.kind === 'field' && word.name === 'type')
      type = TASK_TYPES.find((each) => each === word.value);
    else texts.push((word.kind === 'text' ? word.text : word.value).toLowerCase());
  }
  return {
    store: {
      ...(status.length === 0 ? {} : { status }),
      ...(tags.length === 0 ? {} : { tags }),
      ...(project === undefined ? {} : { project }),
      ...(type === undefined ? {} : { type: [type] }),
    },
    fits: (task) =>
      texts.every((each) =>
        [task.id, task.name, task.project, task.comment, task.script?.file ?? '', ...task.tags].some((part) =>
          part.toLowerCase().includes(each),
        ),
      ),
  };
}

export async function taskDetails(context: ServerContext, id: string): Promise<TaskDetails> {
  const { store } = context.project;
  const task = await requireTask(context, id);
  const [artifacts, reports, children] = await Promise.all([
    readViewArtifacts(store, task),
    readReports(context, task),
    store.findTasks({ parent: task.id, steps: true, limit: MOST_CHILDREN }),
  ]);
  return {
    task: taskItem(task),
    artifacts: artifacts.map(({ record }) => record),
    reports,
    children: children.map(({ id: child, name, status }) => ({ id: child, name, status })),
  };
}

/** A record, or a step of a run that calls a function, whose id is `RUN.STEP`. */
export async function requireTask(context: ServerContext, id: string): Promise<TaskView> {
  const task = await readTaskView(context.project.store, id);
  if (task === undefined) throw new Refusal(404, 'unknown-task', 'there is no such task');
  return task;
}

async function readReports(context: ServerContext, task: TaskRecord): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (let afterSeq = -1; reports.length < MOST_REPORTS;) {
    const rows = await context.project.store.readTaskOutput(task.id, { afterSeq, limit: OUTPUT_PAGE });
    for (const row of rows) if (row.kind === 'report') reports.push(row.report);
    const last = rows.at(-1);
    if (last === undefined || rows.length < OUTPUT_PAGE) break;
    afterSeq = last.seq;
    await new Promise((next) => setImmediate(next));
  }
  return reports;
}

export function taskItem(record: TaskRecord | TaskView): TaskItem {
  const { parameters, configurations, isRecord: _, ...task } = { isRecord: true, ...record };
  return {
    ...task,
    parameters: Object.entries(parameters).flatMap(([section, values]) =>
      Object.entries(values).map(([name, value]) => ({ section, name, value: shownValue(value) })),
    ),
    configurations: Object.entries(configurations).map(([name, value]) => ({
      name,
      value: shownValue(value),
    })),
  };
}

/** Text as it is, the rest as JSON; what JSON has no words for as Node shows it. */
function shownValue(encoded: EncodedValue): string {
  const text = encoded.meta === undefined ? plain(encoded.json) : inspect(decodeJsonValue(encoded), SHOWN);
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}

const plain = (json: unknown): string =>
  typeof json === 'string' ? json : (JSON.stringify(json) ?? 'undefined');
const SHOWN = { depth: 4, breakLength: Infinity, maxArrayLength: 100, maxStringLength: 1_000 };
