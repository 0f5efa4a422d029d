import { expect, test } from 'vitest';
import { queryWords } from './query-words.js';

test('fields, comparisons and words; quotes keep blanks, colons and operators together', () => {
  expect(
    queryWords('  status:failed lr<0.01 a>=b  n!=1 text "two words" p:"a b" x="1 2" "c:d" a:b:c '),
  ).toEqual([
    { kind: 'field', name: 'status', value: 'failed' },
    { kind: 'compare', name: 'lr', operator: '<', value: '0.01' },
    { kind: 'compare', name: 'a', operator: '>=', value: 'b' },
    { kind: 'compare', name: 'n', operator: '!=', value: '1' },
    { kind: 'text', text: 'text' },
    { kind: 'text', text: 'two words' },
    { kind: 'field', name: 'p', value: 'a b' },
    { kind: 'compare', name: 'x', operator: '=', value: '1 2' },
    { kind: 'text', text: 'c:d' },
    { kind: 'field', name: 'a', value: 'b:c' },
  ]);
  expect(queryWords('')).toEqual([]);
  expect(queryWords('"open quote')).toEqual([{ kind: 'text', text: 'open quote' }]);
});
