import { RunPipelineError } from '../model/errors.js';
import { HANDLE, type HandleTarget, type IssuedNode } from './issue.js';

/**
 * What calling a step inside a pipeline function gives: a promise of its value, and, for each
 * declared return name, a handle on that return. Passing a handle on makes an edge of the graph;
 * nothing is downloaded. It has no other property, and never turns into text: `await` it for the value.
 *
 * @typeParam T What awaiting it gives.
 * @typeParam Returns The declared return names, as a list or a union.
 * @example
 * ```ts
 * import { type Handle, pipeline, step } from 'run-pipeline';
 *
 * const split = step({ returns: ['train', 'test'] }, (rows: number[]) => ({ train: rows, test: rows }));
 * const sum = step((rows: number[]) => rows.length);
 *
 * export const total = pipeline({ name: 'total' }, async () => {
 *   const parts = split([1, 2, 3]);
 *   const train: Handle<number[]> = parts.train;
 *   return (await sum(train)) + (await parts.test).length;
 * });
 * ```
 */
export type Handle<T, Returns extends string | readonly string[] = readonly []> = AnyHandle<T> &
  ([Returns] extends [readonly string[]] ? ListedReturns<T, Returns> : NamedReturns<T, Returns & string>);

/** A handle, whatever its returns are called. */
export interface AnyHandle<T> extends PromiseLike<T> {
  readonly [HANDLE]: HandleTarget;
}

/** One name is the whole value, several are keys of the object, or the places of a tuple. */
type ListedReturns<T, Returns extends readonly string[]> = Returns extends readonly [
  infer Only extends string,
]
  ? { readonly [Name in Only]: Handle<T> }
  : T extends readonly unknown[]
    ? {
        readonly [Place in keyof Returns & `${number}` as Returns[Place] & string]: Handle<
          Place extends keyof T ? T[Place] : unknown
        >;
      }
    : NamedReturns<T, Returns[number]>;

type NamedReturns<T, Names extends string> = {
  readonly [Name in Names]: Handle<Name extends keyof T ? T[Name] : T>;
};

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** The target behind a handle, or undefined for any other value. */
export function handleTarget(value: unknown): HandleTarget | undefined {
  return typeof value === 'object' && value !== null && HANDLE in value
    ? (value as { readonly [HANDLE]: HandleTarget })[HANDLE]
    : undefined;
}

/** The handle on an issued node. `names` are its declared returns. */
export function makeHandle(node: IssuedNode, names: readonly string[] | undefined): Handle<unknown, string> {
  return handleOn({ node, returnName: undefined }, names ?? []);
}

function handleOn(target: HandleTarget, names: readonly string[]): Handle<unknown, string> {
  const text = `Handle<${describe(target)}>`;
  // Node's inspector looks at the target and not through the traps: it must find a way to show it there.
  const shown = { [INSPECT]: () => text, [Symbol.toStringTag]: 'Handle', [HANDLE]: target };
  const returns = new Map<string, unknown>();
  const refuse = (attempt: string, help: string): never => {
    throw new RunPipelineError({
      kind: 'definition',
      code: 'handle-use',
      message: `${describe(target)} is a step's value that is not here yet: ${attempt}`,
      help,
    });
  };
  const AWAIT = `Write (await ${describe(target)}), or pass the handle to a step that does it.`;
  return new Proxy(shown, {
    get(_shown, key) {
      if (key === 'then') return then;
      if (typeof key === 'string') {
        if (names.includes(key)) {
          if (!returns.has(key)) returns.set(key, handleOn({ node: target.node, returnName: key }, []));
          return returns.get(key);
        }
        if (key === 'toJSON') return refuse('it cannot be written as JSON', AWAIT);
        return refuse(
          `it has no property "${key}"`,
          names.length === 0
            ? AWAIT
            : `Its returns are ${names.join(', ')}. For anything inside a value: ${AWAIT}`,
        );
      }
      switch (key) {
        case Symbol.toPrimitive:
          return refuse('it cannot be text or a number', AWAIT);
        case Symbol.iterator:
        case Symbol.asyncIterator:
          return refuse('it cannot be iterated', AWAIT);
        default:
          return Reflect.get(shown, key) as unknown;
      }
    },
    has: (_shown, key) => (typeof key === 'symbol' ? key in shown : key === 'then' || names.includes(key)),
    ownKeys: () => refuse('its keys cannot be listed or spread', AWAIT),
    set: () => refuse('it cannot be changed', AWAIT),
    defineProperty: () => refuse('it cannot be changed', AWAIT),
    deleteProperty: () => refuse('it cannot be changed', AWAIT),
  }) as unknown as Handle<unknown, string>;

  function then(
    onValue?: (value: unknown) => unknown,
    onError?: (error: unknown) => unknown,
  ): Promise<unknown> {
    return target.node.value(target.returnName).then(onValue, onError);
  }
}

const describe = (target: HandleTarget): string =>
  target.returnName === undefined ? target.node.name : `${target.node.name}.${target.returnName}`;
