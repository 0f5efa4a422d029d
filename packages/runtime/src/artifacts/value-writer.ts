import { fileMarker } from '@run-pipeline/core/define';
import { types } from 'node:util';
import { AnnotationWriter, ROOT } from './annotation-writer.js';
import { CUSTOM, type AnnotationType, type Meta } from './annotations.js';
import { binaryKind, binaryProblem, bytesOf, isBinary } from './binary-view.js';
import { describeInstance } from './describe-instance.js';
import { markerOf } from './markers.js';
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
  type Via,
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

class ValueWriter {
  readonly #options: WriteOptions;
  readonly #segments: Segment[] = [];
  readonly #annotations = new AnnotationWriter();

  constructor(options: WriteOptions) {
    this.#options = options;
  }

  write(value: unknown): WrittenValue {
    const json = this.#value(value, ROOT);
    return { json, meta: this.#annotations.meta(), segments: this.#segments };
  }

  /** Most parts of a value are plain scalars, for which no place is needed. */
  #child(value: unknown, parent: Place, key: string | number, via: Via): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        break;
      case 'object':
        if (value === null) return null;
    }
    return this.#value(value, { parent, key, via });
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
    if (this.#annotations.isRepeated(value, place)) return null;
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
      if (item === undefined && !(index in value)) {
        throw this.#lossy(
          { parent: place, key: index, via: WRITTEN },
          'is a hole in an array',
          'Fill it: Array.from(array) makes holes undefined.',
        );
      }
      json.push(this.#child(item, place, index, WRITTEN));
    }
    return json;
  }

  #properties(value: object, place: Place): unknown {
    const json: Record<string, unknown> = {};
    const keys = Object.keys(value);
    const [symbol] = Object.getOwnPropertySymbols(value);
    if (symbol !== undefined) throw this.#symbolKey(value, symbol, place);
    const names = Object.getOwnPropertyNames(value);
    if (names.length !== keys.length) {
      const key = names.find((name) => !Object.prototype.propertyIsEnumerable.call(value, name)) ?? '';
      throw this.#lossy({ parent: place, key, via: WRITTEN }, 'is a hidden (non-enumerable) property');
    }
    // A getter counts as the value it gives.
    for (const key of keys)
      setOwn(json, key, this.#child((value as Record<string, unknown>)[key], place, key, WRITTEN));
    return json;
  }

  #map(value: ReadonlyMap<unknown, unknown>, place: Place): unknown {
    this.#refuseExtra(value, 'a Map', place);
    return this.#typed(place, 'map', () => {
      const rows: unknown[] = [];
      for (const [key, item] of value) {
        const row: Place = { parent: place, key: rows.length, via: { kind: 'map-row', mapKey: key } };
        rows.push([this.#child(key, row, 0, MAP_KEY), this.#child(item, row, 1, HIDDEN)]);
      }
      return rows;
    });
  }

  #set(value: ReadonlySet<unknown>, place: Place): unknown {
    this.#refuseExtra(value, 'a Set', place);
    return this.#typed(place, 'set', () => {
      const members: unknown[] = [];
      for (const member of value) {
        members.push(this.#child(member, place, members.length, SET_MEMBER));
      }
      return members;
    });
  }

  /** The stack is not kept: it holds paths of one machine, and would make equal results differ. */
  #error(error: Error, name: string, place: Place): unknown {
    const own = Reflect.ownKeys(error).filter((key) => key !== 'stack');
    const standard = name === 'AggregateError' ? ['message', 'cause', 'errors'] : ['message', 'cause'];
    const further = own.filter((key) => typeof key === 'symbol' || !standard.includes(key));
    const simple = name === 'Error' && further.length === 0;
    return this.#typed(place, simple ? 'Error' : ['custom', CUSTOM.error], () => {
      const { message } = error;
      if (typeof message !== 'string') {
        throw this.#lossy({ parent: place, key: 'message', via: WRITTEN }, 'is not a string');
      }
      const json: Record<string, unknown> = { name, message };
      for (const key of ['cause', 'errors'] as const) {
        if (own.includes(key) && standard.includes(key)) {
          json[key] = this.#child((error as AggregateError)[key], place, key, WRITTEN);
        }
      }
      if (further.length === 0) return json;

      const properties: Record<string, unknown> = {};
      const hidden: string[] = [];
      const inside: Place = { parent: place, key: 'properties', via: HIDDEN };
      for (const key of further) {
        if (typeof key === 'symbol') throw this.#symbolKey(error, key, place);
        if (!Object.prototype.propertyIsEnumerable.call(error, key)) hidden.push(key);
        setOwn(
          properties,
          key,
          this.#child((error as unknown as Record<string, unknown>)[key], inside, key, WRITTEN),
        );
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

  #leaf(place: Place, type: AnnotationType, json: unknown): unknown {
    this.#annotations.leaf(place, type);
    return json;
  }

  #typed(place: Place, type: AnnotationType, write: () => unknown): unknown {
    return this.#annotations.container(place, type, write);
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
    const kind = marker === undefined ? markerOf(value)?.kind : marker.directory ? 'directory' : 'file';
    if (kind !== undefined) {
      return this.#lossy(
        place,
        `is ${kind === 'image' ? 'an' : 'a'} ${kind}() inside another value`,
        `Return the ${kind} under a name of its own, as in returns: ['rows', '${kind}'].`,
      );
    }
    return this.#lossy(place, `has a symbol as a key (${String(key)})`);
  }
}

const isIndex = (key: string): boolean => /^(?:0|[1-9]\d*)$/.test(key);

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
