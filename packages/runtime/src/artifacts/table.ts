import { types } from 'node:util';

/** Rows that are compared to call an array a table; the rest is taken to look alike. */
const SAMPLE = 50;
const MAX_COLUMNS = 200;
const MAX_COLUMN_NAME = 200;

export type Row = Readonly<Record<string, unknown>>;

/** Whether a value reads as a table: an array of plain objects with the same keys (the first 50 are looked at). */
export function isRowTable(value: unknown): value is readonly Row[] {
  if (!Array.isArray(value) || types.isProxy(value) || value.length === 0) return false;
  const columns = rowKeys(value[0]);
  if (columns === undefined || columns.length === 0) return false;
  for (let index = 1; index < Math.min(value.length, SAMPLE); index++) {
    const keys = rowKeys(value[index]);
    if (keys?.length !== columns.length || !keys.every((key, at) => key === columns[at])) return false;
  }
  return true;
}

/** `rows` and the names of the first `columns`, for values that read as a table. */
export function tableMeta(
  value: unknown,
): { readonly rows: number; readonly columns: readonly string[] } | undefined {
  if (!isRowTable(value)) return undefined;
  const columns = Object.keys(value[0]!);
  return {
    rows: value.length,
    columns: columns.slice(0, MAX_COLUMNS).map((name) => name.slice(0, MAX_COLUMN_NAME)),
  };
}

function rowKeys(row: unknown): readonly string[] | undefined {
  if (typeof row !== 'object' || row === null || types.isProxy(row)) return undefined;
  return Object.getPrototypeOf(row) === Object.prototype ? Object.keys(row) : undefined;
}
