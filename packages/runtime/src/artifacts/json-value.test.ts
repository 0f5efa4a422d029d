import { expect, test } from 'vitest';
import { decodeJsonValue, encodeJsonValue } from './json-value.js';

test('a parameter keeps value and type through JSON', () => {
  const values = [
    0.25,
    42,
    -0,
    null,
    'x',
    true,
    [1, 'a'],
    { a: { b: 1 } },
    new Date(7),
    new Map([['k', 1]]),
    undefined,
    NaN,
  ];
  for (const value of values) {
    const text = JSON.stringify(encodeJsonValue(value, 'General/x'));
    expect(decodeJsonValue(JSON.parse(text) as never)).toEqual(value);
  }
});

test('bytes and functions are refused with the name of the parameter', () => {
  expect(() => encodeJsonValue(new Uint8Array(3), 'General/x')).toThrow(/General\/x/);
  expect(() => encodeJsonValue({ run: () => 1 }, 'General/x')).toThrow(/General\/x/);
});

test("what is decoded is nobody else's", () => {
  const given = { a: [1] };
  const encoded = encodeJsonValue(given, 'x');
  given.a.push(2);
  (decodeJsonValue(encoded) as { a: number[] }).a.push(3);
  expect(decodeJsonValue(encoded)).toEqual({ a: [1] });
});
