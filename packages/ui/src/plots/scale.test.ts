import { expect, test } from 'vitest';
import { linearScale, niceTicks } from './scale.js';

test('ticks are round and hold all values', () => {
  expect(niceTicks(0, 9.3, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(niceTicks(0.11, 0.34, 4)).toEqual([0.1, 0.2, 0.3, 0.4]);
  expect(niceTicks(5, 5, 2)).toEqual([0, 5, 10]);
  expect(niceTicks(Infinity, -Infinity, 4)).toEqual([0, 1]);
});

test('values that are none are passed over', () => {
  const scale = linearScale([Number.NaN, 2, 10], [0, 100], { about: 5, zero: true });
  expect(scale.ticks).toEqual([0, 2, 4, 6, 8, 10]);
  expect(scale.at(5)).toBe(50);
});
