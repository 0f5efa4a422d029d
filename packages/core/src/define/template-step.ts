import { CONFIGURATION_INPUT, type StepDefinition, TASK_INPUT } from '../model/definition.js';
import type { SourceLocation } from '../model/source.js';
import { parameterKey, TASK_TYPES, type TaskType } from '../model/task.js';
import { compileInputWithProblems, type InputNode, referencesOf } from '../references/index.js';
import { OptionReader, describeValue } from './option-reader.js';
import { TEMPLATE_STEP_OPTIONS, type TemplateStepOptions, templateStepOptions } from './step-options.js';

/** Of `addStep`. */
export type AddStepOptions<Name extends string, Overrides, Configurations, Fields> = BaseTask &
  TemplateStepOptions & {
    readonly name: Name;
    /**
     * Parameters of the clone, by `Section/name`: `{ 'General/dataset_url': '$<stage_data.artifacts.dataset.url>' }`.
     * Values, and references anywhere inside of them. What `task.connect(…)` has gets these in place of its defaults.
     */
    readonly parameterOverride?: Overrides;
    /** Configurations of the clone (`task.connectConfiguration`), by name: an object, or the text of a file. */
    readonly configurationOverrides?: Configurations;
    /** Fields of the clone itself. */
    readonly taskOverrides?: Fields;
    /**
     * False: the base task itself is executed; it must be a draft (`created`). Default true: it is cloned,
     * and stays as it is.
     */
    readonly cloneBaseTask?: boolean;
  };

/** The template, by its id or by its name: of several tasks of one name, the newest. */
export type BaseTask =
  | {
      readonly baseTaskId: string;
      readonly baseTaskName?: never;
      readonly baseTaskProject?: never;
    }
  | {
      readonly baseTaskId?: never;
      readonly baseTaskName: string;
      /** Default: the pipeline's project. */
      readonly baseTaskProject?: string;
    };

/** What `taskOverrides` may set; a text may hold references. */
export interface TaskOverrides {
  readonly name?: string;
  readonly project?: string;
  readonly comment?: string;
  readonly type?: TaskType;
  readonly tags?: readonly string[];
}

const TASK_FIELDS = [
  'name',
  'project',
  'comment',
  'type',
  'tags',
] as const satisfies readonly (keyof TaskOverrides)[];

/** The step that executes a clone of a task. `project`: the pipeline's. */
export function templateStep(
  options: unknown,
  project: string,
  at: SourceLocation | undefined,
): StepDefinition {
  const name: unknown = (options as { name?: unknown } | undefined)?.name;
  const reader = new OptionReader({
    what: typeof name === 'string' ? `addStep("${name}")` : 'addStep',
    values: options,
    known: [
      'name',
      'baseTaskId',
      'baseTaskProject',
      'baseTaskName',
      'parameterOverride',
      'configurationOverrides',
      'taskOverrides',
      'cloneBaseTask',
      ...TEMPLATE_STEP_OPTIONS,
    ],
    at,
  });
  const values = new Map([...parameters(reader), ...configurations(reader), ...taskFields(reader)]);
  for (const [key, value] of values) checkOverride(reader, key, value);
  return Object.freeze({
    name: reader.requiredString('name'),
    code: {
      kind: 'task',
      base: baseTask(reader, project),
      clone: reader.boolean('cloneBaseTask') ?? true,
      call: at,
      file: at?.file,
    },
    inputs:
      values.size === 0
        ? { kind: 'none' }
        : { kind: 'named', values: Object.freeze(Object.fromEntries(values)) },
    returns: undefined,
    parents: reader.strings('parents') ?? [],
    options: templateStepOptions(reader),
    source: at,
  } satisfies StepDefinition);
}

/** How a message calls an input of a template step: by the option and the key that the user wrote. */
export function overrideLabel(key: string): string {
  if (key.startsWith(CONFIGURATION_INPUT)) {
    return `configurationOverrides["${key.slice(CONFIGURATION_INPUT.length)}"]`;
  }
  if (key.startsWith(TASK_INPUT)) return `taskOverrides.${key.slice(TASK_INPUT.length)}`;
  return `parameterOverride["${key}"]`;
}

type Base = Extract<StepDefinition['code'], { readonly kind: 'task' }>['base'];

