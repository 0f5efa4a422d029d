import { expect, test } from 'vitest';
import { rank } from './rank.js';

const commands = ['Abort this run', 'step_two', 'two_step', 'train[12]', 'Open the table'].map((label) => ({
  id: label,
  label,
  group: 'x',
  run: () => undefined,
}));
const found = (text: string): readonly string[] => rank(commands, text).map(({ label }) => label);

test('a name that begins with the letters comes before one that holds them, and that before scattered ones', () => {
  expect(found('two')).toEqual(['two_step', 'step_two']);
  expect(found('step')).toEqual(['step_two', 'two_step']);
  expect(found('ott')).toEqual(['Abort this run', 'Open the table']);
});

test('letters that no name holds in this order find nothing', () => {
  expect(found('zz')).toEqual([]);
});

test('without letters everything is offered, in the order given', () => {
  expect(found(' ')).toHaveLength(commands.length);
});
