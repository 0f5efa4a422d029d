import {
  annotationTree,
  CUSTOM,
  type AnnotationNode,
  type AnnotationType,
  type Meta,
} from './annotations.js';
import { binaryFromBytes } from './binary-view.js';
import { makeNativeError } from './native-error.js';
import { artifactDamaged } from './value-path.js';

/** What reading gets: the JSON is private and may be changed in place. */
export interface ReadOptions {
  readonly json: unknown;
  readonly meta: Meta | undefined;
  readonly segments: readonly Uint8Array[];
  /** Instances that registered codecs decoded, by segment. */
  readonly instances: ReadonlyMap<number, unknown>;
}

/** The inverse of `writeValue`. Nothing in the bytes names code: only the types listed here are made. */
export function readValue(options: ReadOptions): unknown {
  if (options.meta === undefined) return options.json;
  return new ValueReader(options).read(options.json, annotationTree(options.meta));
}

class ValueReader {
  readonly #options: ReadOptions;
  readonly #shared = new Map<number, unknown>();

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  /** Containers are made before what is in them, so that a cycle finds its object. */
  read(json: unknown, node: AnnotationNode): unknown {
    if (node.repeats !== undefined) {
      if (!this.#shared.has(node.repeats)) throw malformed('a repeated object comes before itself');
      return this.#shared.get(node.repeats);
    }
    const { type } = node;
    if (type === undefined) return this.#inPlace(this.#keep(node, json), node);
    return typeof type === 'string' ? this.#standard(type, json, node) : this.#named(type, json, node);
  }

  #standard(type: string, json: unknown, node: AnnotationNode): unknown {
    switch (type) {
      case 'undefined':
        return undefined;
      case 'number':
        return Number(text(json));
      case 'bigint':
        return BigInt(text(json));
      case 'Date':
        return this.#keep(node, new Date(text(json)));
      case 'regexp': {
        const source = text(json);
        const end = source.lastIndexOf('/');
        return this.#keep(node, new RegExp(source.slice(1, end), source.slice(end + 1)));
      }
      case 'URL':
        return this.#keep(node, new URL(text(json)));
      case 'map': {
        const map = this.#keep(node, new Map<unknown, unknown>());
        list(json).forEach((row, index) => {
          const rowNode = node.child(String(index));
          const [key, value] = list(row);
          map.set(this.#child(key, rowNode, '0'), this.#child(value, rowNode, '1'));
        });
        return map;
      }
      case 'set': {
        const set = this.#keep(node, new Set<unknown>());
        list(json).forEach((member, index) => set.add(this.#child(member, node, String(index))));
        return set;
      }
      case 'Error':
        return this.#error(record(json), node);
      default:
        throw malformed(`unknown type ${type}`);
    }
  }

  #named([kind, name]: Exclude<AnnotationType, string>, json: unknown, node: AnnotationNode): unknown {
    if (kind !== 'custom') throw malformed(`unknown type ${kind}`);
    if (name === CUSTOM.error) return this.#error(record(json), node);
    if (name === CUSTOM.nullPrototype) {
      return this.#inPlace(this.#keep(node, Object.setPrototypeOf(record(json), null) as object), node);
    }
    if (name === CUSTOM.codec) {
      if (!this.#options.instances.has(json as number)) throw malformed('an instance is missing');
      return this.#keep(node, this.#options.instances.get(json as number));
    }
    const bytes = this.#options.segments[json as number];
    const value =
      name.startsWith(CUSTOM.binary) && bytes !== undefined
        ? binaryFromBytes(name.slice(CUSTOM.binary.length), bytes)
        : undefined;
    if (value === undefined)
      throw malformed(`cannot read ${name} here (a newer version of Node may be needed)`);
    return this.#keep(node, value);
  }

  #error(json: Readonly<Record<string, unknown>>, node: AnnotationNode): Error {
    const error = makeNativeError(text(json['name']), text(json['message']));
    if (error === undefined) throw malformed('unknown class of error');
    this.#keep(node, error);
    for (const key of ['cause', 'errors']) {
      if (key in json) define(error, key, this.#child(json[key], node, key), false);
    }
    const properties = json['properties'];
    if (properties !== undefined) {
      const inside = node.child('properties');
      const hidden = new Set(json['hidden'] === undefined ? [] : list(json['hidden']));
      for (const [key, value] of Object.entries(record(properties)))
        define(error, key, this.#child(value, inside, key), !hidden.has(key));
    }
    return error;
  }

  /** Replaces the annotated children of a plain object or array, in the order in which they were written. */
  #inPlace(json: unknown, node: AnnotationNode): unknown {
    const annotated = node.keys();
    if (annotated.length === 0) return json;
    if (typeof json !== 'object' || json === null) throw malformed('an annotation has no value');
    for (const key of inOrderOf(json, annotated)) {
      if (!Object.hasOwn(json, key)) throw malformed('an annotation has no value');
      define(json, key, this.#child((json as Record<string, unknown>)[key], node, key), true);
    }
    return json;
  }

  #child(json: unknown, node: AnnotationNode | undefined, key: string): unknown {
    const child = node?.child(key);
    return child === undefined ? json : this.read(json, child);
  }

  #keep<T>(node: AnnotationNode, value: T): T {
    if (node.defines !== undefined) this.#shared.set(node.defines, value);
    return value;
  }
}

/** A repeated object is noted after the other annotations, and must still be met after the first of its kind. */
function inOrderOf(json: object, annotated: string[]): readonly string[] {
  if (annotated.length === 1) return annotated;
  if (!Array.isArray(json)) {
    const wanted = new Set(annotated);
    const keys = Object.keys(json).filter((key) => wanted.has(key));
    if (keys.length !== annotated.length) throw malformed('an annotation has no value');
    return keys;
  }
  const inOrder = annotated.every((key, at) => at === 0 || Number(annotated[at - 1]) < Number(key));
  return inOrder ? annotated : annotated.sort((left, right) => Number(left) - Number(right));
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  if (enumerable && key !== '__proto__') (target as Record<string, unknown>)[key] = value;
  else Object.defineProperty(target, key, { value, enumerable, configurable: true, writable: true });
}

function text(json: unknown): string {
  if (typeof json !== 'string') throw malformed('text was expected');
  return json;
}

function list(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw malformed('a list was expected');
  return json;
}

function record(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw malformed('an object was expected');
  return json as Record<string, unknown>;
}

const malformed = (why: string): Error => artifactDamaged(`a stored value is malformed: ${why}`);
