import {
  CONFIGURATION_INPUT,
  parameterKey,
  RunPipelineError,
  TASK_INPUT,
  TASK_TYPES,
  type EncodedValue,
  type TaskParameter,
  type TaskParameters,
  type TaskType,
} from '@run-pipeline/core/model';
import { overrideLabel, type TaskOverrides } from '@run-pipeline/core/define';
import type { ArgumentShape } from '@run-pipeline/core/graph';
import { referencesOf, type InputNode } from '@run-pipeline/core/references';
import type { PreimagePart } from '@run-pipeline/core/ports';
import { decodeJsonValue, encodeJsonValue } from '../../artifacts/index.js';
import { hashOf } from '../../fingerprint/index.js';
import type { NodeState } from '../context.js';
import { readInput, showPrimitive, type ResolveContext } from './inputs.js';
import type { TaskSpecScript } from '../attempt/task-spec.js';
import type { Template } from '../launch/templates.js';

/**
 * What a step from a task is executed with: what the task itself has, and over it what the step overrides.
 * All parameters and configurations enter the fingerprint, one by one and by name, whoever they come from:
 * an override with the value that the task has anyway changes nothing. The task's name, project, type, tags
 * and comment do not enter.
 */
export interface TemplateInputs {
  readonly script: TaskSpecScript;
  readonly comment: string;
  /** What the step overrides: a `cache.key` stands for these. */
  readonly overridden: readonly PreimagePart[];
  readonly own: readonly PreimagePart[];
}

export async function templateInputs(
  context: ResolveContext,
  node: NodeState,
  options: { readonly template: Template; readonly inputs: ArgumentShape },
): Promise<TemplateInputs> {
  const { template, inputs } = options;
  const parameters = new Map(
    Object.entries(template.parameters).map(([section, values]) => [
      section,
      new Map(Object.entries(values)),
    ]),
  );
  const configurations = new Map(Object.entries(template.configurations));
  const fields: Fields = {};
  const overridden = new Map<string, string | undefined>();
  for (const [key, input] of inputs.kind === 'named' ? inputs.values : []) {
    const target = overrideTarget(node, key);
    refuseFiles(context, key, input);
    const value = await readInput(context, input);
    // A parent failed and `skipChildrenOnFail` is false: as a parameter of a function with a default.
    if (value === undefined) continue;
    switch (target.kind) {
      case 'parameter': {
        let section = parameters.get(target.section);
        if (section === undefined) parameters.set(target.section, (section = new Map()));
        section.set(target.name, encodeOverride(value, key));
        break;
      }
      case 'configuration':
        configurations.set(target.name, encodeOverride(value, key));
        break;
      case 'field':
        setField(fields, target.field, value);
        break;
      default:
        target satisfies never;
    }
    if (target.kind !== 'field') overridden.set(key, textOf(input));
  }
  const effective = {
    parameters: fromMaps(parameters),
    configurations: Object.fromEntries(configurations),
  };
  const parts = preimageParts(effective, overridden);
  const tags = [...(fields.tags ?? template.tags), ...node.definition.options.tags];
  return {
    script: {
      name: fields.name ?? template.name,
      project: fields.project ?? template.project,
      type: fields.type ?? template.type,
      tags: [...new Set(tags)],
      ...effective,
    },
    comment: fields.comment ?? template.comment,
    overridden: parts.filter(({ key }) => overridden.has(key)).map(({ part }) => part),
    own: parts.filter(({ key }) => !overridden.has(key)).map(({ part }) => part),
  };
}

/** Larger values are artifacts: a record is read whole, by everybody who looks at the task. */
const LARGEST = 1 << 20;

/** @throws RunPipelineError for what a task's record cannot keep; the message names the override. */
export function encodeOverride(value: unknown, key: string): EncodedValue {
  const label = overrideLabel(key);
  const encoded = encodeJsonValue(value, label);
  const size = JSON.stringify(encoded).length;
  if (size <= LARGEST) return encoded;
  throw new RunPipelineError({
    kind: 'artifact',
    code: 'override-size',
    message: `${label} has ${size} characters as JSON: a parameter of a task has at most ${LARGEST}`,
    help: "Pass the url or the id of what holds it: '$<STEP.artifacts.NAME.url>', '$<STEP.id>'.",
  });
}

type Field = keyof TaskOverrides;
type Fields = { -readonly [K in Field]?: TaskOverrides[K] };
type Target =
  | { readonly kind: 'parameter'; readonly section: string; readonly name: string }
  | { readonly kind: 'configuration'; readonly name: string }
  | { readonly kind: 'field'; readonly field: Field };

const FIELDS: readonly Field[] = ['name', 'project', 'comment', 'type', 'tags'];

