import { directory, file, fileMarker } from '../define/file-value.js';
import type { ParameterDefinition } from '../model/definition.js';
import { describe } from '../references/resolve.js';

/** A value of the parameter's type, or what was expected instead. */
export type Coerced =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly expected: string };

const accept = (value: unknown): Coerced => ({ ok: true, value });
const expect = (expected: string): Coerced => ({ ok: false, expected });

/**
 * From text of the command line. Booleans are `true` and `false`, numbers decimal, `json` anything that
 * JSON.parse takes, dates ISO 8601 (a day alone is UTC midnight, a time without a zone local, as in
 * JavaScript). A default that is a Map, a Set, a typed array or a bigint makes the same of the text.
 */
export function coerceText(text: string, definition: ParameterDefinition): Coerced {
  const { type } = definition;
  switch (type) {
    case 'string':
      return accept(text);
    case 'number':
      return DECIMAL.test(text) && Number.isFinite(Number(text))
        ? accept(Number(text))
        : expect('a number, for example 0.5');
    case 'integer':
      return INTEGER.test(text) && Number.isSafeInteger(Number(text))
        ? accept(Number(text))
        : expect('an integer, for example 3');
    case 'boolean':
      return text === 'true' || text === 'false' ? accept(text === 'true') : expect('`true` or `false`');
    case 'json':
      return coerceJson(text, definition.default);
    case 'date':
      return coerceDate(text);
    case 'file':
    case 'directory':
      return coercePath(text, type);
    default:
      return type satisfies never;
  }
}

/** From a program or a default: no conversion but of paths to `file()` and `directory()`. */
export function coerceValue(value: unknown, definition: ParameterDefinition): Coerced {
  const { type } = definition;
  // A default of null says that null is a value of the parameter.
  if (value === null && definition.default === null) return accept(value);
  switch (type) {
    case 'string':
      return typeof value === 'string' ? accept(value) : expect('a text');
    case 'number':
      return typeof value === 'number' && !Number.isNaN(value) ? accept(value) : expect('a number');
    case 'integer':
      return Number.isSafeInteger(value) ? accept(value) : expect('an integer');
    case 'boolean':
      return typeof value === 'boolean' ? accept(value) : expect('a boolean');
    case 'json': {
      if (typeof definition.default === 'bigint')
        return typeof value === 'bigint' ? accept(value) : expect('a bigint');
      const wanted = shapeOf(definition.default);
      return wanted === undefined || shapeOf(value) === wanted
        ? accept(value)
        : expect(SHAPES[wanted] ?? `a ${wanted}`);
    }
    case 'date':
      return tagOf(value) === 'Date' && !Number.isNaN((value as Date).getTime())
        ? accept(value)
        : expect('a valid Date');
    case 'file':
    case 'directory': {
      const marker = typeof value === 'object' ? fileMarker(value) : undefined;
      if (marker !== undefined)
        return marker.directory === (type === 'directory') ? accept(value) : expect(`${type}(path)`);
      return typeof value === 'string' ? coercePath(value, type) : expect(`a path, or ${type}(path)`);
    }
    default:
      return type satisfies never;
  }
}

/** How a value that did not fit is shown: text of the command line as it was given. */
export const shown = (value: unknown, textual: boolean): string =>
  textual && typeof value === 'string'
    ? `\`${value.length > 60 ? `${value.slice(0, 60)}…` : value}\``
    : describe(value);

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+$/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

function coercePath(path: string, type: 'file' | 'directory'): Coerced {
  if (path === '') return expect(`the path of a ${type}`);
  return accept(type === 'file' ? file(path) : directory(path));
}

function coerceDate(text: string): Coerced {
  const [, year, month, day] = ISO.exec(text) ?? [];
  const date = new Date(text);
  // JavaScript takes 2026-02-30 for March 2.
  const exists =
    new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  return year !== undefined && exists && !Number.isNaN(date.getTime())
    ? accept(date)
    : expect('a date, for example 2026-01-31 or 2026-01-31T12:00:00Z');
}

const SHAPES: Readonly<Record<string, string>> = { Array: 'an array', Object: 'an object' };

/** `Array`, `Object`, `Map`, `Float64Array`: shapes that a default promises; undefined for anything else. */
function shapeOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const tag = tagOf(value);
  return tag === 'Array' || tag === 'Object' || tag === 'Map' || tag === 'Set' || ArrayBuffer.isView(value)
    ? tag
    : undefined;
}

function coerceJson(text: string, fallback: unknown): Coerced {
  if (typeof fallback === 'bigint')
    return INTEGER.test(text) ? accept(BigInt(text.replace(/^\+/, ''))) : expect('an integer');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const example = Array.isArray(fallback) ? `'[1, 2]'` : `'{"key": 1}'`;
    return expect(`JSON, for example ${example} (${(error as Error).message})`);
  }
  if (value === null && fallback === null) return accept(value);
  const wanted = shapeOf(fallback);
  if (wanted === undefined) return accept(value);
  const got = shapeOf(value);
  if (got === wanted) return accept(value);
  switch (wanted) {
    case 'Array':
    case 'Object':
      return expect(SHAPES[wanted] ?? wanted);
    case 'Map':
      if (got === 'Object') return accept(new Map(Object.entries(value as object)));
      return isListOf(value, (item) => Array.isArray(item) && item.length === 2)
        ? accept(new Map(value as [unknown, unknown][]))
        : expect('JSON of a Map: an object, or an array of [key, value]');
    case 'Set':
      return Array.isArray(value) ? accept(new Set(value)) : expect('JSON of a Set: an array');
    default:
      return coerceTypedArray(value, fallback as object, wanted);
  }
}

function coerceTypedArray(value: unknown, fallback: object, wanted: string): Coerced {
  const big = wanted.startsWith('Big');
  const fits = isListOf(value, (item) => (big ? Number.isSafeInteger(item) : typeof item === 'number'));
  if (!fits || wanted === 'DataView') return expect(`JSON of a ${wanted}: an array of numbers`);
  const items = value as number[];
  const { from } = fallback.constructor as unknown as { from: (list: readonly unknown[]) => unknown };
  return accept(from.call(fallback.constructor, big ? items.map(BigInt) : items));
}

const isListOf = (value: unknown, test: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(test);
const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);