function baseTask(reader: OptionReader, project: string): Base {
  const id = reader.string('baseTaskId');
  const name = reader.string('baseTaskName');
  const own = reader.string('baseTaskProject');
  if (id === undefined && name === undefined) {
    throw reader.error(
      'base-task',
      own === undefined ? 'names no task to execute' : 'names the project of a task, but not the task',
      'Give "baseTaskName" (with "baseTaskProject" where it is not the pipeline\'s own), or "baseTaskId".',
    );
  }
  if (id !== undefined && (name ?? own) !== undefined) {
    throw reader.error(
      'base-task',
      `names its task twice: by "baseTaskId", and by "${name === undefined ? 'baseTaskProject' : 'baseTaskName'}"`,
      'Leave one of them out.',
    );
  }
  for (const text of [id, name, own]) {
    if (text !== undefined && referencesOf(compileInputWithProblems(text).node).length > 0) {
      throw reader.error(
        'base-task',
        `names its task by a reference, ${describeValue(text)}: the task is looked up before any step runs`,
        'Name one task. What differs between runs can be overridden: "parameterOverride".',
      );
    }
  }
  return id === undefined ? { project: own ?? project, name: name! } : { id };
}

type Entries = readonly (readonly [string, unknown])[];

function parameters(reader: OptionReader): Entries {
  const entries = plainEntries(reader, 'parameterOverride');
  for (const [key] of entries) {
    const section = parameterKey(key)?.section;
    if (section === undefined) {
      const name = key.replace(/^\/+|\/+$/g, '');
      throw reader.error(
        'parameter-key',
        key.includes('/')
          ? `overrides the parameter "${key}", which is not SECTION/NAME`
          : `overrides the parameter "${key}" without saying its section`,
        `Write "General/${name === '' ? 'NAME' : name}": General is the section of what task.connect(…) was given.`,
      );
    }
    // A colon would read as one of the prefixes of the other overrides.
    if (section.includes(':')) {
      throw reader.error(
        'parameter-key',
        `overrides the parameter "${key}": the name of a section holds no colon`,
        section === 'configuration' || key.startsWith(CONFIGURATION_INPUT)
          ? 'Configurations are overridden by "configurationOverrides".'
          : undefined,
      );
    }
  }
  return entries;
}

const configurations = (reader: OptionReader): Entries =>
  plainEntries(reader, 'configurationOverrides').map(([name, value]) => {
    if (name === '') throw reader.error('option-type', 'names a configuration by an empty text');
    return [CONFIGURATION_INPUT + name, value] as const;
  });

function taskFields(reader: OptionReader): Entries {
  if (reader.raw('taskOverrides') === undefined) return [];
  const fields = reader.nested('taskOverrides', TASK_FIELDS);
  const given: Record<keyof TaskOverrides, unknown> = {
    name: fields.string('name'),
    project: fields.string('project'),
    comment: fields.raw('comment') === '' ? '' : fields.string('comment'),
    type: hasReference(fields.raw('type')) ? fields.string('type') : fields.oneOf('type', TASK_TYPES),
    tags: fields.strings('tags'),
  };
  return TASK_FIELDS.filter((field) => given[field] !== undefined).map(
    (field) => [TASK_INPUT + field, given[field]] as const,
  );
}

function plainEntries(reader: OptionReader, key: string): Entries {
  const values = reader.raw(key);
  if (values === undefined) return [];
  const prototype: unknown =
    typeof values === 'object' && values !== null ? Object.getPrototypeOf(values) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw reader.error('option-type', `takes a plain object as "${key}", not ${describeValue(values)}`);
  }
  return Object.entries(values as Record<string, unknown>);
}

/** A task's parameters are values: there is one clone, and nobody to carry a file to it. */
function checkOverride(reader: OptionReader, key: string, value: unknown): void {
  const label = overrideLabel(key);
  if (value === undefined) {
    throw reader.error('option-type', `sets ${label} to undefined`, 'Leave it out, or set it to null.');
  }
  const { node, problems } = compileInputWithProblems(value);
  const marker = problems.some(({ code }) => code === 'nested-each') ? 'each' : markerIn(node);
  if (marker === 'each') {
    throw reader.error(
      'each-override',
      `has each() in ${label}: a step from a task is one clone`,
      'Add one step for each value, in a loop.',
    );
  }
  if (marker === 'file') {
    throw reader.error(
      'file-override',
      `has file() or directory() in ${label}: a parameter of a task is a value`,
      "Give a url or a path as text, or the url of a step's artifact: $<STEP.artifacts.NAME.url>.",
    );
  }
}

function markerIn(root: InputNode): 'each' | 'file' | undefined {
  const seen = new Set<InputNode>();
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.kind === 'each' || node.kind === 'file') return node.kind;
    if (node.kind === 'list') open.push(...node.items);
    if (node.kind === 'object') for (const [, entry] of node.entries) open.push(entry);
  }
  return undefined;
}

const hasReference = (value: unknown): boolean =>
  typeof value === 'string' && referencesOf(compileInputWithProblems(value).node).length > 0;
