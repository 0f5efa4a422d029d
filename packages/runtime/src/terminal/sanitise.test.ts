import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableLine, printableWord } from './sanitise.js';

const piece = fc.constantFrom(
  '\u001b',
  '[',
  ']',
  'P',
  '\u009b',
  '\u009d',
  '\u0007',
  '\\',
  '31',
  'm',
  '2J',
  ';',
  '?',
  'x',
  ' ',
  '\u0090',
  '\u009c',
  '\r',
  '\b',
  '\u0000',
  '計',
  '\u202e',
);
const hostile = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

test('no control character survives in names and messages', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(CONTROLS);
      expect(printableWord(`${text}\n`)).not.toMatch(/\n/);
    }),
  );
});

test('of a line of output only colours survive, and they are closed', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const line = printableLine(text, true);
      // eslint-disable-next-line no-control-regex
      const rest = line.replace(/\u001b\[[0-9;:]*m/g, '');
      expect(rest).not.toMatch(CONTROLS);
      if (rest !== line) expect(line.endsWith('\u001b[0m')).toBe(true);
      expect(printableLine(text, false)).not.toMatch(CONTROLS);
    }),
  );
});

test('a carriage return starts the line again', () => {
  expect(printableLine('10%\r20%\r100%', true)).toBe('100%');
  expect(printableLine('100%\r', false)).toBe('100%');
});

test('an unfinished sequence does not swallow what follows', () => {
  expect(printableLine('a\u001b]0;title', true)).toBe('a');
  expect(printable('a\u001b[')).toBe('a');
  expect(printable('a\r\nb\tc')).toBe('a\nb\tc');
});
