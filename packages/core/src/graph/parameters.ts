import type { ParameterDefinition, StandardResult, StandardSchema } from '../model/definition.js';
import { RunPipelineError, type Diagnostic } from '../model/errors.js';
import { suggestion } from '../references/suggest.js';
import { coerceText, coerceValue, shown } from './coerce.js';
import { diagnostic } from './diagnose.js';

export type ResolvedParameters =
  /** In order of declaration; every declared parameter is there. */
  | { readonly ok: true; readonly values: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * The values that a launch gives to the parameters: what was given, else the default. A Standard Schema
 * decides where there is one (also about the default), else the type. Every mistake is reported, not
 * the first alone.
 *
 * @param given By name. `undefined` counts as not given.
 * @param options.textual The values (or those of these names) are text of the command line and are to be
 *   read as the type says.
 */
export async function resolveParameters(
  definitions: readonly ParameterDefinition[],
  given: Readonly<Record<string, unknown>>,
  options: { readonly textual: boolean | readonly string[] },
): Promise<ResolvedParameters> {
  const diagnostics: Diagnostic[] = [];
  const names = definitions.map((definition) => definition.name);
  const known = new Set(names);
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue;
    diagnostics.push(
      diagnostic({
        code: 'unknown-parameter',
        message: `the pipeline has no parameter \`${name}\``,
        at: undefined,
        help: suggestion(name, names, 'parameter'),
      }),
    );
  }

  const values: Record<string, unknown> = {};
  for (const definition of definitions) {
    const value = Object.hasOwn(given, definition.name) ? given[definition.name] : undefined;
    const { textual } = options;
    const isText = typeof textual === 'boolean' ? textual : textual.includes(definition.name);
    const resolved = await resolveOne(definition, value, isText);
    if ('diagnostic' in resolved) diagnostics.push(resolved.diagnostic);
    // `__proto__` is a name like any other.
    else
      Object.defineProperty(values, definition.name, {
        value: resolved.value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return diagnostics.length === 0 ? { ok: true, values } : { ok: false, diagnostics };
}

/** `k=v` of `--param`. The value is everything after the first `=`, empty too. */
export function parseParameterFlag(flag: string): { readonly name: string; readonly value: string } {
  const at = flag.indexOf('=');
  if (at > 0) return { name: flag.slice(0, at), value: flag.slice(at + 1) };
  throw new RunPipelineError({
    kind: 'usage',
    code: 'invalid-parameter-flag',
    message: `--param takes NAME=VALUE, not \`${flag}\``,
    help: at < 0 && flag !== '' ? `for example --param ${flag}=1` : 'for example --param lr=0.01',
  });
}

type One = { readonly value: unknown } | { readonly diagnostic: Diagnostic };

async function resolveOne(definition: ParameterDefinition, given: unknown, textual: boolean): Promise<One> {
  const { schema, name } = definition;
  const isDefault = given === undefined;
  const value = isDefault ? definition.default : given;
  const asText = textual && !isDefault && typeof value === 'string';
  if (schema !== undefined) return resolveBySchema(definition, schema, { value, asText, isDefault });
  if (isDefault && definition.required) return { diagnostic: missing(definition) };
  // An optional parameter without a default is undefined.
  if (value === undefined) return { value };
  const coerced = asText ? coerceText(value, definition) : coerceValue(value, definition);
  if (coerced.ok) return { value: coerced.value };
  const subject = isDefault ? `the default of parameter \`${name}\`` : `parameter \`${name}\``;
  return {
    diagnostic: diagnostic({
      code: isDefault ? 'invalid-default' : 'invalid-parameter',
      message: `${subject} takes ${coerced.expected}, not ${shown(value, asText)}`,
      at: definition.source,
      help: definition.description,
    }),
  };
}

async function resolveBySchema(
  definition: ParameterDefinition,
  schema: StandardSchema,
  input: { readonly value: unknown; readonly asText: boolean; readonly isDefault: boolean },
): Promise<One> {
  const { value, asText, isDefault } = input;
  const refused: { readonly reading: Reading; readonly issues: string }[] = [];
  for (const reading of asText ? readings(value as string, definition) : [{ as: 'value', value } as const]) {
    const result = await validate(schema, reading.value);
    if (result.issues === undefined) return { value: result.value };
    refused.push({ reading, issues: issuesText(result.issues) });
  }
  // A schema may know a value for what is not given; if not, it is missing.
  if (isDefault && value === undefined) {
    return definition.required ? { diagnostic: missing(definition) } : { value };
  }
  const subject = isDefault
    ? `the default of parameter \`${definition.name}\``
    : `parameter \`${definition.name}\``;
  return {
    diagnostic: diagnostic({
      code: isDefault ? 'invalid-default' : 'invalid-parameter',
      message: `${subject}, ${shown(value, asText)}, does not fit: ${refusal(refused)}`,
      at: definition.source,
      help: definition.description,
    }),
  };
}

/** One way to understand a text. */
interface Reading {
  readonly as: string;
  readonly value: unknown;
}

/**
 * A schema does not tell what it wants, so text is tried as the declared type (or the default's), as
 * the text itself, as JSON, as a date; the first that fits is taken. Text before JSON: a `z.string()`
 * given `5` gets the text. The type before text: `z.coerce.boolean()` takes the text `false` for true.
 */
function readings(text: string, definition: ParameterDefinition): readonly Reading[] {
  const found: Reading[] = [];
  if (definition.type !== 'string' && definition.type !== 'json') {
    const typed = coerceText(text, definition);
    if (typed.ok) found.push({ as: definition.type, value: typed.value });
  }
  found.push({ as: 'text', value: text });
  for (const type of ['json', 'date'] as const) {
    const read = coerceText(text, { ...definition, type, default: undefined });
    if (read.ok) found.push({ as: type === 'json' ? 'JSON' : type, value: read.value });
  }
  return found;
}

/** What the schema said; to text that is an array or an object in JSON, only what it said to that. */
function refusal(refused: readonly { readonly reading: Reading; readonly issues: string }[]): string {
  const structured = refused.find(
    ({ reading }) => typeof reading.value === 'object' && reading.as === 'JSON',
  );
  if (structured !== undefined) return structured.issues;
  const different = new Map(refused.map(({ reading, issues }) => [issues, reading.as]));
  if (different.size === 1) return refused[0]?.issues ?? '';
  return [...different].map(([issues, as]) => `as ${as}: ${issues}`).join('; ');
}

async function validate(schema: StandardSchema, value: unknown): Promise<StandardResult> {
  try {
    return await schema['~standard'].validate(value);
  } catch (error) {
    return {
      issues: [
        {
          message: `the schema threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
        },
      ],
    };
  }
}

function issuesText(issues: Extract<StandardResult, { issues: readonly unknown[] }>['issues']): string {
  return issues
    .map(({ message, path = [] }) => {
      const place = path.map((part) =>
        String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part),
      );
      return place.length === 0 ? message : `${place.join('.')}: ${message}`;
    })
    .join('; ');
}

function missing(definition: ParameterDefinition): Diagnostic {
  return diagnostic({
    code: 'missing-parameter',
    message: `parameter \`${definition.name}\` has no default: a value is required`,
    at: definition.source,
    help: `give one: --param ${definition.name}=…${definition.description === undefined ? '' : ` (${definition.description})`}`,
  });
}