/** Declared ones were checked at the door; a pre-execute callback may add others. */
function overrideTarget(node: NodeState, key: string): Target {
  if (key.startsWith(CONFIGURATION_INPUT) && key.length > CONFIGURATION_INPUT.length) {
    return { kind: 'configuration', name: key.slice(CONFIGURATION_INPUT.length) };
  }
  const field = FIELDS.find((each) => key === TASK_INPUT + each);
  if (field !== undefined) return { kind: 'field', field };
  const parameter = parameterKey(key);
  if (parameter !== undefined && !parameter.section.includes(':')) return { kind: 'parameter', ...parameter };
  throw new RunPipelineError({
    kind: 'run',
    code: 'parameter-key',
    message: `the pre-execute callback of ${node.name} set "${key}", which is no parameter of a task`,
    help:
      key.includes(':') || key.includes('/')
        ? `Parameters are SECTION/NAME, configurations ${CONFIGURATION_INPUT}NAME, fields of the task ${TASK_INPUT}${FIELDS.join(`, ${TASK_INPUT}`)}.`
        : `Write "General/${key}": General is the section of what task.connect(…) was given.`,
  });
}

/** Whole files are no values: what was read here would be the path of a copy in this process's own space. */
function refuseFiles(context: ResolveContext, key: string, input: InputNode): void {
  for (const reference of referencesOf(input)) {
    if (reference.kind !== 'return') continue;
    const parent = context.nodes.get(reference.step);
    const artifacts = [parent, ...(parent?.elements ?? [])].flatMap(
      (each) => each?.artifacts.get(reference.name) ?? [],
    );
    const held = artifacts.find(({ record: { type } }) => type === 'file' || type === 'directory');
    if (held === undefined) continue;
    throw new RunPipelineError({
      kind: 'run',
      code: 'file-override',
      message: `${overrideLabel(key)}: ${reference.text} is a ${held.record.type}, and a parameter of a task is a value`,
      help: `Pass its url: $<${reference.step}.artifacts.${reference.name}.url>.`,
    });
  }
}

function setField(fields: Fields, field: Field, value: unknown): void {
  switch (field) {
    case 'name':
    case 'project':
      fields[field] = textField(field, value);
      if (fields[field] === '') throw wrongField(field, 'a text that is not empty', value);
      return;
    case 'comment':
      fields.comment = textField(field, value);
      return;
    case 'type':
      if (!TASK_TYPES.includes(value as TaskType))
        throw wrongField(field, `one of ${TASK_TYPES.join(', ')}`, value);
      fields.type = value as TaskType;
      return;
    case 'tags':
      if (!Array.isArray(value)) throw wrongField(field, 'a list of texts', value);
      fields.tags = value.map((tag) => textField(field, tag));
      return;
    default:
      field satisfies never;
  }
}

/** What a reference inside of text would be written as. */
function textField(field: Field, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  throw wrongField(field, field === 'tags' ? 'a list of texts' : 'a text', value);
}

const wrongField = (field: Field, wanted: string, value: unknown): RunPipelineError =>
  new RunPipelineError({
    kind: 'run',
    code: 'task-field',
    message: `${overrideLabel(TASK_INPUT + field)} takes ${wanted}, not ${showPrimitive(value) ?? typeof value}`,
  });

/** Computed keys define properties: a section named `__proto__` is data like any other. */
const fromMaps = (parameters: ReadonlyMap<string, ReadonlyMap<string, TaskParameter>>): TaskParameters =>
  Object.fromEntries([...parameters].map(([section, values]) => [section, Object.fromEntries(values)]));

function preimageParts(
  { parameters, configurations }: Pick<TaskSpecScript, 'parameters' | 'configurations'>,
  overridden: ReadonlyMap<string, string | undefined>,
): readonly { readonly key: string; readonly part: PreimagePart }[] {
  const part = (kind: PreimagePart['kind'], key: string, name: string, value: TaskParameter) => {
    const where = overridden.get(key);
    const shown = showPrimitive(decodeJsonValue(value));
    return {
      key,
      part: {
        kind,
        name,
        // Text is understood as the type of the default it meets, so it is another value than a string.
        hash: hashOf('task-parameter', [value.json, value.meta ?? null, value.text === true]),
        ...(shown === undefined ? {} : { shown }),
        ...(where === undefined ? {} : { where }),
      },
    };
  };
  return [
    ...Object.entries(parameters).flatMap(([section, values]) =>
      Object.entries(values).map(([name, value]) =>
        part('parameter', `${section}/${name}`, `${section}/${name}`, value),
      ),
    ),
    ...Object.entries(configurations).map(([name, value]) =>
      part('configuration', CONFIGURATION_INPUT + name, name, value),
    ),
  ];
}

/** `$<stage_data.artifacts.dataset.url>`: where an override comes from. */
function textOf(input: InputNode): string | undefined {
  const texts = new Set(referencesOf(input).map(({ text }) => text));
  return texts.size === 0 ? undefined : [...texts].join(', ');
}
