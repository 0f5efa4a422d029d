import type { TaskEdit, TaskParameters } from './task.js';

/** Two edits, one after the other, as one. */
export function mergeEdits(first: TaskEdit, then: TaskEdit): TaskEdit {
  const { addTags: added, ...before } = first;
  const { addTags: more, ...after } = then;
  const addTags = after.tags === undefined ? [...(added ?? []), ...(more ?? [])] : [...(more ?? [])];
  return {
    ...before,
    ...after,
    ...(addTags.length === 0 ? {} : { addTags }),
    ...(then.parameters === undefined
      ? {}
      : { parameters: mergeParameters(first.parameters ?? {}, then.parameters) }),
    ...(then.configurations === undefined
      ? {}
      : { configurations: { ...first.configurations, ...then.configurations } }),
  };
}

/**
 * Section by section, name by name. Spreads and defined properties: a section named `__proto__` is data
 * like any other.
 */
export function mergeParameters(old: TaskParameters, edit: TaskParameters = {}): TaskParameters {
  const merged = { ...old };
  for (const [section, parameters] of Object.entries(edit)) {
    const before = Object.hasOwn(old, section) ? old[section] : undefined;
    Object.defineProperty(merged, section, {
      value: { ...before, ...parameters },
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return merged;
}
