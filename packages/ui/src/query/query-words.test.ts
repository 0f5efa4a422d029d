import { expect, test } from 'vitest';
import { complete, completions, toggleWord, words } from './query-words.js';

const known = {
  statuses: ['failed', 'running'],
  projects: ['examples', 'my project'],
  parameters: ['lr', 'depth'],
  metrics: ['accuracy'],
};

test('words are divided by blanks, but not inside of quotes', () => {
  expect(words(' status:failed "two words"  lr<0.01 "open')).toEqual([
    'status:failed',
    '"two words"',
    'lr<0.01',
    '"open',
  ]);
});

test('a word is added once and taken away again', () => {
  expect(toggleWord('lr<1', 'status:failed')).toBe('lr<1 status:failed');
  expect(toggleWord('lr<1 status:failed x', 'status:failed')).toBe('lr<1 x');
});

test('the word that is being typed is completed, nothing else', () => {
  expect(completions('status:failed acc', known).map(({ word }) => word)).toEqual(['accuracy>=']);
  expect(completions('my', known).map(({ word }) => word)).toEqual(['project:"my project"']);
  expect(completions('lr<1 ', known)).toEqual([]);
  expect(complete('status:failed acc', 'accuracy>=')).toBe('status:failed accuracy>=');
  expect(complete('sta', 'status:failed')).toBe('status:failed ');
});
