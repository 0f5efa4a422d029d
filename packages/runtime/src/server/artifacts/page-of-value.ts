import type { ArtifactPage, Cell, TreeNode } from '@run-pipeline/core/wire';
import { types } from 'node:util';
import { previewValue } from '../../artifacts/index.js';

/** Which part of a decoded value. */
export interface ValueQuery {
  readonly asTree: boolean;
  readonly offset: number;
  readonly limit: number;
  readonly sort: string | undefined;
  readonly descending: boolean;
  readonly path: readonly string[];
}

const LONGEST_STRING = 10_000;
const LONGEST_CELL = 300;
const MOST_COLUMNS = 500;
/** Rows that tell the columns of a table. */
const SAMPLE = 200;

/** A value that another program's codec wrote: only that one can read it. */
export class ForeignValue {
  readonly codec: string;
  readonly size: number;
  constructor(codec: string, size: number) {
    this.codec = codec;
    this.size = size;
  }
}

export function pageOfValue(
  value: unknown,
  query: ValueQuery,
  order: SortOrders = new SortOrders(),
): ArtifactPage {
  const part = partAt(value, query.path);
  if (part === undefined) return { kind: 'bytes', reason: 'the value has no such part' };
  const table = query.asTree ? undefined : asTable(part.value);
  if (table !== undefined) return pageOfTable(table, query, order.of(part.value, table, query));
  if (typeof part.value === 'string' && !query.asTree) return pageOfLines(part.value.split('\n'), query);
  const entries = entriesOf(part.value);
  return {
    kind: 'tree',
    node: nodeOf(part.value, query),
    total: entries?.size ?? 0,
  };
}

export function pageOfLines(
  lines: readonly string[],
  query: Pick<ValueQuery, 'offset' | 'limit'>,
): ArtifactPage {
  const shown = lines.slice(query.offset, query.offset + query.limit);
  return {
    kind: 'text',
    text: shown.map((line) => cut(line, LONGEST_STRING)).join('\n'),
    total: lines.length,
  };
}

/** Rows as a reader of tables wants them: by index and column. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: number;
  readonly cell: (row: number, column: string) => unknown;
}

function pageOfTable(table: Table, query: ValueQuery, order: Uint32Array | undefined): ArtifactPage {
  const rows: { readonly index: number; readonly cells: readonly Cell[] }[] = [];
  const end = Math.min(query.offset + query.limit, table.rows);
  for (let at = query.offset; at < end; at++) {
    const index = order?.[at] ?? at;
    rows.push({ index, cells: table.columns.map((column) => cellOf(table.cell(index, column))) });
  }
  return { kind: 'table', columns: table.columns, rows, total: table.rows };
}

/** A list of records, not only of equal ones: what most of the first ones have are the columns. */
export function asTable(value: unknown): Table | undefined {
  if (value instanceof DelimitedRows) return value.table;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const columns = new Set<string>();
  for (const row of value.slice(0, SAMPLE)) {
    if (!isRecord(row)) return undefined;
    for (const key of Object.keys(row)) if (columns.size < MOST_COLUMNS) columns.add(key);
  }
  if (columns.size === 0) return undefined;
  return {
    columns: [...columns],
    rows: value.length,
    cell(index, column) {
      const row: unknown = value[index];
      return isRecord(row) && Object.hasOwn(row, column) ? row[column] : undefined;
    },
  };
}

/** The rows of a `.csv` file. */
export class DelimitedRows {
  readonly table: Table;
  constructor(columns: readonly string[], rows: readonly (readonly string[])[]) {
    const places = new Map(columns.map((column, index) => [column, index]));
    this.table = {
      columns,
      rows: rows.length,
      cell: (index, column) => asNumber(rows[index]?.[places.get(column)!]),
    };
  }
}

