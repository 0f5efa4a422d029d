import {
  escapeKey,
  type Annotation,
  type AnnotationRecord,
  type AnnotationType,
  type Meta,
} from './annotations.js';
import { HIDDEN, type Place } from './value-path.js';

type MutableRecord = { [path: string]: Annotation };

/** The whole value. */
export const ROOT: Place = { parent: undefined, key: '', via: HIDDEN };

/** Collects what `meta` says while a value is written. */
export class AnnotationWriter {
  /** Where each object was first met. */
  readonly #seen = new Map<object, Place>();
  readonly #repeated = new Map<Place, Place[]>();
  /** Annotations of the innermost typed container, by path from it. */
  #record: MutableRecord = emptyRecord();
  #container: Place = ROOT;
  #root: Annotation | undefined;

  /** True when the object was written before; this place is then noted as the same object. */
  isRepeated(value: object, place: Place): boolean {
    const first = this.#seen.get(value);
    if (first === undefined) {
      this.#seen.set(value, place);
      return false;
    }
    const others = this.#repeated.get(first);
    if (others === undefined) this.#repeated.set(first, [place]);
    else others.push(place);
    return true;
  }

  leaf(place: Place, type: AnnotationType): void {
    this.#annotate(place, [type]);
  }

  /** A container whose own type is annotated: paths inside it start anew. */
  container(place: Place, type: AnnotationType, write: () => unknown): unknown {
    const [record, container] = [this.#record, this.#container];
    const inner = emptyRecord();
    this.#record = inner;
    this.#container = place;
    const json = write();
    this.#record = record;
    this.#container = container;
    this.#annotate(place, hasEntries(inner) ? [type, inner] : [type]);
    return json;
  }

  meta(): Meta | undefined {
    const values = this.#root ?? (hasEntries(this.#record) ? this.#record : undefined);
    const referentialEqualities = this.#equalities();
    if (values === undefined && referentialEqualities === undefined) return undefined;
    return {
      ...(values === undefined ? {} : { values }),
      ...(referentialEqualities === undefined ? {} : { referentialEqualities }),
      v: 1,
    };
  }

  #annotate(place: Place, annotation: Annotation): void {
    if (place === ROOT) this.#root = annotation;
    else this.#record[pathBetween(this.#container, place)] = annotation;
  }

  #equalities(): Meta['referentialEqualities'] {
    if (this.#repeated.size === 0) return undefined;
    const pathsOf = (places: readonly Place[]): string[] => places.map((place) => pathBetween(ROOT, place));
    const others = Object.create(null) as { [path: string]: readonly string[] };
    for (const [first, places] of this.#repeated) {
      if (first !== ROOT) others[pathBetween(ROOT, first)] = pathsOf(places);
    }
    const root = this.#repeated.get(ROOT);
    if (root === undefined) return others;
    return hasEntries(others) ? [pathsOf(root), others] : [pathsOf(root)];
  }
}

/** Without a prototype: `__proto__` is a path like any other. */
const emptyRecord = (): MutableRecord => Object.create(null) as MutableRecord;

function hasEntries(record: AnnotationRecord | { readonly [path: string]: readonly string[] }): boolean {
  for (const _ in record) return true;
  return false;
}

function pathBetween(container: Place, { parent, key }: Place): string {
  const own = typeof key === 'number' ? String(key) : escapeKey(key);
  return parent === undefined || parent === container ? own : `${pathBetween(container, parent)}.${own}`;
}
