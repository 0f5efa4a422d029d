import { inspect, types } from 'node:util';

/**
 * The fast path: whether JSON.stringify and JSON.parse give the value back exactly. It says no to
 * whatever it is not sure of; the general writer then keeps it or says what is wrong.
 */
export function isPlainJson(value: unknown): boolean {
  return isPlain(value, new Set());
}

function isPlain(value: unknown, seen: Set<object>): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      if (value === null) return true;
      if (types.isProxy(value) || isKnown(value, seen)) return false;
      return Array.isArray(value) ? isPlainArray(value, seen) : isPlainObject(value, seen);
    default:
      return false;
  }
}

function isPlainArray(value: readonly unknown[], seen: Set<object>): boolean {
  if (Object.getPrototypeOf(value) !== Array.prototype || hasExtraProperties(value)) return false;
  // A hole reads as undefined, which is not plain.
  for (let index = 0; index < value.length; index++) if (!isPlain(value[index], seen)) return false;
  return true;
}

function isPlainObject(value: object, seen: Set<object>): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  const keys = Object.keys(value);
  if (Object.getOwnPropertyNames(value).length !== keys.length) return false; // non-enumerable ones
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  // A getter counts as the value it gives: looking for one in every property would double the cost.
  for (const key of keys) if (!isPlain((value as Record<string, unknown>)[key], seen)) return false;
  return true;
}

/** A repeated reference would come back as two objects, a cycle not at all. */
function isKnown(value: object, seen: Set<object>): boolean {
  const { size } = seen;
  return seen.add(value).size === size; // one look-up instead of two
}

/** How `inspect` shows an array that has nothing but its elements. */
const ONLY_ELEMENTS = /^\[ \.\.\. \d+ more items?, \[length\]: \d+ \]$/;
const SMALL = 64;

/**
 * Whether an array has properties beside its elements, as the result of `text.match(…)` has. Listing
 * the keys of an array of a million numbers takes longer than writing it; `inspect` looks at the
 * others alone. Should it ever print differently, the keys are listed.
 */
export function hasExtraProperties(value: readonly unknown[]): boolean {
  if (value.length > SMALL) {
    const shown = inspect(value, {
      maxArrayLength: 0,
      showHidden: true,
      customInspect: false,
      breakLength: Infinity,
    });
    if (ONLY_ELEMENTS.test(shown)) return false;
  }
  // Own keys are ordered: indices, then strings as they were made (`length` first), then symbols.
  return Reflect.ownKeys(value).at(-1) !== 'length';
}

const BUILT_INS = [Object, Array, String, Number, Boolean];

/** The built-in prototype that somebody gave a `toJSON`: JSON means something else then. */
export function patchedJson(): string | undefined {
  return BUILT_INS.find((builtIn) => 'toJSON' in (builtIn.prototype as object))?.name;
}
