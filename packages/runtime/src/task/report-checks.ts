/** The doors of the task logger: every check names the call and what it wants. */

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const LONGEST_NAME = 500;

export function checkOptions(call: string, options: unknown): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${call}: takes one object`);
}

export function checkName(call: string, what: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${call}: \`${what}\` must be a text`);
  if (value.length > LONGEST_NAME)
    throw new TypeError(`${call}: \`${what}\` is longer than ${LONGEST_NAME} characters`);
  return value;
}

export function checkIteration(call: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new TypeError(`${call}: \`iteration\` must be a whole number from 0, not ${String(value)}`);
  }
  return value as number;
}

export function checkTexts(
  call: string,
  what: string,
  value: readonly string[] | undefined,
  length: number,
): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new TypeError(`${call}: \`${what}\` must be a list of texts`);
  }
  if (value.length !== length) {
    throw new TypeError(`${call}: \`${what}\` has ${value.length} texts, ${length} are wanted`);
  }
  return [...(value as readonly string[])];
}

/** One or several lists of numbers, as several. */
export function checkValues(call: string, values: unknown): readonly (readonly number[])[] {
  if (isList(values) && (values.length === 0 || typeof values[0] === 'number'))
    return [numbers(call, 'values', values)];
  return checkRows(call, 'values', values);
}

export function checkMatrix(call: string, matrix: unknown): readonly (readonly number[])[] {
  const rows = checkRows(call, 'matrix', matrix);
  const width = rows[0]?.length ?? 0;
  const odd = rows.findIndex((row) => row.length !== width);
  if (odd !== -1) {
    throw new TypeError(
      `${call}: row ${odd} of \`matrix\` has ${rows[odd]?.length} numbers, row 0 has ${width}`,
    );
  }
  return rows;
}

export function checkPoints(call: string, points: unknown): readonly (readonly number[])[] {
  const rows = checkRows(call, 'points', points);
  const width = rows[0]?.length ?? 2;
  const odd = rows.findIndex((row) => row.length !== width);
  if ((width !== 2 && width !== 3) || odd !== -1) {
    throw new TypeError(
      `${call}: \`points\` must be all [x, y] or all [x, y, z]; point ${Math.max(odd, 0)} is not`,
    );
  }
  return rows;
}

/** Rows of objects become columns and rows: small to store, and the order of columns is kept. */
export function checkTable(call: string, table: unknown): Table {
  if (isTable(table)) {
    const odd = table.rows.findIndex((row) => !Array.isArray(row) || row.length !== table.columns.length);
    if (odd !== -1)
      throw new TypeError(
        `${call}: row ${odd} does not have ${table.columns.length} cells, one for each column`,
      );
    return { columns: [...table.columns], rows: table.rows.map((row) => row.map(cell)) };
  }
  if (
    !Array.isArray(table) ||
    !table.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))
  ) {
    throw new TypeError(`${call}: \`table\` must be a list of objects, or { columns, rows }`);
  }
  const rows = table as readonly Readonly<Record<string, unknown>>[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return {
    columns,
    rows: rows.map((row) => columns.map((column) => cell(Object.hasOwn(row, column) ? row[column] : null))),
  };
}

const cell = (value: unknown): unknown => (value === undefined ? null : value);

function isTable(value: unknown): value is Table {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { columns, rows } = value as Partial<Table>;
  return (
    Array.isArray(columns) && columns.every((column) => typeof column === 'string') && Array.isArray(rows)
  );
}

function checkRows(call: string, what: string, value: unknown): readonly (readonly number[])[] {
  if (!Array.isArray(value)) throw new TypeError(`${call}: \`${what}\` must be a list`);
  return value.map((row: unknown, index) => {
    if (!isList(row)) throw new TypeError(`${call}: \`${what}[${index}]\` must be a list of numbers`);
    return numbers(call, `${what}[${index}]`, row);
  });
}

function numbers(call: string, what: string, list: ArrayLike<unknown>): readonly number[] {
  const copy = Array.from(list);
  const odd = copy.findIndex((value) => typeof value !== 'number' || !Number.isFinite(value));
  if (odd !== -1)
    throw new TypeError(`${call}: \`${what}[${odd}]\` must be a finite number, not ${String(copy[odd])}`);
  return copy as readonly number[];
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
