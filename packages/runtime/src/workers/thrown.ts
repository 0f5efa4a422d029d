/**
 * A thrown error as it travels to the controller, where `retry.when` judges it. Structured clone keeps
 * neither the class's name nor own properties (`status`, `code`) of an error, so they go beside it.
 */
interface ThrownError {
  readonly kind: 'error';
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly properties: readonly (readonly [string, unknown])[];
  readonly cause: Thrown | undefined;
}
type Thrown = ThrownError | { readonly kind: 'value'; readonly value: unknown };

const DEEPEST_CAUSE = 8;
/** An own property larger than this stays behind. */
const LARGEST_TEXT = 64 * 1024;

/** As far as it can be cloned; never throws, whatever was thrown. */
export function portableThrown(thrown: unknown, depth = 0): Thrown | undefined {
  try {
    if (!(thrown instanceof Error)) {
      return { kind: 'value', value: clonable(thrown) ? thrown : undefined };
    }
    const properties: [string, unknown][] = [];
    for (const key of Object.keys(thrown)) {
      const value: unknown = Reflect.get(thrown, key);
      if (key !== 'stack' && key !== 'message' && key !== 'cause' && clonable(value))
        properties.push([key, value]);
    }
    return {
      kind: 'error',
      name: String(thrown.name),
      message: String(thrown.message).slice(0, LARGEST_TEXT),
      stack: typeof thrown.stack === 'string' ? thrown.stack.slice(0, LARGEST_TEXT) : undefined,
      properties,
      cause:
        thrown.cause === undefined || depth >= DEEPEST_CAUSE
          ? undefined
          : portableThrown(thrown.cause, depth + 1),
    };
  } catch {
    // A hostile getter: the error's record still tells what could be read.
    return undefined;
  }
}

function clonable(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    try {
      const text = JSON.stringify(structuredClone(value));
      return text === undefined || text.length <= LARGEST_TEXT;
    } catch {
      return false;
    }
  }
  if (typeof value === 'string') return value.length <= LARGEST_TEXT;
  return typeof value !== 'function' && typeof value !== 'symbol';
}

/** The other side: an `Error` with its name, its own properties and its causes. */
export function reviveThrown(portable: unknown): unknown {
  const thrown = portable as Thrown | undefined;
  if (thrown === undefined) return undefined;
  if (thrown.kind === 'value') return thrown.value;
  const error = new Error(thrown.message);
  define(error, 'name', thrown.name);
  define(error, 'stack', thrown.stack ?? `${thrown.name}: ${thrown.message}`);
  if (thrown.cause !== undefined) define(error, 'cause', reviveThrown(thrown.cause));
  for (const [key, value] of thrown.properties) {
    Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return error;
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}
