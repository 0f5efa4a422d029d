import type { DeclaredInputs } from '../model/definition.js';
import type { OptionReader } from './option-reader.js';

/** Inputs as an option gives them: a list is positional, a plain object named. */
export function declaredInputs(reader: OptionReader, key: string): DeclaredInputs {
  const inputs = reader.raw(key);
  if (inputs === undefined) return { kind: 'none' };
  if (Array.isArray(inputs))
    return { kind: 'positional', values: Object.freeze([...(inputs as readonly unknown[])]) };
  if (typeof inputs !== 'object' || inputs === null || !isPlain(inputs)) {
    throw reader.error('option-type', `takes a list or a plain object as "${key}"`);
  }
  return { kind: 'named', values: Object.freeze({ ...(inputs as Record<string, unknown>) }) };
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
