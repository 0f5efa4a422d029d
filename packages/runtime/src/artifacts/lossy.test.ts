import { file, HANDLE } from '@run-pipeline/core/define';
import { isRunPipelineError, type RunPipelineError } from '@run-pipeline/core/model';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { hashValue } from './encode.js';
import { image, text } from './markers.js';

async function refusal(value: unknown): Promise<RunPipelineError> {
  try {
    await hashValue(value, { path: 'model' });
  } catch (error) {
    if (isRunPipelineError(error)) return error;
    throw error;
  }
  throw new Error('it was taken');
}

class Layer {
  readonly size = 3;
}
class Numbers extends Array<number> {}
class HttpError extends Error {}
const bare = (value: object): object => value;

const cases: readonly (readonly [what: string, value: unknown, message: string])[] = [
  ['a function', { layers: [{}, {}, { activate: () => 1 }] }, 'model.layers[2].activate is a function'],
  ['a function alone', () => 1, 'model is a function'],
  ['a class', { Layer }, 'model.Layer is a function'],
  ['a symbol', { kind: Symbol('x') }, 'model.kind is a symbol (Symbol(x))'],
  ['a symbol as a key', { [Symbol('x')]: 1 }, 'model has a symbol as a key (Symbol(x))'],
  ['a class instance', { layer: new Layer() }, 'model.layer is an instance of Layer'],
  ['an array of a class', { n: Numbers.from([1]) }, 'model.n is an array of the class Numbers'],
  ['an error of a class', { e: new HttpError('x') }, 'model.e is an error of the class HttpError'],
  ['a hole', { list: [1, , 3] }, 'model.list[1] is a hole in an array'], // eslint-disable-line no-sparse-arrays
  [
    'a long array with a hole',
    Object.assign(
      Array.from({ length: 200 }, () => 1),
      { length: 201 },
    ),
    'model[200] is a hole in an array',
  ],
  ['a match', ['abc'.match(/b/)], 'model[0] is an array with a property of its own (index)'],
  [
    'a long array with a property',
    Object.assign(
      Array.from({ length: 200 }, () => 1),
      { total: 200 },
    ),
    'model is an array with a property of its own (total)',
  ],
  ['an invalid date', [{ 'made at': new Date('x') }], 'model[0]["made at"] is an invalid Date'],
  ['a Promise', { rows: Promise.resolve(1) }, 'model.rows is a Promise (is an await missing?)'],
  ['a generator', { rows: (function* () {})() }, 'model.rows is a generator, which can be read only once'],
  ['a WeakMap', { cache: new WeakMap() }, 'model.cache is an instance of WeakMap'],
  ['a WeakRef', { it: new WeakRef({}) }, 'model.it is an instance of WeakRef'],
  ['a boxed number', { n: new Number(1) }, 'model.n is a Number object'], // eslint-disable-line no-new-wrappers
  ['a Proxy', { state: new Proxy({}, {}) }, 'model.state is a Proxy'],
  [
    'a handle',
    { rows: new Proxy({}, { has: (_, key) => key === HANDLE }) },
    'model.rows is the handle of a step',
  ],
  [
    'a Proxy that throws',
    {
      state: new Proxy(
        {},
        {
          has: () => {
            throw new Error('no');
          },
        },
      ),
    },
    'model.state is a Proxy',
  ],
  [
    'a hidden property',
    Object.defineProperty({}, 'secret', { value: 1 }),
    'model.secret is a hidden (non-enumerable) property',
  ],
  [
    'a property on a Map',
    Object.assign(new Map(), { total: 1 }),
    'model is a Map with a property of its own (total)',
  ],
  [
    'a property on a Set',
    Object.assign(new Set(), { total: 1 }),
    'model is a Set with a property of its own (total)',
  ],
  [
    'a property on a Date',
    Object.assign(new Date(), { zone: 'CET' }),
    'model is a Date with a property of its own (zone)',
  ],
  [
    'a search half-way',
    Object.assign(/a/g, { lastIndex: 2 }),
    'model is a RegExp in the middle of a search (lastIndex 2)',
  ],
  [
    'shared memory',
    { shared: new Int32Array(new SharedArrayBuffer(8)) },
    'model.shared is backed by shared memory (SharedArrayBuffer): copy it with slice()',
  ],
  [
    'shared memory alone',
    new Int32Array(new SharedArrayBuffer(8)),
    'model is backed by shared memory (SharedArrayBuffer): copy it with slice()',
  ],
  [
    'a subclass of Uint8Array',
    [new (class Bytes extends Uint8Array {})(1)],
    'model[0] is an instance of Bytes',
  ],
  [
    'a value of a Map',
    new Map([['layers', [Symbol('x')]]]),
    'model.get("layers")[0] is a symbol (Symbol(x))',
  ],
  ['a key of a Map', new Map([[() => 1, 1]]), 'model.get(an object) (the key) is a function'],
  ['a member of a Set', { all: new Set([1, () => 1]) }, 'model.all (member 1) is a function'],
  ['the cause of an error', new Error('x', { cause: { retry: () => 1 } }), 'model.cause.retry is a function'],
  [
    'a property of an error',
    Object.assign(new TypeError('x'), { retry: () => 1 }),
    'model.retry is a function',
  ],
  ['without a prototype', Object.assign(Object.create(null), { f: () => 1 }), 'model.f is a function'],
  ['a file inside', { report: file('report.csv') }, 'model.report is a file() inside another value'],
  ['a text inside', { report: text('x') }, 'model.report is a text() inside another value'],
  [
    'an image inside',
    [image(Buffer.of(1), { mime: 'image/png' })],
    'model[0] is an image() inside another value',
  ],
  ['an iterator', bare([1].values()), 'model is an instance of Array Iterator'],
  ['an array of another realm', [runInNewContext('[1]')], 'model[0] is an array of the class Array'],
  [
    'an object of another realm',
    [runInNewContext('({ a: 1 })')],
    'model[0] is an instance of Object from another realm (node:vm)',
  ],
  ['half a surrogate pair as text()', text('\ud800'), 'model is text with half of a surrogate pair in it'],
];

