import { pathToFileURL } from 'node:url';
import type { SourceLocation } from '@run-pipeline/core/model';
import { CallPlaces } from './call-place.js';
import type { MapToSource } from './discovery.js';
import type { KnownPlaces } from './name-steps.js';
import { readJson } from './load-cache.js';
import { writeAtomically } from './materialise.js';

/**
 * What is known of places in one executable file: where they are in the user's source, and which
 * variable keeps the value of the call there. The file is named by its content, so this stays true and
 * is kept beside it: a repeated run parses no source map.
 */
export class Places implements KnownPlaces {
  readonly #executable: string;
  readonly #path: string;
  readonly #url: string;
  readonly #calls: CallPlaces;
  readonly #variables: Record<string, string>;
  readonly #known: Record<string, KnownPlace>;
  #isChanged = false;

  /** `variables`: known from when the bundle was made; the source may have changed since. */
  constructor(options: {
    readonly executable: string;
    readonly map: MapToSource;
    readonly variables?: Readonly<Record<string, string>> | undefined;
  }) {
    const { executable, map } = options;
    this.#variables = { ...options.variables };
    this.#executable = executable;
    this.#path = `${executable}.places.json`;
    this.#url = pathToFileURL(executable).href;
    this.#calls = new CallPlaces(map);
    this.#known = { ...readJson<Record<string, KnownPlace>>(this.#path) };
  }

  /** Also for places in other files; those are mapped every time. */
  readonly toSource: MapToSource = (place) => {
    if (!this.#isHere(place)) return this.#calls.toSource(place);
    const [file, line, column] = this.#lookUp(place);
    return { file, line, column };
  };

  /** The variable (or property) that the call at this raw place is assigned to. */
  variableAt(place: SourceLocation): string | undefined {
    if (!this.#isHere(place)) return this.#calls.variableAt(place);
    const key = keyOf(place);
    const known = this.#lookUp(place);
    if (known.length === 3) {
      known.push(
        this.#variables[key] ??
          this.#calls.variableInSource({ file: known[0], line: known[1], column: known[2] }) ??
          '',
      );
      this.#isChanged = true;
    }
    const variable = known[3] === '' ? undefined : known[3];
    if (variable !== undefined) this.#variables[key] = variable;
    return variable;
  }

  /** All that were asked for, by place: `SourceBundle.variables`. */
  get variables(): Readonly<Record<string, string>> {
    return this.#variables;
  }

  /** Keeps what was found out since; losing it costs time only. */
  save(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    try {
      writeAtomically(this.#path, JSON.stringify(this.#known));
    } catch {
      // a full disk or a read-only cache: the next run maps again
    }
  }

  #isHere(place: SourceLocation): boolean {
    const { file } = place;
    return file === this.#url || file.startsWith(`${this.#url}?`) || file === this.#executable;
  }

  #lookUp(place: SourceLocation): KnownPlace {
    const key = keyOf(place);
    let known = this.#known[key];
    if (known === undefined) {
      const { file, line, column } = this.#calls.toSource(place);
      known = [file, line, column];
      this.#known[key] = known;
      this.#isChanged = true;
    }
    return known;
  }
}

const keyOf = (place: SourceLocation): string => `${place.line}:${place.column}`;

/** File, line, column in the source and, once asked for, the variable (empty: none). */
type KnownPlace = [file: string, line: number, column: number, variable?: string];
