/** Column and its type, in order. */
export type TableColumns = Readonly<Record<string, 'bigint' | 'integer' | 'text' | 'bytea'>>;

/** Of a statement that has several: `name AS (text)`. */
export interface Part {
  readonly name: string;
  readonly text: string;
}

/** The parameters of one statement that is put together of several. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Its place in the text. */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

/**
 * Collects the rows of one table and inserts them in one statement (`unnest` of a column each). A later row
 * with the same key replaces an earlier one: a statement may touch a row of the table once only. They are
 * inserted in the order of their keys, so that two transactions that insert the same ones do not wait for
 * each other.
 */
export class BulkInsert {
  readonly table: string;
  readonly #columns: TableColumns;
  readonly #keys: number;
  readonly #tail: string;
  readonly #rows = new Map<string, readonly unknown[]>();

  /** `keys`: the first so many columns are the key. `tail`: what follows, an ON CONFLICT clause. */
  constructor(options: {
    readonly table: string;
    readonly columns: TableColumns;
    readonly keys: number;
    readonly tail?: string;
  }) {
    this.table = options.table;
    this.#columns = options.columns;
    this.#keys = options.keys;
    this.#tail = options.tail ?? '';
  }

  add(...row: readonly unknown[]): void {
    this.#rows.set(JSON.stringify(row.slice(0, this.#keys)), row);
  }

  get empty(): boolean {
    return this.#rows.size === 0;
  }

  /** The statement; nothing is left here then. */
  take(parameters: Parameters): string {
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    this.#rows.clear();
    const columns = Object.entries(this.#columns);
    const lists = columns.map(
      ([, type], index) => `${parameters.add(rows.map((row) => row[index] ?? null))}::${type}[]`,
    );
    const names = columns.map(([name]) => name).join(', ');
    return `INSERT INTO ${this.table} (${names}) SELECT * FROM unnest(${lists.join(', ')}) ${this.#tail}`;
  }
}
