import { RunPipelineError } from '../model/errors.js';
import { formatReference } from './parse.js';
import type { Reference } from './reference.js';
import { suggestion } from './suggest.js';

/**
 * Follows a path into a value: own properties of objects, indexes and `length` of arrays and typed
 * arrays, keys of a `Map` (the part as a string, else as the number it spells). Nothing inherited, so
 * `constructor` and `__proto__` are keys like any other. A part that is not there is an error
 * (`missing-part`) that names the first one; a part that is there may well be undefined.
 *
 * @param subject How messages name the whole: `$<load.rows.0.name>`.
 */
export function readPath(value: unknown, path: readonly string[], subject = 'the value'): unknown {
  let current = value;
  for (const [depth, part] of path.entries()) {
    const found = readPart(current, part);
    if (found === undefined) throw missingPart({ current, path, depth, subject });
    current = found.value;
  }
  return current;
}

function readPart(value: unknown, part: string): { readonly value: unknown } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isMap(value)) {
    if (value.has(part)) return { value: value.get(part) };
    const number = Number(part);
    return String(number) === part && value.has(number) ? { value: value.get(number) } : undefined;
  }
  if (part === 'length' && ArrayBuffer.isView(value)) return { value: (value as Uint8Array).length };
  return Object.hasOwn(value, part) ? { value: (value as Record<string, unknown>)[part] } : undefined;
}

/**
 * Text with references in it: primitives as JavaScript writes them, dates as ISO text. Anything else,
 * also `undefined` and an invalid date, is an error (`not-text`) that names the reference.
 */
export function interpolate(
  parts: readonly (string | Reference)[],
  valueOf: (reference: Reference) => unknown,
): string {
  return parts.map((part) => (typeof part === 'string' ? part : toText(valueOf(part), part))).join('');
}

function toText(value: unknown, reference: Reference): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    default:
      if (value === null) return 'null';
      if (isDate(value) && !Number.isNaN(value.getTime())) return value.toISOString();
  }
  throw new RunPipelineError({
    kind: 'run',
    code: 'not-text',
    message: `\`${formatReference(reference)}\` stands inside text, but it is ${describe(value)}`,
    help: 'only text, numbers, booleans, null and dates can be put into text; make the reference the whole input, or add a path to one of its parts',
  });
}

function missingPart(options: {
  readonly current: unknown;
  readonly path: readonly string[];
  readonly depth: number;
  readonly subject: string;
}): RunPipelineError {
  const { current, path, depth, subject } = options;
  const part = path[depth] ?? '';
  const before = path.slice(0, depth).join('.');
  const where = before === '' ? '' : ` at \`${before}\``;
  return new RunPipelineError({
    kind: 'run',
    code: 'missing-part',
    message: `${subject}: there is no \`${part}\`${where}, which is ${describe(current)}`,
    help: suggestion(part, keysOf(current), 'key'),
  });
}

/** Enough of them for a suggestion; a large value is not walked to the end. */
function keysOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return [];
  const keys: string[] = [];
  for (const key of isMap(value) ? value.keys() : Object.keys(value)) {
    if (keys.length === 1_000) break;
    if (typeof key === 'string') keys.push(key);
  }
  return keys;
}

/** `an array of 3`, `a Map`, `undefined`: what a value is, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string')
    return value.length > 40 ? 'a long text' : `the text ${JSON.stringify(value)}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${String(value)}`;
  if (typeof value === 'boolean') return `the boolean ${String(value)}`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isDate(value)) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date';
  const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)
    ?.constructor?.name;
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

// Values may come from another realm (a user's file evaluated apart): no `instanceof`.
const isA = (value: unknown, tag: string, method: string): boolean =>
  Object.prototype.toString.call(value) === `[object ${tag}]` &&
  typeof (value as Record<string, unknown>)[method] === 'function';
const isMap = (value: unknown): value is Map<unknown, unknown> => isA(value, 'Map', 'has');
const isDate = (value: unknown): value is Date => isA(value, 'Date', 'getTime');
