import { expect, test } from 'vitest';
import { cut, displayWidth, pad } from './width.js';

test('widths: ASCII, CJK, emoji, combining marks, colours', () => {
  expect(displayWidth('abc')).toBe(3);
  expect(displayWidth('計算')).toBe(4);
  expect(displayWidth('🚀')).toBe(2);
  expect(displayWidth('e\u0301')).toBe(1);
  expect(displayWidth('\u001b[31mred\u001b[0m')).toBe(3);
  expect(displayWidth('❤\ufe0f')).toBe(2);
  expect(displayWidth('한글')).toBe(4);
  expect(displayWidth('✔ ━ │ …')).toBe(7);
});

test('a cut text fits, ends with an ellipsis and closes its colours', () => {
  expect(cut('abcdef', 6)).toBe('abcdef');
  expect(cut('abcdef', 5)).toBe('abcd…');
  expect(cut('計算計算', 5)).toBe('計算…');
  expect(cut('計算計算', 4)).toBe('計…');
  expect(cut('\u001b[31mabcdef\u001b[0m', 4)).toBe('\u001b[31mabc…\u001b[0m');
  expect(cut('abc', 0)).toBe('');
  for (const text of ['e\u0301'.repeat(9), '👩‍👩‍👧x'.repeat(3), '🇩🇪'.repeat(4), '❤\ufe0f'.repeat(7)]) {
    for (let width = 1; width < 12; width++)
      expect(displayWidth(cut(text, width))).toBeLessThanOrEqual(width);
  }
});

test('padding counts cells', () => {
  expect(pad('計', 4)).toBe('計  ');
  expect(pad('1', 3, 'left')).toBe('  1');
});
