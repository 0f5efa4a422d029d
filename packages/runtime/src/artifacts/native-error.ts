const CLASSES = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
];
const NAME_BY_PROTOTYPE: ReadonlyMap<unknown, string> = new Map(
  CLASSES.map((item) => [item.prototype, item.name]),
);
const PROTOTYPE_BY_NAME: ReadonlyMap<string, object> = new Map(
  CLASSES.map((item) => [item.name, item.prototype]),
);

/** `TypeError` and the like; undefined for instances of a user's own error class. */
export function nativeErrorName(error: object): string | undefined {
  return NAME_BY_PROTOTYPE.get(Object.getPrototypeOf(error));
}

/** A built-in error without a stack of its own (that of the reader would mislead); undefined for unknown names. */
export function makeNativeError(name: string, message: string): Error | undefined {
  const prototype = PROTOTYPE_BY_NAME.get(name);
  if (prototype === undefined) return undefined;
  const error = new Error(message);
  if (prototype !== Error.prototype) Object.setPrototypeOf(error, prototype);
  Object.defineProperty(error, 'stack', {
    value: message === '' ? name : `${name}: ${message}`,
    writable: true,
    configurable: true,
  });
  return error;
}
