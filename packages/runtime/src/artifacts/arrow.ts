import type { CodecOptions } from './codec.js';

/** The part of an Arrow library that is used: `apache-arrow` and `@uwdata/flechette` both have it. */
export interface ArrowLibrary<Table extends object> {
  readonly Table: abstract new (...args: never[]) => Table;
  readonly tableFromIPC: (bytes: Uint8Array) => Table;
  readonly tableToIPC: (table: Table, ...options: never[]) => Uint8Array | null;
}

/**
 * A codec for Arrow tables of the library that the file uses, as IPC streams: columns of a hundred
 * thousand rows are read back in milliseconds. The library is handed in, so that what a step gets is
 * a table of its own copy of it.
 *
 * @example
 * ```ts
 * import * as arrow from 'apache-arrow';
 * import { arrowCodec, registerCodec } from 'run-pipeline';
 *
 * registerCodec(arrowCodec(arrow));
 * ```
 */
export function arrowCodec<Table extends object>(library: ArrowLibrary<Table>): CodecOptions<Table> {
  return {
    id: 'arrow',
    version: 1,
    is: (value): value is Table => value instanceof library.Table,
    encode(table) {
      const bytes = library.tableToIPC(table);
      if (bytes === null) throw new Error('the Arrow library could not write the table');
      return bytes;
    },
    decode: (bytes) => library.tableFromIPC(bytes),
    preview(table) {
      const { numRows, numCols } = table as { readonly numRows?: number; readonly numCols?: number };
      return `Arrow table, ${numRows ?? '?'} rows × ${numCols ?? '?'} columns`;
    },
  };
}
