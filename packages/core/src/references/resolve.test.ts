import { expect, test } from 'vitest';
import { parseTemplate } from './parse.js';
import { interpolate, readPath } from './resolve.js';

test('a path goes through objects, arrays, typed arrays and maps', () => {
  const value = {
    rows: [{ name: 'a' }],
    weights: new Float64Array([1, 2]),
    byName: new Map<unknown, unknown>([
      ['x', 1],
      [3, 'three'],
    ]),
  };
  expect(readPath(value, [])).toBe(value);
  expect(readPath(value, ['rows', '0', 'name'])).toBe('a');
  expect(readPath(value, ['rows', 'length'])).toBe(1);
  expect(readPath(value, ['weights', '1'])).toBe(2);
  expect(readPath(value, ['weights', 'length'])).toBe(2);
  expect(readPath(value, ['byName', 'x'])).toBe(1);
  expect(readPath(value, ['byName', '3'])).toBe('three');
  expect(readPath({ gone: undefined }, ['gone'])).toBeUndefined();
});

test('a missing part is an error that names the first one and what was meant', () => {
  expect(() =>
    readPath({ rows: [{ name: 'a' }] }, ['rows', '0', 'nmae', 'x'], '$<load.data.rows.0.nmae.x>'),
  ).toThrow(
    expect.objectContaining({
      code: 'missing-part',
      message: '$<load.data.rows.0.nmae.x>: there is no `nmae` at `rows.0`, which is an object',
      help: 'did you mean `name`?',
    }),
  );
  expect(() => readPath([1, 2], ['2'])).toThrow('the value: there is no `2`, which is an array of 2');
  expect(() => readPath({ a: undefined }, ['a', 'b'])).toThrow('at `a`, which is undefined');
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('%s is not inherited', (part) => {
  for (const value of [{}, [], new Map(), new (class Model {})(), 'text', 5]) {
    expect(() => readPath(value, [part])).toThrow(expect.objectContaining({ code: 'missing-part' }));
  }
  expect(readPath(JSON.parse(`{"${part}": 1}`), [part])).toBe(1);
});

test('indexes of arrays are canonical', () => {
  for (const part of ['-1', '01', '1.0', ' 0', ''])
    expect(() => readPath([1, 2], [part])).toThrow(/there is no/);
});

test('text takes primitives and dates', () => {
  const text = (value: unknown): string => {
    const template = parseTemplate('<$<a.b>|$<a.b>>');
    return interpolate(template.kind === 'template' ? template.parts : [], () => value);
  };
  expect(text('x')).toBe('<x|x>');
  expect(text(0.1)).toBe('<0.1|0.1>');
  expect(text(10n)).toBe('<10|10>');
  expect(text(false)).toBe('<false|false>');
  expect(text(null)).toBe('<null|null>');
  expect(text(new Date(0))).toBe('<1970-01-01T00:00:00.000Z|1970-01-01T00:00:00.000Z>');
  for (const [value, what] of [
    [{}, 'an object'],
    [[1], 'an array of 1'],
    [undefined, 'undefined'],
    [new Map(), 'a Map'],
    [new Date(NaN), 'an invalid Date'],
    [Symbol('s'), 'a symbol'],
  ] as const) {
    expect(() => text(value)).toThrow(`\`$<a.b>\` stands inside text, but it is ${what}`);
  }
});
