import type { SourceLocation } from '@run-pipeline/core/model';
import type { MapToSource } from './discovery.js';
import type { KnownPlaces } from './name-steps.js';
import { SourceTexts } from './source-texts.js';
import { toPath } from '../source/user-stack.js';
import { variableOf } from './variable-name.js';

/** Places of calls (`step(…)`, `@Step(…)`, `new PipelineController(…)`), each looked up when asked for. */
export class CallPlaces implements KnownPlaces {
  readonly #map: MapToSource;
  readonly #texts: SourceTexts;

  constructor(map: MapToSource) {
    this.#map = map;
    this.#texts = new SourceTexts(map.textOf);
  }

  /**
   * The callee's name in the source. V8 tells the place of `(0, x.step)(…)`, which tsc and esbuild emit
   * for CommonJS, at its parenthesis, which maps to behind the name.
   */
  readonly toSource: MapToSource = (place) => {
    const mapped = this.#map(place);
    const name = /[A-Za-z_$][\w$]*$/.exec(this.#texts.before(mapped).slice(-100))?.[0];
    const isBehindName = name !== undefined && /^\s*[(<]/.test(this.#texts.after(mapped));
    return isBehindName ? { ...mapped, column: mapped.column - name.length } : mapped;
  };

  variableAt(place: SourceLocation): string | undefined {
    return this.variableInSource(this.toSource(place));
  }

  /** The same for a place that is in the source already. */
  variableInSource(place: SourceLocation): string | undefined {
    return variableOf(this.#texts.before({ ...place, file: toPath(place.file) }));
  }
}
