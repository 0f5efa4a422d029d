/**
 * `file(path)` and `directory(path)`: values that stand for content on disk. As an input they are
 * hashed by content; as a return they are stored; a step that takes one gets a `FileValue`.
 */
export interface FileValue {
  /** Absolute path of a local copy, verified; not to be modified. */
  readonly path: string;
  /** The original base name. */
  readonly name: string;
  /** Bytes (of a directory: of all files). */
  readonly size: number;
  readonly sha256: string;
}

const FILE = Symbol.for('run-pipeline.file');

/** The declaration that `file()` makes; relative paths resolve from the invoking directory. */
export interface FileMarker {
  readonly path: string;
  readonly directory: boolean;
}

/**
 * A file as a value: an input of a step, a default of a parameter, or what a step returns. It is hashed
 * by content, keeps its name, and is carried to wherever the step runs. Relative paths resolve from the
 * invoking directory; a plain string is only a string.
 *
 * @throws TypeError when the path is not a text.
 * @example
 * ```ts
 * import { type FileValue, Step, file } from 'run-pipeline';
 *
 * export class Sizes {
 *   @Step({ inputs: [file('data/iris.csv')] })
 *   size(csv: FileValue) {
 *     return csv.size; // and csv.path, csv.name, csv.sha256
 *   }
 * }
 * ```
 */
export const file = (path: string): FileValue => marker(path, false);

/**
 * A whole folder as a value; the consumer gets the same tree. Otherwise as `file`.
 *
 * @throws TypeError when the path is not a text.
 */
export const directory = (path: string): FileValue => marker(path, true);

function marker(path: string, isDirectory: boolean): FileValue {
  if (typeof path !== 'string' || path === '')
    throw new TypeError(`${isDirectory ? 'directory' : 'file'}() takes a path`);
  // Typed as the consumer sees it; whoever handles it asks `fileMarker` first.
  return Object.freeze({ path, [FILE]: isDirectory ? 'directory' : 'file' }) as unknown as FileValue;
}

export function fileMarker(value: unknown): FileMarker | undefined {
  if (typeof value !== 'object' || value === null || !(FILE in value)) return undefined;
  const { path } = value as unknown as { path: string };
  return { path, directory: (value as Record<symbol, unknown>)[FILE] === 'directory' };
}
