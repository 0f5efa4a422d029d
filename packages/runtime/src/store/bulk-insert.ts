import type { Connection, SqlValue } from './connection.js';

/** Rows a statement: a call into SQLite costs as much as inserting three or four rows. */
const CHUNK = 32;

/**
 * Collects the rows of one table and inserts them many a statement. `row` is one row's VALUES list
 * (`(?, ?, lower(?))`), `tail` what follows all (an ON CONFLICT clause).
 */
export class BulkInsert {
  readonly #rows: (readonly SqlValue[])[] = [];
  readonly #head: string;
  readonly #row: string;
  readonly #tail: string;

  constructor(statement: { readonly head: string; readonly row: string; readonly tail?: string }) {
    this.#head = statement.head;
    this.#row = statement.row;
    this.#tail = statement.tail ?? '';
  }

  add(...row: readonly SqlValue[]): void {
    this.#rows.push(row);
  }

  flush(connection: Connection): void {
    const rows = this.#rows;
    let at = 0;
    for (; at + CHUNK <= rows.length; at += CHUNK) {
      connection.run(this.#sql(CHUNK), ...rows.slice(at, at + CHUNK).flat());
    }
    for (; at < rows.length; at++) connection.run(this.#sql(1), ...rows[at]!);
    rows.length = 0;
  }

  #sql(count: number): string {
    return `${this.#head} VALUES ${Array<string>(count).fill(this.#row).join(', ')} ${this.#tail}`;
  }
}
