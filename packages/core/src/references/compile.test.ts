import fc from 'fast-check';
import { expect, test } from 'vitest';
import { each } from '../define/each.js';
import { directory, file } from '../define/file-value.js';
import { compileInput, compileInputWithProblems, referencesOf } from './compile.js';
import { escapeText, formatReference } from './parse.js';
import type { InputNode } from './reference.js';

const problemsOf = (value: unknown): readonly string[] =>
  compileInputWithProblems(value).problems.map((problem) => `${problem.code}: ${problem.message}`);
const names = (value: unknown): readonly string[] => referencesOf(compileInput(value)).map(formatReference);

test('a value without references is one literal that holds the same object', () => {
  class Model {
    weights = ['$<not.looked>'];
  }
  const values = [
    1,
    null,
    undefined,
    'text',
    10n,
    [1, [2, { a: 3 }]],
    { a: { b: [] } },
    new Date(0),
    new Map([['a', '$<x.y>']]),
    new Set([1]),
    new Float64Array(3),
    new Model(),
    () => 1,
    Symbol.iterator,
    Object.create(null),
  ];
  for (const value of values) {
    const node = compileInput(value);
    expect(node.kind).toBe('literal');
    expect((node as Extract<InputNode, { kind: 'literal' }>).value).toBe(value);
  }
});

test('references are found inside nested arrays and plain objects', () => {
  const value = {
    rows: ['$<a.x>', 1, { deep: [['$<b.y>']] }],
    name: 'x-$<pipeline.p>-${a.x}',
    other: { plain: true },
  };
  expect(names(value)).toEqual(['$<a.x>', '$<b.y>', '$<pipeline.p>', '$<a.x>']);
  const node = compileInput(value) as Extract<InputNode, { kind: 'object' }>;
  expect(node.entries.map(([key, entry]) => [key, entry.kind])).toEqual([
    ['rows', 'list'],
    ['name', 'template'],
    ['other', 'literal'],
  ]);
  expect(node.entries[2]).toEqual(['other', { kind: 'literal', value: value.other }]);
  expect(Object.values(node.entries[2]?.[1] ?? {})).toContain(value.other);
});

test('an object of another realm or without a prototype is plain', () => {
  expect(names(Object.assign(Object.create(null) as object, { a: '$<a.x>' }))).toEqual(['$<a.x>']);
});

test('an escape inside a value makes a copy and leaves the original alone', () => {
  const value = { a: ['$$<x.y>', 1], b: { c: 2 } };
  const frozen = Object.freeze(value);
  const node = compileInput(frozen) as Extract<InputNode, { kind: 'literal' }>;
  expect(node).toEqual({ kind: 'literal', value: { a: ['$<x.y>', 1], b: { c: 2 } } });
  expect(frozen.a[0]).toBe('$$<x.y>');
});

test('__proto__ and constructor are keys like any other', () => {
  const value = JSON.parse('{"__proto__": "$<a.x>", "constructor": "$$<b>"}') as object;
  const node = compileInput(value) as Extract<InputNode, { kind: 'object' }>;
  expect(node.entries.map(([key]) => key)).toEqual(['__proto__', 'constructor']);
  const escaped = compileInput(JSON.parse('{"__proto__": "$$<a.x>"}')) as Extract<
    InputNode,
    { kind: 'literal' }
  >;
  expect(JSON.stringify(escaped.value)).toBe('{"__proto__":"$<a.x>"}');
  expect(Object.getPrototypeOf(escaped.value)).toBe(Object.prototype);
});

test('files stay nodes, also inside values, and their path may hold references', () => {
  expect(compileInput(file('data/$<pipeline.name>.csv'))).toMatchObject({
    kind: 'file',
    directory: false,
    path: { kind: 'template' },
  });
  expect(compileInput({ a: [directory('x')] })).toMatchObject({
    kind: 'object',
    entries: [
      [
        'a',
        { kind: 'list', items: [{ kind: 'file', directory: true, path: { kind: 'literal', value: 'x' } }] },
      ],
    ],
  });
});

test('each() takes a reference or an array', () => {
  expect(compileInput(each('$<load.files>'))).toMatchObject({ kind: 'each', list: { kind: 'reference' } });
  expect(compileInput(each([1, 2]))).toEqual({ kind: 'each', list: { kind: 'literal', value: [1, 2] } });
  expect(compileInput(each(['$<a.x>', file('b')]))).toMatchObject({ kind: 'each', list: { kind: 'list' } });
  expect(problemsOf(each('text'))).toEqual([expect.stringContaining('each-list')]);
  expect(problemsOf(each('a $<b.c>'))).toEqual([expect.stringContaining('each-list')]);
});

