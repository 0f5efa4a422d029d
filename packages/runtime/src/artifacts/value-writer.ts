import { fileMarker } from '@run-pipeline/core/define';
import { types } from 'node:util';
import {
  CUSTOM,
  escapeKey,
  type Annotation,
  type AnnotationRecord,
  type AnnotationType,
  type Meta,
} from './annotations.js';
import { binaryKind, binaryProblem, bytesOf, isBinary } from './binary-view.js';
import { describeInstance } from './describe-instance.js';
import { nativeErrorName } from './native-error.js';
import { hasExtraProperties, patchedJson } from './plain-json.js';
import {
  artifactLossy,
  describePlace,
  HIDDEN,
  MAP_KEY,
  SET_MEMBER,
  WRITTEN,
  type Place,
} from './value-path.js';

/**
 * Writes any value that the format can hold as superjson's `{ json, meta }`, and refuses, naming the
 * place, whatever would not come back the same.
 *
 * It is superjson's format, written here because superjson's own writer and reader lose things that
 * a pipeline must not lose: functions, symbols, class instances and invalid dates vanish silently; a
 * shared object inside a Map key or a Set moves its row; an object reached by many paths is written
 * once for each; `constructor` as a key throws. Here a repeated object is written once (`null` at its
 * other places, as superjson's `dedupe` does) and rows keep their order. Tests read what this writes
 * with superjson itself.
 */
export interface WrittenValue {
  readonly json: unknown;
  /** Absent when the value is plain JSON. */
  readonly meta: Meta | undefined;
  /** What stands outside the JSON, which holds the indices. */
  readonly segments: readonly Segment[];
}

export type Segment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** An instance of a registered type, still to be encoded. */
  | { readonly kind: 'instance'; readonly value: object; readonly path: string };

export interface WriteOptions {
  /** What the value is called in errors: `step_two.train`. */
  readonly name: string;
  /** Whether a registered codec takes this instance. */
  readonly hasCodec: (value: object) => boolean;
  /** Binary values as segments, or inside the JSON for people to read. */
  readonly binary: 'segments' | 'inline';
}

export function writeValue(value: unknown, options: WriteOptions): WrittenValue {
  const patched = patchedJson();
  if (patched !== undefined) {
    throw artifactLossy(
      options.name,
      `cannot be written: ${patched}.prototype.toJSON is defined and changes every value`,
      'Remove the code that adds toJSON to a built-in prototype.',
    );
  }
  return new ValueWriter(options).write(value);
}

type MutableRecord = { [path: string]: Annotation };
const ROOT: Place = { parent: undefined, key: '', via: HIDDEN };

class ValueWriter {
  readonly #options: WriteOptions;
  readonly #segments: Segment[] = [];
  /** Where each object was first met. */
  readonly #seen = new Map<object, Place>();
  readonly #repeated = new Map<Place, Place[]>();
  /** Annotations of the innermost typed container, by path from it. */
  #record: MutableRecord = emptyRecord();
  #container: Place = ROOT;
  #root: Annotation | undefined;

  constructor(options: WriteOptions) {
    this.#options = options;
  }

