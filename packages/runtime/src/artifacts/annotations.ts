import { artifactDamaged } from './value-path.js';

/**
 * The annotations of superjson's format, version 1: JSON beside `meta`, which says at which paths of
 * the JSON a value of another type stands (`values`) and which paths are the same object
 * (`referentialEqualities`).
 *
 *     { "json": { "at": "2026-01-01T00:00:00.000Z" }, "meta": { "values": { "at": ["Date"] }, "v": 1 } }
 *
 * A path's keys are joined by `.`; dots and backslashes in keys are escaped. A type is a name, or
 * `["custom", name]`. An annotated container nests: `[type, { path inside it: annotation }]`.
 */
export type AnnotationType = string | readonly [string, string];
export type Annotation = readonly [AnnotationType] | readonly [AnnotationType, AnnotationRecord];
export interface AnnotationRecord {
  readonly [path: string]: Annotation;
}
export type Equalities = { readonly [path: string]: readonly string[] };

export interface Meta {
  readonly values?: Annotation | AnnotationRecord;
  readonly referentialEqualities?:
    Equalities | readonly [readonly string[]] | readonly [readonly string[], Equalities];
  readonly v?: 1;
}

/** What superjson's format has no name for; its own reader refuses these instead of guessing. */
export const CUSTOM = {
  /** Index of a segment that holds the bytes of a view: `["custom", "binary:Float64Array"]`. */
  binary: 'binary:',
  /** A built-in error that superjson's `Error` would not give back exactly. */
  error: 'error',
  nullPrototype: 'null-prototype',
  /** Index of a segment written by a registered codec. */
  codec: 'codec',
} as const;

export const escapeKey = (key: string): string =>
  /[.\\]/.test(key) ? key.replaceAll('\\', '\\\\').replaceAll('.', '\\.') : key;

export function parsePath(path: string): readonly string[] {
  if (!path.includes('\\')) return path.split('.');
  const keys: string[] = [];
  let key = '';
  for (let index = 0; index < path.length; index++) {
    const char = path[index]!;
    if (char === '.') {
      keys.push(key);
      key = '';
    } else if (char === '\\') {
      key += path[++index] ?? '';
    } else {
      key += char;
    }
  }
  return [...keys, key];
}

/** The annotations as a tree over the JSON. Most nodes have one child, which then needs no Map. */
export class AnnotationNode {
  type: AnnotationType | undefined;
  /** This object is named again elsewhere, under this number. */
  defines: number | undefined;
  /** Stands for the object of this number. */
  repeats: number | undefined;
  #firstKey: string | undefined;
  #first: AnnotationNode | undefined;
  #others: Map<string, AnnotationNode> | undefined;

  child(key: string): AnnotationNode | undefined {
    return key === this.#firstKey ? this.#first : this.#others?.get(key);
  }

  /** In the order in which they were annotated. */
  keys(): string[] {
    return this.#firstKey === undefined ? [] : [this.#firstKey, ...(this.#others?.keys() ?? [])];
  }

  ensureChild(key: string): AnnotationNode {
    const found = this.child(key);
    if (found !== undefined) return found;
    const made = new AnnotationNode();
    if (this.#firstKey === undefined) {
      this.#firstKey = key;
      this.#first = made;
    } else {
      this.#others ??= new Map();
      this.#others.set(key, made);
    }
    return made;
  }
}

export function annotationTree(meta: Meta): AnnotationNode {
  const root = new AnnotationNode();
  if (meta.values !== undefined) insert(root, meta.values);
  const equalities = meta.referentialEqualities;
  let number = 0;
  const join = (node: AnnotationNode, paths: readonly string[]): void => {
    node.defines = number;
    for (const path of paths) descend(root, path).repeats = number;
    number++;
  };
  if (isList(equalities)) join(root, equalities[0]);
  const others = isList(equalities) ? equalities[1] : equalities;
  for (const [path, paths] of Object.entries(others ?? {})) join(descend(root, path), paths);
  return root;
}

const isList = (
  value: Meta['referentialEqualities'],
): value is readonly [readonly string[]] | readonly [readonly string[], Equalities] => Array.isArray(value);

function insert(node: AnnotationNode, annotation: Annotation | AnnotationRecord): void {
  let record: AnnotationRecord | undefined;
  if (Array.isArray(annotation)) {
    const [type, inner] = annotation as Annotation;
    if (typeof type !== 'string' && !Array.isArray(type))
      throw artifactDamaged('the annotations of a stored value are malformed');
    node.type = type;
    record = inner;
  } else {
    record = annotation as AnnotationRecord;
  }
  for (const [path, inner] of Object.entries(record ?? {})) insert(descend(node, path), inner);
}

function descend(from: AnnotationNode, path: string): AnnotationNode {
  let node = from;
  for (const key of parsePath(path)) node = node.ensureChild(key);
  return node;
}
