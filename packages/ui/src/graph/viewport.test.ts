import { expect, test } from 'vitest';
import { centre, filled } from './viewport.js';

const screen = { width: 800, height: 600 };
const box = (left: number, top: number) => ({ left, top, right: left + 200, bottom: top + 50 });
const view = { x: 0, y: 0, k: 1 };

test('what is looked at first of a large graph is not surrounded by emptiness', () => {
  const size = { width: 5000, height: 3000 };
  const at = (left: number, top: number) => filled(centre(view, box(left, top), screen), size, screen);
  expect(at(0, 0)).toEqual({ k: 1, x: 24, y: 24 });
  expect(at(4800, 2950)).toEqual({ k: 1, x: 800 - 24 - 5000, y: 600 - 24 - 3000 });
  // In the middle it is in the middle.
  expect(at(2400, 1500)).toEqual({ k: 1, x: 400 - 2500, y: 300 - 1525 });
});

test('where one side has room for all of it, that is in the middle', () => {
  const size = { width: 5000, height: 100 };
  expect(filled(centre(view, box(0, 0), screen), size, screen)).toEqual({ k: 1, x: 24, y: 250 });
});
