import { expect, test } from 'vitest';
import { PLAIN, ansiSpans, lookAfter, plainText } from './ansi.js';

test('colours and faces, until they are reset', () => {
  expect(ansiSpans('a\u001b[1;31mb\u001b[39mc\u001b[0md')).toEqual([
    { text: 'a' },
    { text: 'b', bold: true, fg: 1 },
    { text: 'c', bold: true },
    { text: 'd' },
  ]);
  expect(ansiSpans('\u001b[96mx\u001b[mz')).toEqual([{ text: 'x', fg: 14 }, { text: 'z' }]);
});

test('a colour goes on over the end of its line', () => {
  const look = lookAfter('a\u001b[31mb', PLAIN);
  expect(ansiSpans('c\u001b[1md', look)).toEqual([
    { text: 'c', fg: 1 },
    { text: 'd', fg: 1, bold: true },
  ]);
  expect(lookAfter('no sequence', look)).toBe(look);
  expect(lookAfter('\u001b[0m', look)).toBe(PLAIN);
});

test('256 and true colours', () => {
  expect(ansiSpans('\u001b[38;5;196ma\u001b[48;2;1;2;3mb\u001b[38:5:9mc')).toEqual([
    { text: 'a', fg: 'rgb(255 0 0)' },
    { text: 'b', fg: 'rgb(255 0 0)', bg: 'rgb(1 2 3)' },
    { text: 'c', fg: 9, bg: 'rgb(1 2 3)' },
  ]);
  expect(ansiSpans('\u001b[38;2;999;0;0mx')).toEqual([{ text: 'x', fg: 'rgb(255 0 0)' }]);
});

test('what moves the cursor, sets titles or makes links is dropped', () => {
  expect(
    plainText(
      '\u001b[2J\u001b[10;10Ha\u001b]0;title\u0007b\u001b]8;;javascript:alert(1)\u001b\\link\u001b]8;;\u001b\\',
    ),
  ).toBe('ablink');
  expect(plainText('\u009b31mred\u001b(Bx\u001b')).toBe('redx');
});

test('control characters are seen and do nothing', () => {
  expect(plainText('a\u0000b\u0008c\td\u007f')).toBe('a␀b␈c\td␡');
});

test('markup stays text', () => {
  expect(ansiSpans('<img src=x onerror=alert(1)>')).toEqual([{ text: '<img src=x onerror=alert(1)>' }]);
});
