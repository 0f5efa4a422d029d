import { RunPipelineError } from '@run-pipeline/core/model';
import type { ArgumentBinding } from '@run-pipeline/core/model';
import type { ArgumentValues, InputValue } from './protocol.js';

/** Decodes one encoded input: a fresh, private value each time. */
export type DecodeInput = (input: InputValue & { readonly kind: 'encoded' }) => Promise<unknown>;

/** The arguments that the step's function is called with. */
export async function buildArguments(
  values: ArgumentValues,
  binding: ArgumentBinding,
  decode: DecodeInput,
): Promise<readonly unknown[]> {
  switch (values.kind) {
    case 'none':
      // Destructuring `undefined` would fail; no inputs is an empty object.
      return binding.kind === 'object' ? [{}] : [];
    case 'positional': {
      const list: unknown[] = [];
      for (const value of values.values) list.push(await buildInput(value, decode));
      return list;
    }
    case 'named': {
      const named = await buildEntries(values.values, decode);
      switch (binding.kind) {
        case 'by-name':
          return binding.parameters.map((name) => named.get(name));
        case 'object':
          return [objectOf(named)];
        case 'positional':
          return [...named.values()];
        default:
          return binding satisfies never;
      }
    }
    default:
      return values satisfies never;
  }
}

export async function buildInput(input: InputValue, decode: DecodeInput): Promise<unknown> {
  switch (input.kind) {
    case 'encoded':
      return valueAt(await decode(input), input.path ?? []);
    case 'undefined':
      return undefined;
    case 'list': {
      const list: unknown[] = [];
      for (const item of input.items) list.push(await buildInput(item, decode));
      return list;
    }
    case 'object':
      return objectOf(await buildEntries(input.entries, decode));
    default:
      return input satisfies never;
  }
}

async function buildEntries(
  entries: readonly (readonly [string, InputValue])[],
  decode: DecodeInput,
): Promise<Map<string, unknown>> {
  const built = new Map<string, unknown>();
  for (const [name, input] of entries) built.set(name, await buildInput(input, decode));
  return built;
}

/** Names are data: `__proto__` becomes a property like any other. */
function objectOf(entries: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

/** Follows a path into a value: own properties, elements, entries of a Map. */
function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  path.forEach((key, index) => {
    const found = member(at, key);
    if (found === undefined) {
      const before = index === 0 ? 'the value' : `\`${path.slice(0, index).join('.')}\``;
      throw new RunPipelineError({
        kind: 'run',
        code: 'missing-path',
        message: `the reference's path \`${path.join('.')}\` does not lead to a value: ${before} has no \`${key}\``,
      });
    }
    at = found.value;
  });
  return at;
}

function member(value: unknown, key: string): { readonly value: unknown } | undefined {
  if (value instanceof Map) return value.has(key) ? { value: value.get(key) } : undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return { value: (value as Record<string, unknown>)[key] };
}
