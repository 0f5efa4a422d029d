import { parameterTypeOf } from '@run-pipeline/core/define';
import { coerceText, coerceValue, shown, type Coerced } from '@run-pipeline/core/graph';
import {
  RunPipelineError,
  type ParameterDefinition,
  type SourceLocation,
  type TaskParameter,
} from '@run-pipeline/core/model';
import { decodeJsonValue, encodeJsonValue } from '../artifacts/index.js';

type Section = Readonly<Record<string, TaskParameter>>;

/**
 * Puts what was set from outside into an object of defaults, in place, each value as the type of its
 * default; gives what is to be recorded. Plain objects inside are taken apart: `optimizer/lr`.
 *
 * @throws RunPipelineError that names every parameter that does not fit; the object is unchanged then
 */
export function connectValues(options: {
  readonly target: object;
  readonly section: string;
  readonly given: Section;
  readonly at: SourceLocation | undefined;
}): Section {
  const { target, section, given, at } = options;
  const problems: string[] = [];
  const recorded = new Map<string, TaskParameter>();
  const assignments: (() => void)[] = [];
  const seen = new Set<object>();

  const visit = (holder: object, prefix: string): void => {
    if (seen.has(holder)) throw problemOf(at, [`${section}/${prefix.slice(0, -1)} holds itself`]);
    seen.add(holder);
    for (const [key, value] of Object.entries(holder)) {
      const name = prefix + key;
      const label = `${section}/${name}`;
      if (recorded.has(name))
        problems.push(`${label} is there twice: as a name with a slash, and as an object`);
      const outside = Object.hasOwn(given, name) ? given[name] : undefined;
      if (outside === undefined) {
        if (isPlainObject(value) && Object.keys(value).length > 0) visit(value, `${name}/`);
        else recorded.set(name, encodeJsonValue(value, label));
        continue;
      }
      const fitted = fit(outside, value);
      if (!fitted.ok) {
        problems.push(`parameter ${label} takes ${fitted.expected}, not ${fitted.got}`);
        continue;
      }
      if (!isWritable(holder, key)) {
        problems.push(`parameter ${label} was set from outside, but the object does not let it be changed`);
        continue;
      }
      recorded.set(name, encodeJsonValue(fitted.value, label));
      assignments.push(() => assign(holder, key, fitted.value));
    }
    seen.delete(holder);
  };
  visit(target, '');
  if (problems.length > 0) throw problemOf(at, problems);
  for (const put of assignments) put();
  // Names may be `__proto__`: defined, not assigned.
  return Object.fromEntries(recorded);
}

type Fitted =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly expected: string; readonly got: string };

/** A value from outside as the type of the default that it replaces. */
function fit(outside: TaskParameter, fallback: unknown): Fitted {
  const value = decodeJsonValue(outside);
  const textual = outside.text === true;
  const coerced = coerce(value, { fallback, textual });
  return coerced.ok ? coerced : { ...coerced, got: shown(value, typeof value === 'string') };
}

function coerce(
  value: unknown,
  { fallback, textual }: { readonly fallback: unknown; readonly textual: boolean },
): Coerced {
  // A default that has no type takes what comes; text may be any JSON then.
  if (fallback === undefined || fallback === null)
    return { ok: true, value: textual ? jsonOrText(String(value)) : value };
  const definition: ParameterDefinition = {
    name: '',
    description: undefined,
    type: parameterTypeOf(fallback),
    schema: undefined,
    required: false,
    default: fallback,
    source: undefined,
  };
  if (typeof value === 'string' && definition.type !== 'string') return coerceText(value, definition);
  const isPrimitive = typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
  if (definition.type === 'string' && isPrimitive) return { ok: true, value: String(value) };
  return coerceValue(value, definition);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function isWritable(holder: object, key: string): boolean {
  const own = Object.getOwnPropertyDescriptor(holder, key);
  return own?.writable === true || own?.set !== undefined;
}

/** A key `__proto__` is an own property here, which an assignment would not reach. */
function assign(holder: object, key: string, value: unknown): void {
  const own = Object.getOwnPropertyDescriptor(holder, key)!;
  if ('value' in own) Object.defineProperty(holder, key, { ...own, value });
  else Reflect.set(holder, key, value);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const problemOf = (at: SourceLocation | undefined, problems: readonly string[]): RunPipelineError =>
  new RunPipelineError({
    kind: 'usage',
    code: 'invalid-parameter',
    message: problems.join('\n'),
    at,
    help: 'text is understood as the type of the default in the code',
  });
