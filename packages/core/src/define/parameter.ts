import type { ParameterDefinition, ParameterType, StandardSchema } from '../model/definition.js';
import type { SourceLocation } from '../model/source.js';
import { type FileValue, fileMarker } from './file-value.js';
import { OptionReader } from './option-reader.js';

/** What a parameter may say about itself besides its name and its default. */
export interface ParameterOptions {
  /**
   * How a value given as text is understood. Default: as the default's type tells, else `string`.
   * `file` and `directory`: the value is a path, the step gets a `FileValue`.
   */
  readonly type?: ParameterType;
  readonly description?: string;
  /** A Standard Schema (zod, valibot, arktype …) that checks and converts the value; wins over `type`. */
  readonly schema?: StandardSchema;
  /** Default: a parameter without a default is required. */
  readonly required?: boolean;
}

export const PARAMETER_OPTIONS = ['type', 'description', 'schema', 'required'] as const;
const TYPES = ['string', 'number', 'integer', 'boolean', 'json', 'date', 'file', 'directory'] as const;

export function parameterDefinition(options: {
  readonly name: string;
  readonly reader: OptionReader;
  readonly default: unknown;
}): ParameterDefinition {
  const { name, reader } = options;
  const schema = reader.raw('schema');
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw reader.error(
      'option-type',
      'takes a Standard Schema as "schema" (zod 3.24+, valibot 1+, arktype 2+)',
    );
  }
  const type = reader.oneOf('type', TYPES);
  const required = reader.boolean('required');
  if (required === true && options.default !== undefined) {
    throw reader.error('required-with-default', 'is required and has a default: leave one of them out');
  }
  return Object.freeze({
    name,
    description: reader.string('description'),
    type: type ?? parameterTypeOf(options.default),
    schema,
    required: required ?? options.default === undefined,
    default: options.default,
    source: reader.at,
  });
}

function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return typeof standard === 'object' && standard !== null && typeof standard.validate === 'function';
}

/** As which type a text is understood where only a default tells. */
export function parameterTypeOf(value: unknown): ParameterType {
  const marker = fileMarker(value);
  if (marker !== undefined) return marker.directory ? 'directory' : 'file';
  if (value instanceof Date) return 'date';
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return typeof value as 'number' | 'boolean';
    case 'undefined':
    case 'string':
      return 'string';
    default:
      return 'json';
  }
}

const DECLARED = Symbol.for('run-pipeline.parameter');

/** A parameter of a pipeline function with more to say than its default. Typed as its value. */
export interface ParameterDeclaration<T> {
  readonly [DECLARED_TYPE]: T;
}
declare const DECLARED_TYPE: unique symbol;

interface Values {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  json: any;
  date: Date;
  file: FileValue;
  directory: FileValue;
}

/** What a step gets for a parameter of a type; of `json`, anything. */
export type ValueOfType<Type extends ParameterType> = Values[Type];

type SchemaOutput<Schema> = Schema extends {
  readonly '~standard': { readonly types?: { readonly output: infer Output } | undefined };
}
  ? Output
  : unknown;

/** The schema decides, then the type, then the default; without any of them it is text. */
type DeclaredValue<Options> = Options extends { readonly schema: infer Schema }
  ? SchemaOutput<Schema>
  : Options extends { readonly type: 'json'; readonly default: infer Default }
    ? Default
    : Options extends { readonly type: infer Type extends ParameterType }
      ? ValueOfType<Type>
      : Options extends { readonly default: infer Default }
        ? Default
        : string;

/**
 * Says more about a parameter of a pipeline function than its default does.
 *
 * @example
 * ```ts run="--param day=2026-01-31"
 * import { parameter, pipeline } from 'run-pipeline';
 *
 * export const report = pipeline(
 *   {
 *     name: 'report',
 *     parameters: {
 *       depths: [3, 5, 7], // a default is enough: its type is the parameter's
 *       data: parameter({ type: 'file', default: 'data/iris.csv', description: 'the CSV' }),
 *       day: parameter({ type: 'date' }), // no default: required
 *     },
 *   },
 *   async ({ depths, day }) => console.log(depths.length, day.toISOString()),
 * );
 * ```
 */
export function parameter<Options extends ParameterOptions & { readonly default?: unknown }>(
  options: Options,
): ParameterDeclaration<DeclaredValue<Options>> {
  return Object.freeze({ [DECLARED]: options }) as never;
}

/** The definition of one entry of `parameters: { … }`: a default, or what `parameter()` made. */
export function entryDefinition(options: {
  readonly what: string;
  readonly name: string;
  readonly entry: unknown;
  readonly at: SourceLocation | undefined;
}): ParameterDefinition {
  const { name, entry, at } = options;
  const declared = isDeclaration(entry) ? entry[DECLARED] : { default: entry };
  const reader = new OptionReader({
    what: `parameter "${name}" of ${options.what}`,
    values: declared,
    known: ['default', ...PARAMETER_OPTIONS],
    at,
  });
  return parameterDefinition({ name, reader, default: reader.raw('default') });
}

function isDeclaration(entry: unknown): entry is { readonly [DECLARED]: unknown } {
  return typeof entry === 'object' && entry !== null && DECLARED in entry;
}
