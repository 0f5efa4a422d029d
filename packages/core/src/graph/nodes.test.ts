import { expect, test } from 'vitest';
import { each } from '../define/each.js';
import { HANDLE, type HandleTarget } from '../define/issue.js';
import { compileCall, parentNames } from './call.js';
import { compileInputs, type ArgumentShape } from './inputs.js';
import { eachInputs, elementCount, elementInputs } from './mapped.js';
import { elementName, uniqueNodeName } from './node-name.js';
import { makeNode } from './node.js';
import { stepFixture } from './pipeline.fixture.js';

/** As `define` makes them: a symbol, and nothing else may be touched. */
function handle(name: string, returnName?: string): object {
  const target: HandleTarget = { node: { name, value: () => Promise.resolve() }, returnName };
  return new Proxy(
    { [HANDLE]: target },
    {
      get: (shown, key) => {
        if (key === HANDLE) return shown[HANDLE];
        throw new Error(`touched ${String(key)}`);
      },
      ownKeys: () => {
        throw new Error('listed');
      },
    },
  );
}

test('nodes are called train, train_1, train_2', () => {
  const taken = new Set<string>();
  const names = Array.from({ length: 5 }, () => {
    const name = uniqueNodeName('train', taken);
    taken.add(name);
    return name;
  });
  expect(names).toEqual(['train', 'train_1', 'train_2', 'train_3', 'train_4']);
  expect(uniqueNodeName('train_1', new Set(['train_1']))).toBe('train_1_1');
});

test('ten thousand equal names are numbered densely and quickly', () => {
  const taken = new Map<string, true>();
  for (let count = 0; count < 10_000; count++) taken.set(uniqueNodeName('train', taken), true);
  expect(taken.has('train_9999')).toBe(true);
});

test('a node of a call has its handles as parents', () => {
  const { shape, diagnostics } = compileCall({
    args: [
      [handle('split', 'train'), handle('split', 'test')],
      { model: handle('fit') },
      handle('both'),
      '$<not.parsed>',
      handle('nothing'),
      3,
    ],
    returnsOf: (name) => ({ both: ['a', 'b'], nothing: [] as string[] })[name],
  });
  expect(diagnostics).toEqual([]);
  const node = makeNode({
    definition: stepFixture('train', {}, 1),
    name: 'train_1',
    inputs: shape,
    parents: parentNames([handle('before'), 'split', 'named']),
  });
  expect(node).toMatchObject({
    name: 'train_1',
    mapped: false,
    children: [],
    parents: ['split', 'fit', 'both', 'before', 'named'],
  });
  expect((shape as Extract<ArgumentShape, { kind: 'positional' }>).values.slice(2)).toMatchObject([
    {
      kind: 'object',
      entries: [
        ['a', { kind: 'reference' }],
        ['b', { kind: 'reference' }],
      ],
    },
    { kind: 'literal', value: '$<not.parsed>' },
    { kind: 'literal', value: undefined },
    { kind: 'literal', value: 3 },
  ]);
});

test('a parent that is neither handle nor name is an error', () => {
  expect(() => parentNames([5])).toThrow('a parent is a handle or the name of a node, not a number');
  expect(() => parentNames([{}])).toThrow(expect.objectContaining({ code: 'unknown-parent' }));
});

test('an element can be a node of its own', () => {
  const { shape } = compileInputs({ kind: 'positional', values: ['$<score[1].result>'] });
  const definition = stepFixture('best', {}, 1);
  expect(makeNode({ definition, inputs: shape }).parents).toEqual(['score']);
  expect(makeNode({ definition, inputs: shape, elementsAreNodes: true }).parents).toEqual(['score[1]']);
});

test('a mapped step becomes one set of inputs for each element', () => {
  const { shape } = compileInputs({
    kind: 'named',
    values: { row: each(['a', 'b']), rate: 0.1, label: each([1, 2]) },
  });
  expect(eachInputs(shape).map(({ label }) => label)).toEqual(['inputs.row', 'inputs.label']);
  const lists = eachInputs(shape).map(({ label, list }) => ({
    label,
    value: list.kind === 'literal' ? list.value : undefined,
  }));
  expect(elementCount('score', lists)).toBe(2);
  const second = elementInputs(shape, ({ list }) => ({
    kind: 'literal',
    value: list.kind === 'literal' && Array.isArray(list.value) ? list.value[1] : undefined,
  }));
  expect(second).toEqual({
    kind: 'named',
    values: [
      ['row', { kind: 'literal', value: 'b' }],
      ['rate', { kind: 'literal', value: 0.1 }],
      ['label', { kind: 'literal', value: 2 }],
    ],
  });
  expect(elementName('score', 1)).toBe('score[1]');
});

test('lists that are none, or of unequal length, are errors that name the input', () => {
  expect(elementCount('s', [])).toBe(0);
  expect(elementCount('s', [{ label: 'inputs[0]', value: [] }])).toBe(0);
  expect(elementCount('s', [{ label: 'inputs[0]', value: new Uint8Array(3) }])).toBe(3);
  expect(() => elementCount('s', [{ label: 'inputs[0]', value: 'text' }])).toThrow(
    'step `s`: inputs[0]: each() takes a list',
  );
  expect(() =>
    elementCount('s', [
      { label: 'inputs[0]', value: [1] },
      { label: 'inputs.b', value: [1, 2] },
    ]),
  ).toThrow('inputs[0] has 1 elements and inputs.b has 2');
});
