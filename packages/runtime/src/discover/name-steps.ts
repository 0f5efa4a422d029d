import { nameStep, registry } from '@run-pipeline/core/define';
import type { SourceLocation } from '@run-pipeline/core/model';
import type { MapToSource } from './discovery.js';
import { mapStep } from './map-definition.js';

/** What is needed to know of places: the loader keeps it on disk, a program asks anew. */
export interface KnownPlaces {
  readonly toSource: MapToSource;
  /** The variable that the call at a raw place is assigned to. */
  variableAt(place: SourceLocation): string | undefined;
}

/**
 * Completes the declarations of `step()`, which know neither their variable nor their source: gives
 * those without a name of their own that of the variable that keeps them (read from the source at the
 * place of the call, else from the export), and maps their places. Each step once: mapped places must
 * not be mapped again.
 */
export class StepCompletion {
  readonly #places: KnownPlaces;
  readonly #done = new Set<object>();

  /** Steps that are declared already are somebody else's when `from` is `now`. */
  constructor(places: KnownPlaces, from: 'now' | 'all') {
    this.#places = places;
    if (from === 'now') for (const callable of registry().steps.keys()) this.#done.add(callable);
  }

  complete(exports: Readonly<Record<string, unknown>> = {}): void {
    const { steps } = registry();
    for (const [callable, definition] of steps) {
      if (!this.#done.has(callable)) {
        this.#done.add(callable);
        if (definition.name === '' && definition.source !== undefined) {
          const variable = this.#places.variableAt(definition.source);
          if (variable !== undefined) nameStep(callable, variable);
        }
        const place = (at: SourceLocation | undefined) =>
          at === undefined ? undefined : this.#places.toSource(at);
        steps.set(callable, Object.freeze(mapStep(steps.get(callable) ?? definition, place, undefined)));
      }
      // An export may be set only later, when the file has come that far.
      const exported = Object.entries(exports).find(
        ([key, value]) => value === callable && key !== 'default',
      );
      if (exported !== undefined) nameStep(callable, exported[0]);
    }
  }
}
