import type { SourceLocation } from '../model/source.js';
import { declarationError } from './option-reader.js';

/**
 * What a decorator was applied to, whichever of the two decorator standards the compiler lowered to.
 * Legacy (`experimentalDecorators`): `(class)` for a class, `(prototype | class, key, descriptor?)` for a
 * member, `(…, index)` for a parameter. Standard: `(value, context)` with `context.kind`.
 */
export type Position =
  | { readonly kind: 'class'; readonly owner: ClassValue }
  | {
      readonly kind: 'method' | 'field' | 'accessor';
      readonly name: string;
      /** Of a method. */
      readonly method: object | undefined;
      /** Legacy decorators alone see it. */
      readonly prototype: object | undefined;
      /** Standard decorators alone: runs for each instance, with it as `this`. */
      readonly onInstance: ((notice: (instance: object) => void) => void) | undefined;
    };

export type ClassValue = abstract new (...args: never[]) => object;

interface StandardContext {
  readonly kind: string;
  readonly name: string | symbol | undefined;
  readonly static?: boolean;
  readonly private?: boolean;
  addInitializer?(initializer: (this: unknown) => void): void;
}

const isStandardContext = (value: unknown): value is StandardContext =>
  typeof value === 'object' && value !== null && typeof (value as { kind?: unknown }).kind === 'string';

/** `decorator` is the name for messages: `@Step`. */
export function decoratedPosition(
  decorator: string,
  args: readonly unknown[],
  at: SourceLocation | undefined,
): Position {
  const [first, second] = args;
  const refuse = (problem: string, help?: string) =>
    declarationError({ code: 'decorator-place', message: `${decorator} ${problem}`, at, help });
  if (isStandardContext(second)) return standardPosition(first, second, refuse);
  if (args.length === 1 || second === undefined) {
    if (typeof first === 'function') return { kind: 'class', owner: first as ClassValue };
    throw refuse('was applied to something that is neither a class nor a member of one');
  }
  return legacyPosition(args, refuse);
}

type Refuse = (problem: string, help?: string) => Error;

function standardPosition(value: unknown, context: StandardContext, refuse: Refuse): Position {
  if (context.kind === 'class') return { kind: 'class', owner: value as ClassValue };
  const { name } = context;
  if (context.private === true) throw refuse(`stands on the private member ${String(name)}: make it public`);
  if (context.static === true)
    throw refuse(`stands on the static member ${String(name)}: make it an instance member`);
  if (typeof name !== 'string') throw refuse(`stands on a member without a text name, ${String(name)}`);
  return {
    kind: context.kind === 'method' || context.kind === 'field' ? context.kind : 'accessor',
    name,
    method: context.kind === 'method' ? (value as object) : undefined,
    prototype: undefined,
    onInstance: (notice) =>
      context.addInitializer?.(function (this: unknown) {
        notice(this as object);
      }),
  };
}

function legacyPosition(args: readonly unknown[], refuse: Refuse): Position {
  const [target, key, third] = args;
  if (typeof third === 'number') throw refuse(`stands on a parameter of ${String(key ?? 'the constructor')}`);
  if (typeof target === 'function')
    throw refuse(`stands on the static member ${String(key)}: make it an instance member`);
  if (typeof key !== 'string') throw refuse(`stands on a member without a text name, ${String(key)}`);
  if (typeof target !== 'object' || target === null)
    throw refuse(`was called with something that is not a class`);
  const descriptor =
    typeof third === 'object' && third !== null
      ? (third as PropertyDescriptor)
      : Object.getOwnPropertyDescriptor(target, key);
  const method: unknown = descriptor?.value;
  const isAccessor = descriptor?.get !== undefined || descriptor?.set !== undefined;
  const kind = isAccessor ? 'accessor' : typeof method === 'function' ? 'method' : 'field';
  return {
    kind,
    name: key,
    method: kind === 'method' ? (method as object) : undefined,
    prototype: target,
    onInstance: undefined,
  };
}
