import { expect, test } from 'vitest';
import { moved, readSpan, spanText, zoomed } from './span.js';

test('what is under the pointer stays there, and all of it is the least', () => {
  expect(zoomed({ from: 0, to: 1000 }, 2, 250, 1000)).toEqual({ from: 125, to: 625 });
  expect(zoomed({ from: 125, to: 625 }, 0.5, 250, 1000)).toBeUndefined();
  expect(zoomed({ from: 0, to: 1000 }, 1e9, 500, 1000)).toEqual({ from: 495, to: 505 });
  expect(zoomed({ from: 0, to: 4 }, 2, 1, 4)).toBeUndefined();
});

test('it does not leave the run', () => {
  expect(zoomed({ from: 0, to: 1000 }, 2, 0, 1000)).toEqual({ from: 0, to: 500 });
  expect(moved({ from: 100, to: 200 }, -500, 1000)).toEqual({ from: 0, to: 100 });
  expect(moved({ from: 100, to: 200 }, 5000, 1000)).toEqual({ from: 900, to: 1000 });
});

test('an address holds it; what is none is all of it', () => {
  expect(readSpan(spanText({ from: 100.4, to: 200.6 })!, 1000)).toEqual({ from: 100, to: 201 });
  for (const text of [null, '', '5', '9-1', 'a-b', '0-1000', '0-99999', '5-6', '__proto__'])
    expect([text, readSpan(text, 1000)]).toEqual([text, undefined]);
});