test.each(cases)('%s is refused, naming the place', async (_what, value, message) => {
  const error = await refusal(value);
  expect(error.message).toContain(message);
  expect(error).toMatchObject({ kind: 'artifact', code: 'artifact-lossy' });
  expect(error.help).toBeTruthy();
});

test('a long chain is refused as nested too deeply', async () => {
  let value: unknown = 1;
  for (let depth = 0; depth < 200_000; depth++) value = { next: value };
  expect((await refusal(value)).message).toBe('model is nested too deeply to be stored');
});

test('a toJSON on a built-in prototype is refused, since it changes every value', async () => {
  Object.defineProperty(Array.prototype, 'toJSON', { value: () => 'gone', configurable: true });
  try {
    expect((await refusal([1])).message).toContain('Array.prototype.toJSON is defined');
  } finally {
    delete (Array.prototype as { toJSON?: unknown }).toJSON;
  }
});

test('an object whose property is named toJSON is data when it is no function', async () => {
  await expect(hashValue({ toJSON: 1 }, { path: 'model' })).resolves.toMatchObject({ type: 'superjson' });
  expect((await refusal({ toJSON: () => 1 })).message).toBe('model.toJSON is a function');
});

test('a getter counts as the value it gives', async () => {
  const value = {
    get total() {
      return 3;
    },
  };
  expect(await hashValue(value, { path: 'model' })).toEqual(await hashValue({ total: 3 }, { path: 'model' }));
});

test('a getter that throws is an error that names the value and keeps the cause', async () => {
  const cause = new Error('not loaded');
  const value = {
    get total(): number {
      throw cause;
    },
  };
  expect(await refusal(value)).toMatchObject({ code: 'codec-failed', cause });
});