  write(value: unknown): WrittenValue {
    const json = this.#value(value, ROOT);
    const values = this.#root ?? (hasEntries(this.#record) ? this.#record : undefined);
    const referentialEqualities = this.#equalities();
    const meta: Meta | undefined =
      values === undefined && referentialEqualities === undefined
        ? undefined
        : {
            ...(values === undefined ? {} : { values }),
            ...(referentialEqualities === undefined ? {} : { referentialEqualities }),
            v: 1,
          };
    return { json, meta, segments: this.#segments };
  }

  #value(value: unknown, place: Place): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        return this.#leaf(place, 'number', Object.is(value, -0) ? '-0' : String(value));
      case 'undefined':
        return this.#leaf(place, 'undefined', null);
      case 'bigint':
        return this.#leaf(place, 'bigint', value.toString());
      case 'object':
        return value === null ? null : this.#object(value, place);
      case 'function':
        throw this.#lossy(place, 'is a function');
      case 'symbol':
        throw this.#lossy(place, `is a symbol (${String(value)})`);
    }
  }

  #object(value: object, place: Place): unknown {
    if (types.isProxy(value)) throw this.#lossy(place, ...describeInstance(value));
    const first = this.#seen.get(value);
    if (first !== undefined) {
      const others = this.#repeated.get(first);
      if (others === undefined) this.#repeated.set(first, [place]);
      else others.push(place);
      return null;
    }
    this.#seen.set(value, place);
    if (isBinary(value)) return this.#binary(value, place);

    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value) && prototype === Array.prototype) return this.#array(value, place);
    if (prototype === Object.prototype) return this.#properties(value, place);
    if (prototype === null)
      return this.#typed(place, ['custom', CUSTOM.nullPrototype], () => this.#properties(value, place));
    if (types.isMap(value) && prototype === Map.prototype) return this.#map(value, place);
    if (types.isSet(value) && prototype === Set.prototype) return this.#set(value, place);
    if (types.isDate(value) && prototype === Date.prototype) return this.#date(value, place);
    if (types.isRegExp(value) && prototype === RegExp.prototype) return this.#regExp(value, place);
    if (value instanceof URL && prototype === URL.prototype) return this.#url(value, place);
    const errorName = types.isNativeError(value) ? nativeErrorName(value) : undefined;
    if (errorName !== undefined) return this.#error(value as Error, errorName, place);
    if (this.#options.hasCodec(value)) {
      const path = describePlace(this.#options.name, place);
      return this.#leaf(place, ['custom', CUSTOM.codec], this.#segment({ kind: 'instance', value, path }));
    }
    throw this.#lossy(place, ...describeInstance(value));
  }

  // ── containers ──

  #array(value: readonly unknown[], place: Place): unknown {
    if (hasExtraProperties(value)) {
      const extra = Reflect.ownKeys(value).find(
        (key) => typeof key === 'symbol' || (key !== 'length' && !isIndex(key)),
      );
      throw this.#lossy(
        place,
        `is an array with a property of its own (${String(extra)})`,
        'Copy it with [...array], and return the property beside it.',
      );
    }
    const json: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      const at: Place = { parent: place, key: index, via: WRITTEN };
      if (item === undefined && !(index in value)) {
        throw this.#lossy(at, 'is a hole in an array', 'Fill it: Array.from(array) makes holes undefined.');
      }
      json.push(this.#value(item, at));
    }
    return json;
  }

  #properties(value: object, place: Place): unknown {
    const json: Record<string, unknown> = {};
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'symbol') throw this.#symbolKey(value, key, place);
      const at: Place = { parent: place, key, via: WRITTEN };
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (property === undefined || !('value' in property))
        throw this.#lossy(at, 'is a getter', 'Return the value it gives.');
      if (property.enumerable !== true) throw this.#lossy(at, 'is a hidden (non-enumerable) property');
      setOwn(json, key, this.#value(property.value, at));
    }
    return json;
  }

  #map(value: ReadonlyMap<unknown, unknown>, place: Place): unknown {
    this.#refuseExtra(value, 'a Map', place);
    return this.#typed(place, 'map', () => {
      const rows: unknown[] = [];
      for (const [key, item] of value) {
        const row: Place = { parent: place, key: rows.length, via: { kind: 'map-row', mapKey: key } };
        rows.push([
          this.#value(key, { parent: row, key: 0, via: MAP_KEY }),
          this.#value(item, { parent: row, key: 1, via: HIDDEN }),
        ]);
      }
      return rows;
    });
  }

  #set(value: ReadonlySet<unknown>, place: Place): unknown {
    this.#refuseExtra(value, 'a Set', place);
    return this.#typed(place, 'set', () => {
      const members: unknown[] = [];
      for (const member of value) {
        members.push(this.#value(member, { parent: place, key: members.length, via: SET_MEMBER }));
      }
      return members;
    });
  }

  /** The stack is not kept: it holds paths of one machine, and would make equal results differ. */
  #error(error: Error, name: string, place: Place): unknown {
    const own = new Map(
      Reflect.ownKeys(error).map((key) => [key, Object.getOwnPropertyDescriptor(error, key)]),
    );
    own.delete('stack');
    const child = (key: string, parent = place): Place => ({ parent, key, via: WRITTEN });
    const take = (key: string): PropertyDescriptor | undefined => {
      const property = own.get(key);
      own.delete(key);
      if (property !== undefined && !('value' in property)) throw this.#lossy(child(key), 'is a getter');
      return property;
    };
    const message = take('message');
    const cause = take('cause');
    const errors = name === 'AggregateError' ? take('errors') : undefined;
    if (message !== undefined && typeof message.value !== 'string')
      throw this.#lossy(child('message'), 'is not a string');

    const simple =
      name === 'Error' && own.size === 0 && message?.enumerable !== true && cause?.enumerable !== true;
    return this.#typed(place, simple ? 'Error' : ['custom', CUSTOM.error], () => {
      const json: Record<string, unknown> = { name, message: message?.value ?? '' };
      if (cause !== undefined) json['cause'] = this.#value(cause.value, child('cause'));
      if (errors !== undefined) json['errors'] = this.#value(errors.value, child('errors'));
      if (simple || own.size === 0) return json;

      const properties: Record<string, unknown> = {};
      const hidden: string[] = [];
      const inside: Place = { parent: place, key: 'properties', via: HIDDEN };
      for (const [key, property] of own) {
        if (typeof key === 'symbol') throw this.#symbolKey(error, key, place);
        if (property === undefined || !('value' in property)) throw this.#lossy(child(key), 'is a getter');
        if (property.enumerable !== true) hidden.push(key);
        setOwn(properties, key, this.#value(property.value, child(key, inside)));
      }
      json['properties'] = properties;
      if (hidden.length > 0) json['hidden'] = hidden;
      return json;
    });
  }

  // ── leaves ──

  #date(value: Date, place: Place): unknown {
    this.#refuseExtra(value, 'a Date', place);
    if (Number.isNaN(value.getTime()))
      throw this.#lossy(
        place,
        'is an invalid Date',
        'Check the text it was parsed from; use null for no date.',
      );
    return this.#leaf(place, 'Date', value.toISOString());
  }

  #regExp(value: RegExp, place: Place): unknown {
    if (Reflect.ownKeys(value).length > 1) throw this.#lossy(place, 'is a RegExp with properties of its own');
    if (value.lastIndex !== 0)
      throw this.#lossy(
        place,
        `is a RegExp in the middle of a search (lastIndex ${String(value.lastIndex)})`,
        'Set lastIndex to 0.',
      );
    return this.#leaf(place, 'regexp', `/${value.source}/${value.flags}`);
  }

  #url(value: URL, place: Place): unknown {
    if (Object.keys(value).length > 0) throw this.#lossy(place, 'is a URL with properties of its own');
    return this.#leaf(place, 'URL', value.href);
  }

  #binary(value: ArrayBufferView | ArrayBuffer, place: Place): unknown {
    const name = binaryKind(value);
    if (name === undefined) throw this.#lossy(place, ...describeInstance(value));
    const problem = binaryProblem(value);
    if (problem !== undefined)
      throw this.#lossy(place, problem, 'slice() makes a copy with memory of its own.');
    const bytes = bytesOf(value);
    if (this.#options.binary === 'segments') {
      return this.#leaf(
        place,
        ['custom', `${CUSTOM.binary}${name}`],
        this.#segment({ kind: 'bytes', bytes }),
      );
    }
    const numbers = readableNumbers(value, name);
    if (numbers !== undefined) return this.#leaf(place, ['typed-array', name], numbers);
    const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    return this.#leaf(place, ['custom', `${CUSTOM.binary}${name}`], base64);
  }

  #segment(segment: Segment): number {
    return this.#segments.push(segment) - 1;
  }

  // ── annotations ──

  #leaf(place: Place, type: AnnotationType, json: unknown): unknown {
    this.#annotate(place, [type]);
    return json;
  }

  /** Writes a container whose own type is annotated: paths inside it start anew. */
  #typed(place: Place, type: AnnotationType, write: () => unknown): unknown {
    const [record, container] = [this.#record, this.#container];
    const inner: MutableRecord = emptyRecord();
    this.#record = inner;
    this.#container = place;
    const json = write();
    this.#record = record;
    this.#container = container;
    this.#annotate(place, hasEntries(inner) ? [type, inner] : [type]);
    return json;
  }

  #annotate(place: Place, annotation: Annotation): void {
    if (place === ROOT) this.#root = annotation;
    else this.#record[pathBetween(this.#container, place)] = annotation;
  }

  #equalities(): Meta['referentialEqualities'] {
    if (this.#repeated.size === 0) return undefined;
    const pathsOf = (places: readonly Place[]): string[] => places.map((place) => pathBetween(ROOT, place));
    const others = Object.create(null) as { [path: string]: readonly string[] };
    for (const [first, places] of this.#repeated)
      if (first !== ROOT) others[pathBetween(ROOT, first)] = pathsOf(places);
    const root = this.#repeated.get(ROOT);
    if (root === undefined) return others;
    return hasEntries(others) ? [pathsOf(root), others] : [pathsOf(root)];
  }

  // ── refusals ──

  #lossy(place: Place, what: string, help?: string): Error {
    return artifactLossy(describePlace(this.#options.name, place), what, help);
  }

  #refuseExtra(value: object, kind: string, place: Place): void {
    const extra = Reflect.ownKeys(value)[0];
    if (extra !== undefined)
      throw this.#lossy(
        place,
        `is ${kind} with a property of its own (${String(extra)})`,
        'Return the property beside it.',
      );
  }

  #symbolKey(value: object, key: symbol, place: Place): Error {
    const marker = fileMarker(value);
    if (marker !== undefined) {
      const kind = marker.directory ? 'directory' : 'file';
      return this.#lossy(
        place,
        `is a ${kind}() inside another value`,
        `Return the ${kind} under a name of its own: returns: ['report', 'csv'].`,
      );
    }
    return this.#lossy(place, `has a symbol as a key (${String(key)})`);
  }
}

