import type { RunStatus } from '@run-pipeline/core/model';
import type { RunListItem } from '@run-pipeline/core/wire';
import { queryWords, type Operator, type QueryWord } from '../query-words.js';

export interface RunFilter {
  /** What the store can look for by itself; undefined: any. */
  readonly status: readonly RunStatus[] | undefined;
  /** Undefined: all that the store gives do. */
  readonly fits: ((item: RunListItem) => boolean) | undefined;
  readonly problems: readonly string[];
}

type Test = (item: RunListItem) => boolean;

const STATUSES: readonly RunStatus[] = ['queued', 'running', 'completed', 'failed', 'aborted', 'lost'];

/** What the words of the query bar mean. What means nothing is told, and left out. */
export function readRunQuery(query: string): RunFilter {
  const problems: string[] = [];
  const statuses = new Set<RunStatus>();
  const tests: Test[] = [];
  for (const word of queryWords(query)) {
    if (word.kind === 'field' && word.name === 'status') {
      const status = STATUSES.find((each) => each === word.value);
      if (status === undefined) problems.push(`status:${word.value} is none of ${STATUSES.join(', ')}`);
      else statuses.add(status);
      continue;
    }
    const test = testOf(word);
    if (typeof test === 'string') problems.push(test);
    else tests.push(test);
  }
  if (statuses.size > 0) tests.push(({ status }) => statuses.has(status));
  return {
    status: statuses.size === 0 ? undefined : storedStatuses([...statuses]),
    fits: tests.length === 0 ? undefined : (item) => tests.every((test) => test(item)),
    problems,
  };
}

/** Whether a run that should be going on still is, only its reader can tell. */
function storedStatuses(statuses: readonly RunStatus[]): readonly RunStatus[] {
  const stored = new Set<RunStatus>(statuses.filter((status) => status !== 'lost'));
  if (statuses.some((status) => status === 'lost' || status === 'running' || status === 'queued'))
    for (const status of ['queued', 'running'] as const) stored.add(status);
  return [...stored];
}

const FIELDS: Readonly<Record<string, (item: RunListItem) => string | undefined>> = {
  project: ({ project }) => project,
  pipeline: ({ pipeline }) => pipeline,
  source: ({ source }) => source,
  id: ({ id }) => id,
  version: ({ version }) => version,
  branch: ({ git }) => git?.branch,
  commit: ({ git }) => git?.commit,
  queue: ({ queue }) => queue,
  agent: ({ agent }) => agent,
  error: ({ error }) => error,
};

function testOf(word: QueryWord): Test | string {
  if (word.kind === 'text') {
    const wanted = word.text.toLowerCase();
    return ({ pipeline, number, id, source, error = '' }) =>
      [`${pipeline}#${number}`, id, source, error].some((text) => text.toLowerCase().includes(wanted));
  }
  if (word.kind === 'field') {
    const read = Object.hasOwn(FIELDS, word.name) ? FIELDS[word.name] : undefined;
    if (read === undefined)
      return `there is no field ${word.name}: one of status, ${Object.keys(FIELDS).join(', ')}`;
    const wanted = word.value.toLowerCase();
    return (item) => read(item)?.toLowerCase().includes(wanted) === true;
  }
  const { name, operator, value } = word;
  if (value === '') return `${name}${operator} lacks a value`;
  const ordered = operator !== '=' && operator !== '!=';
  if (ordered && Number.isNaN(Number(value))) return `${name}${operator}${value} compares with no number`;
  return (item) => {
    const found = valueOf(item, name);
    return found !== undefined && compare(found, operator, value);
  };
}

function valueOf(item: RunListItem, name: string): unknown {
  if (Object.hasOwn(item.parameters, name)) return item.parameters[name];
  if (Object.hasOwn(item.metrics, name)) return item.metrics[name];
  if (name === 'number') return item.number;
  if (name === 'duration') return durationOf(item);
  return undefined;
}

function durationOf({ startedAt, finishedAt }: RunListItem): number | undefined {
  if (startedAt === undefined) return undefined;
  const end = finishedAt === undefined ? Date.now() : Date.parse(finishedAt);
  return (end - Date.parse(startedAt)) / 1000;
}

function compare(found: unknown, operator: Operator, value: string): boolean {
  const number = typeof found === 'number' ? found : Number.NaN;
  const wanted = Number(value);
  const numeric = !Number.isNaN(number) && value.trim() !== '' && !Number.isNaN(wanted);
  switch (operator) {
    case '<':
      return numeric && number < wanted;
    case '<=':
      return numeric && number <= wanted;
    case '>':
      return numeric && number > wanted;
    case '>=':
      return numeric && number >= wanted;
    case '=':
      return numeric ? number === wanted : textOf(found) === value;
    case '!=':
      return numeric ? number !== wanted : textOf(found) !== value;
    default:
      return operator satisfies never;
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
