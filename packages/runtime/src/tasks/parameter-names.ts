import {
  parameterKey,
  RunPipelineError,
  type SourceLocation,
  type TaskConfigurations,
  type TaskParameter,
  type TaskParameters,
} from '@run-pipeline/core/model';
import { decodeJsonValue, encodeJsonValue } from '../artifacts/index.js';

/** The section of what `connect` is given, if it says no other. */
export const GENERAL = 'General';

/** `General/lr`; a name without a section is one of `General`. */
export const keyOf = (name: string): { readonly section: string; readonly name: string } =>
  parameterKey(name) ?? { section: GENERAL, name };

/** Values by `Section/name`. */
export function flatParameters(parameters: TaskParameters): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([section, values]) =>
      Object.entries(values).map(([name, value]) => [`${section}/${name}`, decodeJsonValue(value)]),
    ),
  );
}

/** The inverse of `flatParameters`. Only own properties of defined names: `__proto__` is a name like any other. */
export function nestedParameters(
  entries: Iterable<readonly [name: string, value: TaskParameter]>,
): TaskParameters {
  const sections = new Map<string, [string, TaskParameter][]>();
  for (const [key, value] of entries) {
    const { section, name } = keyOf(key);
    const list = sections.get(section);
    if (list === undefined) sections.set(section, [[name, value]]);
    else list.push([name, value]);
  }
  return Object.fromEntries([...sections].map(([section, values]) => [section, Object.fromEntries(values)]));
}

interface Caller {
  readonly what: string;
  readonly at: SourceLocation | undefined;
}

/** Values of a program, checked at the door. */
export function encodeParameters(values: unknown, { what, at }: Caller): TaskParameters {
  const entries = entriesOf(values, `${what} takes an object of parameters: { 'General/lr': 0.1 }`, at);
  const empty = entries.find(([key]) => key === '' || key.startsWith('/') || key.endsWith('/'));
  if (empty !== undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'parameter-key',
      message: `${what}: "${empty[0]}" is no name of a parameter; names are SECTION/NAME`,
      at,
    });
  }
  return nestedParameters(entries.map(([key, value]) => [key, encodeJsonValue(value, key)] as const));
}

export function encodeConfigurations(values: unknown, { what, at }: Caller): TaskConfigurations {
  const entries = entriesOf(values, `${what} takes an object of configurations: { network: { … } }`, at);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, encodeJsonValue(value, `configuration ${name}`)]),
  );
}

function entriesOf(
  values: unknown,
  message: string,
  at: SourceLocation | undefined,
): readonly (readonly [string, unknown])[] {
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new RunPipelineError({ kind: 'usage', code: 'option-type', message, at });
  return Object.entries(values).filter(([, value]) => value !== undefined);
}
