import type {
  Digest,
  ErrorRecord,
  RunId,
  StepName,
  TaskConfigurations,
  TaskId,
  TaskParameters,
  TaskRecord,
  TaskScript,
  TaskStatus,
  TaskType,
} from '@run-pipeline/core/model';
import type { EditableRecord } from '../rules/record-edits.js';
import { decodeResources } from './resources.js';
import type { Row } from './row.js';
import { storableText } from './storable-text.js';
import { storedJson } from './stored-json.js';

export const EMPTY_RECORD = {
  tags: [],
  comment: '',
  script: undefined,
  parameters: {},
  configurations: {},
  progress: undefined,
} as const;

/** What an edit may change, in the order of `editedValues`. */
export const EDITED_COLUMNS = [
  'project',
  'name',
  'type',
  'tags',
  'comment',
  'script',
  'parameters',
  'configurations',
  'progress',
] as const;

export const editedValues = (record: EditableRecord): readonly (string | number | null)[] => [
  storableText(record.project),
  storableText(record.name),
  record.type,
  JSON.stringify(record.tags),
  storableText(record.comment),
  record.script === undefined ? null : JSON.stringify(record.script),
  JSON.stringify(record.parameters),
  JSON.stringify(record.configurations),
  record.progress ?? null,
];

/** Values that a script refers to: a clone refers to the same ones as its parent, and outlives it. */
export const valuesOfScript = (script: TaskScript | undefined): readonly Digest[] =>
  [script?.launch, script?.git?.diff].filter((hash) => hash !== undefined);

export const RECORD_COLUMNS = `c.id, c.project, c.name, c.type, t.status, c.tags, c.comment, c.parent, r.id, t.step,
    c.script, c.parameters, c.configurations, c.progress, t.queue, t.priority, t.attempt, c.created_at,
    t.started_at, t.finished_at, t.error, t.lease_until, t.queued_at, t.resources`;
export const FROM_RECORDS = `FROM task_records c JOIN tasks t ON t.id = c.id LEFT JOIN runs r ON r.n = t.run`;

export function recordOf(row: Row, now: number): TaskRecord {
  const [id, project, name, type, status, tags, comment, parent, run, step, ...rest] = row as [
    TaskId,
    string,
    string,
    TaskType,
    TaskStatus,
    string,
    string,
    TaskId | null,
    RunId | null,
    StepName | null,
    string | null,
    string,
    string,
    number | null,
    string | null,
    number | null,
    number,
    number,
    number | null,
    number | null,
    string | null,
    number,
    number | null,
    string,
  ];
  const [script, parameters, configurations, progress, queue, priority, attempt, ...times] = rest;
  const [createdAt, startedAt, finishedAt, error, leaseUntil, queuedAt, resources] = times;
  // Of an attempt that waits, or ended while it did, there was no execution.
  const waited = status === 'queued' || (status === 'aborted' && startedAt === null && queuedAt !== null);
  return {
    id,
    project,
    name,
    type,
    status,
    tags: storedJson(tags, 'the record of a task') as string[],
    comment,
    parent: parent ?? undefined,
    run: run ?? undefined,
    step: step ?? undefined,
    script: script === null ? undefined : (storedJson(script, 'the record of a task') as TaskScript),
    parameters: storedJson(parameters, 'the record of a task') as TaskParameters,
    configurations: storedJson(configurations, 'the record of a task') as TaskConfigurations,
    progress: progress ?? undefined,
    queue: queue ?? undefined,
    priority: priority ?? 0,
    resources: decodeResources(resources),
    attempt: waited ? Math.max(0, attempt - 1) : attempt,
    createdAt: new Date(createdAt).toISOString(),
    startedAt: startedAt === null ? undefined : new Date(startedAt).toISOString(),
    finishedAt: finishedAt === null ? undefined : new Date(finishedAt).toISOString(),
    error: error === null ? undefined : (storedJson(error, 'the record of a task') as ErrorRecord),
    leaseExpired: status === 'running' && leaseUntil <= now,
  };
}
