import { HANDLE } from '@run-pipeline/core/define';
import { types } from 'node:util';

/** What is wrong with an object that has no codec, and what to do: `is a Promise (is an await missing?)`. */
export function describeInstance(value: object): [what: string, help?: string] {
  if (types.isProxy(value)) {
    return isHandle(value)
      ? ['is the handle of a step', 'Await it for its value, or pass it to a step as an argument.']
      : ['is a Proxy', 'Return a copy of what it stands for, for example structuredClone of the original.'];
  }
  if (types.isPromise(value)) return ['is a Promise (is an await missing?)', 'Await it before returning it.'];
  if (types.isGeneratorObject(value))
    return ['is a generator, which can be read only once', 'Return [...generator].'];
  if (types.isBoxedPrimitive(value))
    return [`is a ${className(value)} object`, 'Return the primitive, without new.'];
  if (types.isNativeError(value)) {
    return [
      `is an error of the class ${className(value)}`,
      'Return a plain Error or its properties, or teach the class with registerCodec().',
    ];
  }
  if (Array.isArray(value))
    return [`is an array of the class ${className(value)}`, 'Copy it with Array.from().'];
  if (looksLikeArrow(value)) {
    return [
      'is an Arrow table without a codec',
      "Register it once in this file: registerCodec(arrowCodec(arrow)), with import * as arrow from 'apache-arrow'.",
    ];
  }
  const name = className(value);
  if (isBuiltIn(name)) {
    return [`is an instance of ${name} from another realm (node:vm)`, 'Return structuredClone(value).'];
  }
  return [`is an instance of ${name}`];
}

/** Those of this realm that can be kept never come here. */
const isBuiltIn = (name: string): boolean =>
  ['Object', 'Array', 'Map', 'Set', 'Date', 'RegExp', 'URL'].includes(name);

function className(value: object): string {
  try {
    const prototype = Object.getPrototypeOf(value) as object;
    const own = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as
      { readonly name?: unknown } | undefined;
    // Iterators and the like have no constructor, but a tag.
    const name: unknown =
      own?.name ?? (prototype as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
    return typeof name === 'string' && name !== '' ? name : 'an unnamed class';
  } catch {
    return 'an unnamed class'; // a getter of the user's threw
  }
}

/** Only the real handle answers for this symbol; any other Proxy may do what it likes, also throw. */
function isHandle(proxy: object): boolean {
  try {
    return HANDLE in proxy;
  } catch {
    return false;
  }
}

function looksLikeArrow(value: object): boolean {
  return (
    'schema' in value &&
    ('batches' in value || 'children' in value) &&
    'numRows' in value &&
    'numCols' in value
  );
}
