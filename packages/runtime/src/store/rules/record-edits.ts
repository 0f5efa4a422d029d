import {
  mergeParameters,
  type TaskConfigurations,
  type TaskEdit,
  type TaskParameters,
  type TaskScript,
  type TaskType,
} from '@run-pipeline/core/model';

/** The part of a record that edits change. */
export interface EditableRecord {
  readonly project: string;
  readonly name: string;
  readonly type: TaskType;
  readonly tags: readonly string[];
  readonly comment: string;
  readonly script: TaskScript | undefined;
  readonly parameters: TaskParameters;
  readonly configurations: TaskConfigurations;
  readonly progress: number | undefined;
}

/** What is absent stays; sections, names and configurations are merged one by one. */
export function applyEdit(record: EditableRecord, edit: TaskEdit): EditableRecord {
  const tags = [...(edit.tags ?? record.tags), ...(edit.addTags ?? [])];
  return {
    project: edit.project ?? record.project,
    name: edit.name ?? record.name,
    type: edit.type ?? record.type,
    tags: [...new Set(tags)],
    comment: edit.comment ?? record.comment,
    script: edit.script ?? record.script,
    parameters: mergeParameters(record.parameters, edit.parameters),
    configurations: { ...record.configurations, ...edit.configurations },
    progress: edit.progress ?? record.progress,
  };
}

/** Of a published task only how people find it may change. */
const OF_PUBLISHED: ReadonlySet<string> = new Set([
  'tags',
  'addTags',
  'comment',
] satisfies (keyof TaskEdit)[]);

export const changesPublished = (edit: TaskEdit): boolean =>
  Object.entries(edit).some(([key, value]) => value !== undefined && !OF_PUBLISHED.has(key));
