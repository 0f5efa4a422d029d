import { RunPipelineError } from '@run-pipeline/core/model';

/** The name of the artifact of a step that declares no returns. */
export const RESULT = 'result';

/**
 * The artifacts that a returned value makes. Undeclared: one artifact `result`, unless the value is
 * undefined. `[]`: nothing. One name: the whole value. Several: the keys of the returned object, or a
 * tuple of that length; what else it holds is not stored. A declared name must come out defined.
 */
export function namedReturns(
  value: unknown,
  returns: readonly string[] | undefined,
): readonly (readonly [name: string, value: unknown])[] {
  if (returns === undefined) return value === undefined ? [] : [[RESULT, value]];
  const [only] = returns;
  if (only === undefined) return [];
  if (returns.length === 1) {
    if (value === undefined) throw missing([only], 'the step returned undefined');
    return [[only, value]];
  }
  const named = returns.map((name, index) => [name, valueOf(value, name, index, returns)] as const);
  const absent = named.filter(([, item]) => item === undefined).map(([name]) => name);
  if (absent.length > 0) throw missing(absent, `the step returned ${shapeOf(value, returns.length)}`);
  return named;
}

function valueOf(value: unknown, name: string, index: number, returns: readonly string[]): unknown {
  if (Array.isArray(value)) return value.length === returns.length ? value[index] : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  // An instance may have getters on its class, but `constructor` of a plain object is nobody's return.
  if (!Object.hasOwn(value, name) && name in Object.prototype) return undefined;
  return (value as Record<string, unknown>)[name];
}

function missing(names: readonly string[], found: string): RunPipelineError {
  const list = names.map((name) => `\`${name}\``).join(', ');
  return new RunPipelineError({
    kind: 'artifact',
    code: 'missing-return',
    message: `the declared return${names.length > 1 ? 's' : ''} ${list} came out undefined: ${found}`,
    help: `return a value for ${list}, null if there is none, or take the name out of \`returns\``,
  });
}

function shapeOf(value: unknown, declared: number): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length} (${declared} returns are declared)`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  const keys = Object.keys(value);
  const shown = keys.slice(0, 8).map((key) => `\`${key}\``);
  return keys.length === 0
    ? 'an object without keys'
    : `an object with ${shown.join(', ')}${keys.length > 8 ? ', …' : ''}`;
}
