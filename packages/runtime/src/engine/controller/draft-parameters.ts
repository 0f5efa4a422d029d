import { isAbsolute, resolve } from 'node:path';
import { fileMarker } from '@run-pipeline/core/define';
import { resolveParameters } from '@run-pipeline/core/graph';
import {
  definitionError,
  didYouMean,
  RunPipelineError,
  type EncodedValue,
  type ParameterDefinition,
  type PipelineDefinition,
  type TaskParameters,
  type TaskRecord,
} from '@run-pipeline/core/model';
import { decodeJsonValue, encodeJsonValue } from '../../artifacts/index.js';
import type { RunRequest } from '../api.js';
import { PARAMETER_SECTION } from './draft.js';
import type { Parameters } from '../launch/parameters.js';
import type { DeclaredParameter, DeclaredPipeline } from '../launch/run-documents.js';

/** Characters of JSON: what is only shown, or only helps to check, need not be longer. */
const LONGEST = 64 * 1024;

/** What a definition says of its parameters, as it is kept with a launch. */
export const declaredPipeline = (definition: PipelineDefinition): DeclaredPipeline => ({
  version: definition.version,
  parameters: definition.parameters.map(
    ({ name, type, required, description, schema, default: value }): DeclaredParameter => ({
      name,
      type,
      required,
      description,
      schema: schema !== undefined,
      default: value === undefined ? undefined : shortJson(plainValue(value, undefined), name),
    }),
  ),
});

/** The values of a run for its record. What JSON cannot keep, or is long, is left out: the run has it. */
export function recordedParameters(parameters: Parameters): {
  readonly values: TaskParameters[string];
  /** Nothing was left out: a clone of the record is launched with the same. */
  readonly complete: boolean;
} {
  const values: [string, EncodedValue][] = [];
  let complete = true;
  for (const [name, { value, file }] of parameters) {
    if (value === undefined) continue;
    const encoded = shortJson(file?.path ?? value, name);
    if (encoded === undefined) complete = false;
    else values.push([name, encoded]);
  }
  return { values: Object.fromEntries(values), complete };
}

/**
 * Values for the parameters of a draft, as its record keeps them; checked against what is declared, except that
 * a required one may still be missing.
 *
 * @param options.definitions Of the live pipeline, with their schemas; or `definitionsOf` what was kept.
 * @throws RunPipelineError for an unknown parameter, a value that it cannot be, one that JSON cannot keep.
 */
export async function draftValues(options: {
  readonly definitions: readonly ParameterDefinition[];
  readonly values: Readonly<Record<string, unknown>>;
  /** Relative paths of file parameters resolve from here. */
  readonly cwd: string;
}): Promise<TaskParameters[string]> {
  const { definitions, values, cwd } = options;
  const given = definitions.filter(({ name }) => Object.hasOwn(values, name) && values[name] !== undefined);
  // All findings at once: unknown names are told beside wrong values.
  const unknown = Object.keys(values).filter((name) => !definitions.some((known) => known.name === name));
  const checked = await resolveParameters(
    given,
    Object.fromEntries(given.map(({ name }) => [name, values[name]])),
    { textual: false },
  );
  const diagnostics = [
    ...unknown.map((name) => unknownParameter(name, definitions)),
    ...(checked.ok ? [] : checked.diagnostics),
  ];
  if (diagnostics.length > 0) throw definitionError(diagnostics);
  return Object.fromEntries(
    given.map(({ name }) => [
      name,
      encodeJsonValue(plainValue(values[name], { name, definitions, cwd }), name),
    ]),
  );
}

const unknownParameter = (name: string, definitions: readonly ParameterDefinition[]) => {
  const names = definitions.map((definition) => definition.name);
  return {
    code: 'unknown-parameter',
    severity: 'error',
    message: `the pipeline has no parameter \`${name}\`${didYouMean(name, names)}`,
    help: names.length === 0 ? 'It has none at all.' : `Its parameters: ${names.join(', ')}`,
  } as const;
};

/** The defaults that JSON can keep: so that people see what there is to edit. */
export function draftDefaults(declared: DeclaredPipeline): TaskParameters[string] {
  return Object.fromEntries(
    declared.parameters.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Files by their absolute path: a record outlives the directory that it was made from. */
function plainValue(
  value: unknown,
  place:
    | {
        readonly name: string;
        readonly definitions: readonly ParameterDefinition[];
        readonly cwd: string;
      }
    | undefined,
): unknown {
  const marker = typeof value === 'object' && value !== null ? fileMarker(value) : undefined;
  if (place === undefined) return marker?.path ?? value;
  const type = place.definitions.find(({ name }) => name === place.name)?.type;
  if (type !== 'file' && type !== 'directory') return value;
  const path = marker?.path ?? value;
  return typeof path !== 'string' || isAbsolute(path) ? path : resolve(place.cwd, path);
}

/** What was kept of definitions, to check values with. */
export const definitionsOf = (declared: DeclaredPipeline): readonly ParameterDefinition[] =>
  declared.parameters.map(({ name, type, required, description, schema, default: value }) => ({
    name,
    // What a schema takes only its code can tell; it does when the pipeline starts.
    type: schema ? 'json' : type,
    required,
    description,
    schema: undefined,
    default: schema || value === undefined ? undefined : decodeJsonValue(value),
    source: undefined,
  }));

/** As the record of a draft has them; what it does not have is left to the defaults. */
export function givenParameters(record: Pick<TaskRecord, 'parameters'>): RunRequest['parameters'] {
  const section = Object.hasOwn(record.parameters, PARAMETER_SECTION)
    ? Object.entries(record.parameters[PARAMETER_SECTION]!)
    : [];
  return {
    values: Object.fromEntries(section.map(([name, value]) => [name, decodeJsonValue(value)])),
    textual: section.filter(([, { text }]) => text === true).map(([name]) => name),
  };
}

/** @throws RunPipelineError when a draft cannot be started yet. */
export function requireParameters(record: TaskRecord, declared: DeclaredPipeline): void {
  const { values } = givenParameters(record);
  const missing = declared.parameters.filter(
    ({ name, required, schema }) => required && !schema && !Object.hasOwn(values, name),
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => `\`${name}\``).join(', ');
  throw new RunPipelineError({
    kind: 'usage',
    code: 'missing-parameter',
    message: `the pipeline ${record.name} (task ${record.id}) has no value for ${names}`,
    help: `await draft.setParameter('${missing[0]!.name}', …) first.`,
  });
}

function shortJson(value: unknown, name: string): EncodedValue | undefined {
  try {
    const encoded = encodeJsonValue(value, name);
    return JSON.stringify(encoded).length > LONGEST ? undefined : encoded;
  } catch {
    return undefined;
  }
}