test('each() inside a value or another each() is an error that names the place', () => {
  expect(problemsOf({ a: [each([1])] })).toEqual([
    'nested-each: input.a[0]: each() can only be a whole input, not inside another value',
  ]);
  expect(problemsOf(each([each([1])]))).toEqual([expect.stringContaining('nested-each: input[0]')]);
  expect(problemsOf(each(each([1]) as never))).toEqual([expect.stringContaining('nested-each')]);
});

test('every invalid reference is reported with its place', () => {
  expect(problemsOf({ a: '$<x>', b: ['$<y.z>', '$<>'] })).toEqual([
    expect.stringMatching(/^invalid-reference: input\.a: `\$<x>`/),
    expect.stringMatching(/^invalid-reference: input\.b\[1\]: `\$<>`/),
  ]);
  expect(() => compileInput({ a: '$<x>' })).toThrow(/not a reference/);
});

test('a value that holds itself is a literal, and an error with references', () => {
  const loop: Record<string, unknown> = { a: 1 };
  loop['self'] = [loop];
  expect(compileInput(loop)).toEqual({ kind: 'literal', value: loop });
  loop['reference'] = '$<a.x>';
  expect(problemsOf(loop)).toEqual([expect.stringContaining('cyclic-input')]);
});

test('shared structure costs its size, not its paths', () => {
  let value: unknown = '$<a.x>';
  for (let depth = 0; depth < 200; depth++) value = [value, value];
  expect(names(value)).toEqual(['$<a.x>', '$<a.x>']);
});

test('what is nested too deep is an error, not a crash', () => {
  let value: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) value = [value];
  expect(problemsOf(value)).toEqual([expect.stringContaining('input-too-deep')]);
});

test('a huge sparse array does not hang; holes beside references are an error', () => {
  const sparse: unknown[] = [];
  sparse[4_000_000_000] = 1;
  expect(compileInput(sparse)).toEqual({ kind: 'literal', value: sparse });
  sparse[5] = '$<a.x>';
  expect(problemsOf(sparse)).toEqual([expect.stringContaining('input-lossy')]);
  expect(problemsOf({ a: '$<a.x>', [Symbol('s')]: 1 })).toEqual([expect.stringContaining('input-lossy')]);
});

test('values of a call are not searched for references, and handles become references', () => {
  const handle = new Proxy(() => 0, {
    get: () => {
      throw new Error('not touched');
    },
  });
  const reference = compileInput('$<train.result>');
  const node = compileInput(['$<a.x>', { model: handle }], {
    parse: false,
    substitute: (value) => (value === handle ? reference : undefined),
  });
  expect(referencesOf(node).map(formatReference)).toEqual(['$<train.result>']);
  expect(node).toMatchObject({
    kind: 'list',
    items: [{ kind: 'literal', value: '$<a.x>' }, { kind: 'object' }],
  });
});

/** What a node stands for when every reference stands for its own text. */
function evaluate(node: InputNode): unknown {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'reference':
      return { was: formatReference(node.reference) };
    case 'template':
      return node.parts.map((part) => (typeof part === 'string' ? part : formatReference(part))).join('');
    case 'list':
      return node.items.map(evaluate);
    case 'object':
      return Object.fromEntries(node.entries.map(([key, entry]) => [key, evaluate(entry)]));
    default:
      throw new Error(`unexpected ${node.kind}`);
  }
}

test('whatever is declared comes out again, with references in their places', () => {
  const reference = fc.constantFrom('$<a.x>', '$<pipeline.p.0.q>', '$<score[3].id>');
  const text = fc.string({ unit: fc.constantFrom('$', '<', '{', 'a', '.', '>') });
  // Pairs of what is declared and what must come out.
  const pair = fc.letrec<{ value: readonly [unknown, unknown] }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.integer(), fc.boolean(), fc.constant(null)).map((value) => [value, value] as const),
      text.map((value) => [escapeText(value), value] as const),
      reference.map((value) => [value, { was: value }] as const),
      fc
        .array(tie('value'), { maxLength: 4 })
        .map((items) => [items.map(([a]) => a), items.map(([, b]) => b)] as const),
      fc
        .dictionary(fc.oneof(fc.string(), fc.constantFrom('constructor', 'then', '$<a.x>')), tie('value'), {
          maxKeys: 4,
        })
        .map((entries) => {
          const side = (index: 0 | 1) =>
            Object.fromEntries(Object.entries(entries).map(([key, both]) => [key, both[index]]));
          return [side(0), side(1)] as const;
        }),
    ),
  })).value;
  fc.assert(
    fc.property(pair, ([declared, expected]) => {
      const before = JSON.stringify(declared);
      const node = compileInput(declared);
      expect(evaluate(node)).toEqual(expected);
      expect(JSON.stringify(declared)).toBe(before);
      if (referencesOf(node).length === 0) expect(node.kind).toBe('literal');
    }),
  );
});
