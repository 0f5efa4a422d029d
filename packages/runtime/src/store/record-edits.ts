import type {
  TaskConfigurations,
  TaskEdit,
  TaskParameters,
  TaskScript,
  TaskType,
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

// Spreads and computed keys define properties: a section named `__proto__` is data like any other.
function mergeParameters(old: TaskParameters, edit: TaskParameters = {}): TaskParameters {
  const merged = { ...old };
  for (const [section, parameters] of Object.entries(edit)) {
    const before = Object.hasOwn(old, section) ? old[section] : undefined;
    Object.defineProperty(merged, section, {
      value: { ...before, ...parameters },
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}

/** Of a published task only how people find it may change. */
const OF_PUBLISHED: ReadonlySet<string> = new Set([
  'tags',
  'addTags',
  'comment',
] satisfies (keyof TaskEdit)[]);

export const changesPublished = (edit: TaskEdit): boolean =>
  Object.entries(edit).some(([key, value]) => value !== undefined && !OF_PUBLISHED.has(key));
