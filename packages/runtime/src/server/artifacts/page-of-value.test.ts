import { describe, expect, test } from 'vitest';
import { readDelimited, delimiterOf } from './delimited.js';
import { ForeignValue, pageOfValue, SortOrders, type ValueQuery } from './page-of-value.js';

const query = (more: Partial<ValueQuery> = {}): ValueQuery => ({
  asTree: false,
  offset: 0,
  limit: 100,
  sort: undefined,
  descending: false,
  path: [],
  ...more,
});

const tree = (value: unknown, more: Partial<ValueQuery> = {}) =>
  pageOfValue(value, query({ asTree: true, ...more }));

describe('tables', () => {
  const rows = [
    { id: 3, name: 'c', note: undefined },
    { id: 1, name: 'a', extra: [1, 2] },
    { id: 2, name: 'b', when: new Date('2026-01-02T03:04:05Z') },
  ];

  test('records are rows; the columns are those of any of the first ones', () => {
    expect(pageOfValue(rows, query())).toEqual({
      kind: 'table',
      columns: ['id', 'name', 'note', 'extra', 'when'],
      rows: [
        { index: 0, cells: [3, 'c', null, null, null] },
        { index: 1, cells: [1, 'a', null, '[1, 2]', null] },
        { index: 2, cells: [2, 'b', null, null, '2026-01-02T03:04:05.000Z'] },
      ],
      total: 3,
    });
  });

  test('sorting names the rows by their place in the value; what has no value comes last both ways', () => {
    const ids = (more: Partial<ValueQuery>): readonly number[] => {
      const page = pageOfValue(rows, query(more));
      return page.kind === 'table' ? page.rows.map(({ index }) => index) : [];
    };
    expect(ids({ sort: 'id' })).toEqual([1, 2, 0]);
    expect(ids({ sort: 'id', descending: true })).toEqual([0, 2, 1]);
    expect(ids({ sort: 'when' })).toEqual([2, 0, 1]);
    expect(ids({ sort: 'when', descending: true })).toEqual([2, 0, 1]);
    expect(ids({ sort: 'nope' })).toEqual([0, 1, 2]);
    expect(ids({ sort: 'id', offset: 1, limit: 1 })).toEqual([2]);
    expect(ids({ sort: '__proto__' })).toEqual([0, 1, 2]);
  });

  test('an order is kept for the value that it was made of, and no other', () => {
    const orders = new SortOrders();
    const first = pageOfValue([{ a: 2 }, { a: 1 }], query({ sort: 'a' }), orders);
    const second = pageOfValue([{ a: 1 }, { a: 2 }], query({ sort: 'a' }), orders);
    expect(first).toMatchObject({ rows: [{ index: 1 }, { index: 0 }] });
    expect(second).toMatchObject({ rows: [{ index: 0 }, { index: 1 }] });
  });

  test('a column named like what every object has is a column', () => {
    const value = JSON.parse('[{"__proto__": 1, "constructor": 2}]') as unknown;
    expect(pageOfValue(value, query())).toMatchObject({
      columns: ['__proto__', 'constructor'],
      rows: [{ cells: [1, 2] }],
    });
    expect(pageOfValue([{ a: 1 }, {}], query())).toMatchObject({ rows: [{ cells: [1] }, { cells: [null] }] });
  });

  test('lists of anything else are trees, and so is a table on request', () => {
    for (const value of [[], [1], [{ a: 1 }, 2], [[1]], [{}], 'text', 5])
      expect(pageOfValue(value, query()).kind).toBe(typeof value === 'string' ? 'text' : 'tree');
    expect(tree([{ a: 1 }]).kind).toBe('tree');
  });
});

