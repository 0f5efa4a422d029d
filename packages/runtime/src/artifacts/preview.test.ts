import { expect, test } from 'vitest';
import { PREVIEW_LIMIT, previewText, previewValue } from './preview.js';

test.each([
  [{ a: 1, 'b c': 'x', list: [1, null, true] }, '{a: 1, "b c": "x", list: [1, null, true]}'],
  [undefined, 'undefined'],
  [-0, '-0'],
  [10n ** 20n, '100000000000000000000n'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Map<unknown, unknown>([['a', new Set([1])]]), 'Map(1) {"a" => Set(1) {1}}'],
  [new Float64Array([1.5, -0]), 'Float64Array(2) [1.5, -0]'],
  [Buffer.from('hi'), 'Buffer(2) <6869>'],
  [new TypeError('bad'), 'TypeError: bad'],
  [/a/g, '/a/g'],
  [new URL('https://example.com'), '"https://example.com/"'],
  [[], '[]'],
])('%o is shown', (value, shown) => {
  expect(previewValue(value)).toBe(shown);
});

test('a table is shown as its first rows, one a line', () => {
  const rows = Array.from({ length: 150 }, (_, id) => ({ id, name: `n${id}` }));
  const lines = previewValue(rows).split('\n');
  expect(lines[0]).toBe('{id: 0, name: "n0"}');
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe('… 130 more rows');
});

test('a preview is never longer than its limit, in bytes, and never half a character', () => {
  const wide = Array.from({ length: 3000 }, (_, index) => ({ [`key ${index}`]: '💚'.repeat(2000) }));
  for (const value of ['💚'.repeat(10_000), wide, [wide], new Map(wide.entries()), new Float64Array(1e6)]) {
    const shown = previewValue(value);
    expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(PREVIEW_LIMIT);
    expect(shown).not.toMatch(/\ufffd|\p{Surrogate}/u);
  }
  expect(Buffer.byteLength(previewText('💚'.repeat(10_000)))).toBeLessThanOrEqual(PREVIEW_LIMIT);
});

test('nothing in a value controls a terminal', () => {
  const hostile = '\u001b]0;title\u0007\u001b[2J\r\u009b31m\u202egnp.exe\u2066';
  for (const shown of [
    previewValue(hostile),
    previewValue({ [hostile]: hostile }),
    previewText(hostile),
    previewValue(new Error(hostile)),
    previewValue([{ [hostile]: 1 }]),
  ]) {
    // eslint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  }
});

test('a hostile value is shown without running its code', () => {
  let ran = false;
  const run = (): never => {
    ran = true;
    throw new Error('ran');
  };
  const hostile = {
    get a() {
      return run();
    },
    b: new Proxy({}, { get: run, ownKeys: run, getPrototypeOf: run }),
    toString: run,
    [Symbol.toPrimitive]: run,
  };
  expect(previewValue(hostile)).toContain('a: [getter], b: [Proxy]');
  expect(ran).toBe(false);
});

test('a cycle ends', () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  expect(previewValue(loop)).toContain('self: {self:');
});
