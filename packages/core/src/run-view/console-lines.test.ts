import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConsoleLines, LONGEST_CONSOLE_LINE, shownConsoleText, type ConsoleChunk } from './console-lines.js';

const out = (text: string, ts = 't'): ConsoleChunk => ({ stream: 'stdout', text, ts });
const err = (text: string, ts = 't'): ConsoleChunk => ({ stream: 'stderr', text, ts });

function fold(chunks: readonly ConsoleChunk[]): {
  readonly ended: readonly string[];
  readonly open: readonly string[];
} {
  const lines = new ConsoleLines();
  const ended = chunks.flatMap((chunk) => lines.push(chunk)).map(({ text }) => text);
  return { ended, open: lines.open().map(({ text }) => shownConsoleText(text)) };
}

describe('lines of a console', () => {
  test('a line that comes in pieces is one line, whatever the other stream writes meanwhile', () => {
    expect(fold([out('a'), err('warned\n'), out('b\nc')])).toEqual({ ended: ['warned', 'ab'], open: ['c'] });
  });

  test('empty lines are lines', () => {
    expect(fold([out('\n\na\n')])).toEqual({ ended: ['', '', 'a'], open: [] });
  });

  test('a carriage return begins the line anew; before a line end it is part of it', () => {
    expect(fold([err('10%\r'), err('20%\r'), out('step\n'), err('30%')])).toEqual({
      ended: ['step'],
      open: ['30%'],
    });
    expect(fold([err('10%\r'), err('\n')])).toEqual({ ended: ['10%'], open: [] });
    expect(fold([out('windows\r\n'), out('mac\rover\r\r\n')])).toEqual({
      ended: ['windows', 'over'],
      open: [],
    });
  });

  test('the time of a line is when it began', () => {
    const lines = new ConsoleLines();
    lines.push(out('a', '1'));
    expect(lines.push(out('b\nc\n', '2')).map(({ ts }) => ts)).toEqual(['1', '2']);
  });

  test('a line that never ends is cut, and nothing of it is lost', () => {
    const text = 'x'.repeat(2.5 * LONGEST_CONSOLE_LINE);
    const { ended, open } = fold([out(text)]);
    expect(ended.map(({ length }) => length)).toEqual([LONGEST_CONSOLE_LINE, LONGEST_CONSOLE_LINE]);
    expect([...ended, ...open].join('')).toBe(text);
  });

  test('however a stream is cut into chunks, and wherever one goes on, the lines are the same', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '\n', '\r', '\r\n', 'long text'), { maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (parts, cuts) => {
        const whole = parts.join('');
        const at = [...new Set([0, whole.length, ...cuts.map((cut) => Math.min(cut, whole.length))])];
        at.sort((a, b) => a - b);
        let lines = new ConsoleLines();
        const ended: string[] = [];
        for (const [index, start] of at.entries()) {
          for (const line of lines.push(out(whole.slice(start, at[index + 1])))) ended.push(line.text);
          lines = new ConsoleLines(lines.open());
        }
        const open = lines.open().map(({ text }) => shownConsoleText(text));
        expect({ ended, open }).toEqual(fold([out(whole)]));
      }),
    );
  });
});
