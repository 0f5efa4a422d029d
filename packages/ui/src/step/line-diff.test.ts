import { expect, test } from 'vitest';
import { diffLines } from './line-diff.js';

const shown = (before: string, now: string): readonly string[] =>
  diffLines([...before], [...now]).map(
    ({ change, text }) => `${change === 'same' ? ' ' : change === 'added' ? '+' : '-'}${text}`,
  );

test('common lines stay, around them as little as possible changes', () => {
  expect(shown('abcde', 'abXde')).toEqual([' a', ' b', '-c', '+X', ' d', ' e']);
  expect(shown('abc', 'bcd')).toEqual(['-a', ' b', ' c', '+d']);
  expect(shown('', 'ab')).toEqual(['+a', '+b']);
  expect(shown('aa', 'a')).toEqual([' a', '-a']);
});

test('lines have the numbers of the text they stand in', () => {
  const lines = diffLines(['a', 'b', 'c'], ['b', 'x', 'c']);
  expect(lines.map(({ before, now }) => [before, now])).toEqual([
    [0, undefined],
    [1, 0],
    [undefined, 1],
    [2, 2],
  ]);
});

test('texts that have nothing in common are replaced, however long', () => {
  const before = Array.from({ length: 3000 }, (_, index) => `a${index}`);
  const now = Array.from({ length: 3000 }, (_, index) => `b${index}`);
  expect(diffLines(before, now)).toHaveLength(6000);
});
