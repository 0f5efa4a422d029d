import { nameStep, registry } from '@run-pipeline/core/define';
import type { Places } from './places.js';

/**
 * Names `step()`s that have neither a name nor a named function after the variable that keeps them:
 * read from the source at the place of the call, else by the name of the export.
 */
export function nameSteps(options: {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly places: Places;
  /** Steps that were there before. */
  readonly from: ReadonlySet<object>;
}): void {
  const { steps } = registry();
  for (const [callable, definition] of steps) {
    if (definition.name !== '' || options.from.has(callable)) continue;
    const name =
      (definition.source === undefined ? undefined : options.places.variableAt(definition.source)) ??
      Object.entries(options.exports).find(([key, value]) => value === callable && key !== 'default')?.[0];
    if (name !== undefined) nameStep(callable, name);
  }
}