const emptyRecord = (): MutableRecord => Object.create(null) as MutableRecord;
const isIndex = (key: string): boolean => /^(?:0|[1-9]\d*)$/.test(key);

function hasEntries(record: AnnotationRecord | { readonly [path: string]: readonly string[] }): boolean {
  for (const _ in record) return true;
  return false;
}

function pathBetween(container: Place, place: Place): string {
  const keys: string[] = [];
  for (let at: Place | undefined = place; at !== undefined && at !== container; at = at.parent)
    keys.push(escapeKey(String(at.key)));
  return keys.reverse().join('.');
}

/** Assigning `__proto__` would set the prototype; as a key it is data like any other. */
function setOwn(target: object, key: string, value: unknown): void {
  if (key !== '__proto__') (target as Record<string, unknown>)[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The elements as superjson writes them, when JSON keeps each of them and superjson knows the kind. */
function readableNumbers(value: ArrayBufferView | ArrayBuffer, name: string): readonly number[] | undefined {
  if (!/^(?:Int|Uint|Float)(?:8|16|32|64)(?:Clamped)?Array$/.test(name) || name === 'Float16Array')
    return undefined;
  const numbers = Array.from(value as unknown as ArrayLike<number>);
  return numbers.every((item) => Number.isFinite(item) && !Object.is(item, -0)) ? numbers : undefined;
}