/** Text that reads as a number is compared and aligned as one; `007` and `1e400` stay text. */
function asNumber(text: string | undefined): unknown {
  if (text === undefined || !/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return text;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function cellOf(value: unknown): Cell {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : shown(value);
  if (typeof value === 'string') return cut(value, LONGEST_CELL);
  if (value === undefined) return null;
  return cut(shown(value), LONGEST_CELL);
}

/** Text of a value that JSON has no own word for. */
function shown(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof ForeignValue) return `${value.codec}, ${value.size} bytes`;
  return previewValue(value);
}

/** Keeps the orders that were asked for, so that turning a page sorts nothing. */
export class SortOrders {
  readonly #orders = new Map<string, { readonly value: unknown; readonly order: Uint32Array }>();

  of(
    value: unknown,
    table: Table,
    query: Pick<ValueQuery, 'sort' | 'descending' | 'path'>,
  ): Uint32Array | undefined {
    const { sort, descending } = query;
    if (sort === undefined || !table.columns.includes(sort)) return undefined;
    const key = JSON.stringify([query.path, sort, descending]);
    const known = this.#orders.get(key);
    if (known !== undefined && known.value === value) return known.order;
    const order = Uint32Array.from({ length: table.rows }, (_, index) => index);
    const cells = Array.from(order, (index) => sortKey(table.cell(index, sort)));
    const sign = descending ? -1 : 1;
    // What has no value comes last, whichever way the rest goes.
    order.sort((a, b) => compareKeys(cells[a]!, cells[b]!, sign) || a - b);
    this.#orders.set(key, { value, order });
    if (this.#orders.size > 8)
      for (const oldest of this.#orders.keys()) return (this.#orders.delete(oldest), order);
    return order;
  }
}

type SortKey = number | string | undefined;

function sortKey(value: unknown): SortKey {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' ? value : shown(value);
}

function compareKeys(a: SortKey, b: SortKey, sign: number): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  // Of a column with both, numbers come first.
  if (typeof a !== typeof b) return sign * (typeof a === 'number' ? -1 : 1);
  return a < b ? -sign : a > b ? sign : 0;
}

function nodeOf(value: unknown, range: { readonly offset: number; readonly limit: number }): TreeNode {
  const entries = entriesOf(value);
  if (entries === undefined) return leafOf(value);
  const shownEntries: { readonly key: string; readonly label?: string; readonly node: TreeNode }[] = [];
  for (const { key, label, value: child } of entries.slice(range.offset, range.offset + range.limit)) {
    const node = childOf(child);
    shownEntries.push(label === undefined ? { key, node } : { key, label, node });
  }
  return { type: typeName(value), size: entries.size, entries: shownEntries };
}

/** A child without its own entries: they are asked for when it is opened. */
function childOf(value: unknown): TreeNode {
  const entries = entriesOf(value);
  return entries === undefined ? leafOf(value) : { type: typeName(value), size: entries.size };
}

function leafOf(value: unknown): TreeNode {
  const type = typeName(value);
  if (typeof value === 'string')
    return value.length <= LONGEST_STRING
      ? { type, value }
      : { type, value: cut(value, LONGEST_STRING), size: value.length };
  if (value === null || typeof value === 'boolean') return { type, value };
  if (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0)) return { type, value };
  return { type, value: cut(shown(value), LONGEST_STRING) };
}

interface Entry {
  readonly key: string;
  readonly label?: string;
  readonly value: unknown;
}
interface Entries {
  readonly size: number;
  readonly slice: (from: number, to: number) => readonly Entry[];
  readonly get: (key: string) => { readonly value: unknown } | undefined;
}

/** What is inside a value; undefined of a leaf. */
function entriesOf(value: unknown): Entries | undefined {
  if (typeof value !== 'object' || value === null || value instanceof ForeignValue) return undefined;
  if (value instanceof DelimitedRows) return listEntries(rowsOf(value.table));
  if (Array.isArray(value)) return listEntries(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return listEntries(value as unknown as ArrayLike<unknown>);
  if (value instanceof Map) {
    // A key can be anything: its place names it.
    const keys = [...value.keys()] as readonly unknown[];
    return listEntries([...value.values()], (index) => cut(shownKey(keys[index]), LONGEST_CELL));
  }
  if (value instanceof Set) return listEntries([...value]);
  if (types.isNativeError(value))
    return recordEntries({ ...value, name: value.name, message: value.message });
  if (isRecord(value)) return recordEntries(value);
  return undefined;
}

const shownKey = (key: unknown): string => (typeof key === 'string' ? key : previewValue(key));

function rowsOf(table: Table): readonly unknown[] {
  return Array.from({ length: table.rows }, (_, index) =>
    Object.fromEntries(table.columns.map((column) => [column, table.cell(index, column)])),
  );
}

function listEntries(list: ArrayLike<unknown>, label?: (index: number) => string): Entries {
  return {
    size: list.length,
    slice: (from, to) =>
      Array.from({ length: Math.max(0, Math.min(to, list.length) - from) }, (_, at): Entry => {
        const index = from + at;
        const entry = { key: String(index), value: list[index] };
        return label === undefined ? entry : { ...entry, label: label(index) };
      }),
    get: (key) =>
      /^\d{1,15}$/.test(key) && Number(key) < list.length ? { value: list[Number(key)] } : undefined,
  };
}

function recordEntries(record: Readonly<Record<string, unknown>>): Entries {
  const keys = Object.keys(record);
  return {
    size: keys.length,
    slice: (from, to) => keys.slice(from, to).map((key) => ({ key, value: record[key] })),
    // Only its own: `__proto__` and `constructor` are names like any other.
    get: (key) => (Object.hasOwn(record, key) ? { value: record[key] } : undefined),
  };
}

function partAt(value: unknown, path: readonly string[]): { readonly value: unknown } | undefined {
  let part: { readonly value: unknown } | undefined = { value };
  for (const key of path) {
    part = entriesOf(part.value)?.get(key);
    if (part === undefined) return undefined;
  }
  return part;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof ForeignValue) return value.codec;
  if (value instanceof DelimitedRows || Array.isArray(value)) return 'array';
  if (typeof value !== 'object') return typeof value;
  if (isRecord(value)) return 'object';
  if (types.isNativeError(value)) return 'Error';
  // The tag of a built-in type: only those are made when a value is read.
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;