describe('trees', () => {
  test('one level at a time, with what is below by its size', () => {
    expect(tree({ a: [1, { b: 2 }], c: 'text', d: null })).toEqual({
      kind: 'tree',
      node: {
        type: 'object',
        size: 3,
        entries: [
          { key: 'a', node: { type: 'array', size: 2 } },
          { key: 'c', node: { type: 'string', value: 'text' } },
          { key: 'd', node: { type: 'null', value: null } },
        ],
      },
      total: 3,
    });
    expect(tree({ a: [1, { b: 2 }] }, { path: ['a', '1'] })).toMatchObject({
      node: { type: 'object', entries: [{ key: 'b', node: { type: 'number', value: 2 } }] },
    });
    expect(tree({ a: 1 }, { path: ['b'] })).toEqual({ kind: 'bytes', reason: 'the value has no such part' });
    expect(tree([1, 2, 3], { offset: 1, limit: 1 })).toMatchObject({
      node: { entries: [{ key: '1' }] },
      total: 3,
    });
  });

  test('a path goes through own keys only', () => {
    for (const key of ['__proto__', 'constructor', 'length', 'toString', '-1', '1e0', '9'])
      expect([key, tree([1], { path: [key] }).kind]).toEqual([key, 'bytes']);
    expect(tree(JSON.parse('{"__proto__": {"x": 1}}'), { path: ['__proto__', 'x'] })).toMatchObject({
      node: { value: 1 },
    });
  });

  test('values that JSON does not know have their own types', () => {
    const value = {
      map: new Map<unknown, unknown>([
        ['k', 1],
        [{ a: 1 }, 2],
      ]),
      set: new Set([1]),
      floats: new Float64Array([1.5, 2.5]),
      date: new Date('2026-01-02T03:04:05Z'),
      invalid: new Date(Number.NaN),
      big: 12n,
      nan: Number.NaN,
      negative: -0,
      nothing: undefined,
      error: new TypeError('wrong'),
      pattern: /a+/g,
      url: new URL('https://example.org/'),
      foreign: new ForeignValue('matrix', 12),
    };
    const page = tree(value);
    const shown =
      page.kind === 'tree'
        ? page.node.entries!.map(({ key, node }) => [key, node.type, node.value ?? node.size])
        : [];
    expect(shown).toEqual([
      ['map', 'Map', 2],
      ['set', 'Set', 1],
      ['floats', 'Float64Array', 2],
      ['date', 'Date', '2026-01-02T03:04:05.000Z'],
      ['invalid', 'Date', 'invalid date'],
      ['big', 'bigint', '12n'],
      ['nan', 'number', 'NaN'],
      ['negative', 'number', '-0'],
      ['nothing', 'undefined', 'undefined'],
      ['error', 'Error', 2],
      ['pattern', 'RegExp', '/a+/g'],
      ['url', 'URL', expect.stringContaining('https://example.org/')],
      ['foreign', 'matrix', 'matrix, 12 bytes'],
    ]);
    expect(tree(value, { path: ['map'] })).toMatchObject({
      node: {
        entries: [
          { key: '0', label: 'k' },
          { key: '1', label: '{a: 1}' },
        ],
      },
    });
    expect(tree(value, { path: ['map', '1'] })).toMatchObject({ node: { value: 2 } });
    expect(tree(value, { path: ['floats', '1'] })).toMatchObject({ node: { value: 2.5 } });
  });

  test('long texts are cut, and say how long they are', () => {
    const page = tree({ text: 'x'.repeat(50_000) });
    expect(page).toMatchObject({ node: { entries: [{ node: { size: 50_000 } }] } });
    expect(JSON.stringify(page).length).toBeLessThan(11_000);
    const cells = pageOfValue([{ text: 'x'.repeat(50_000) }], query());
    expect(JSON.stringify(cells).length).toBeLessThan(500);
  });
});

describe('delimited files', () => {
  const rowsOf = (text: string, name = 'x.csv'): unknown => {
    const table = readDelimited(text, delimiterOf(name, text));
    const page = table === undefined ? undefined : pageOfValue(table, query());
    return page?.kind === 'table' ? [page.columns, ...page.rows.map(({ cells }) => cells)] : page;
  };

  test('quotes, delimiters and line ends inside of fields; empty fields and lines', () => {
    expect(rowsOf('a,b,c\r\n1,"x, ""y""\nz",\n\n,2,3')).toEqual([
      ['a', 'b', 'c'],
      [1, 'x, "y"\nz', ''],
      ['', 2, 3],
    ]);
    expect(rowsOf('a,b\n"unclosed')).toEqual([
      ['a', 'b'],
      ['unclosed', null],
    ]);
    expect(rowsOf('\ufeffa;b\n1;2', 'x.csv')).toEqual([
      ['a', 'b'],
      [1, 2],
    ]);
    expect(rowsOf('a\tb\n1\t2', 'x.tsv')).toEqual([
      ['a', 'b'],
      [1, 2],
    ]);
    expect(rowsOf('a,b,\n1,2,')).toEqual([
      ['a', 'b', ''],
      [1, 2, ''],
    ]);
  });

  test('numbers are numbers, unless that would change how they are written', () => {
    expect(rowsOf('v\n1.5\n-2e3\n007\n1e999\n0x10\n ')).toEqual([
      ['v'],
      [1.5],
      [-2000],
      ['007'],
      ['1e999'],
      ['0x10'],
      [' '],
    ]);
  });

  test('names that come twice are told apart', () => {
    expect(rowsOf('a,a,__proto__\n1,2,3')).toEqual([
      ['a', 'a (2)', '__proto__'],
      [1, 2, 3],
    ]);
  });
});
