import { expect, test } from 'vitest';
import { codeFrame } from './code-frame.js';

const at = (line: number, column: number) => ({ file: '/nowhere/pipe.ts', line, column });

test('the line is marked, the one before it shown, a caret under the column', () => {
  const source = 'a\nb\nc\n  const first = rows[0];\n  return first.value * lr;\n}\n';
  expect(codeFrame(at(5, 16), { source })).toBe(
    ['  4 │   const first = rows[0];', '> 5 │   return first.value * lr;', '    │                ^'].join(
      '\n',
    ),
  );
});

test('line numbers are aligned, lines after come behind the caret', () => {
  const source = Array.from({ length: 12 }, (_, index) => `line${index + 1}`).join('\n');
  expect(codeFrame(at(9, 1), { source, linesBefore: 1, linesAfter: 1 })).toBe(
    ['   8 │ line8', '>  9 │ line9', '     │ ^', '  10 │ line10'].join('\n'),
  );
});

test('tabs are spaces and the caret stays under its character', () => {
  expect(codeFrame(at(1, 3), { source: '\t\tboom();' })).toBe(
    ['> 1 │     boom();', '    │     ^'].join('\n'),
  );
});

test('a long line is cut around the caret', () => {
  const source = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
  const [line, caret] = codeFrame(at(1, 501), { source, width: 40 })!.split('\n');
  expect(line!.length).toBe('> 1 │ '.length + 40);
  expect(line!.slice(caret!.indexOf('^'))).toMatch(/^HERE/);
});

test('terminal escapes in the source are not passed on', () => {
  expect(codeFrame(at(1, 1), { source: 'a\u001b[31mb\u202e' })).toContain('a·[31mb·');
});

test('a place that is not there has no frame', () => {
  expect(codeFrame(at(1, 1))).toBeUndefined();
  expect(codeFrame(at(9, 1), { source: 'one' })).toBeUndefined();
});

test('a column behind the end of the line points at the end', () => {
  expect(codeFrame(at(1, 99), { source: 'ab' })).toBe(['> 1 │ ab', '    │   ^'].join('\n'));
});

test('a password in an address is not shown, and the caret stays where it was', () => {
  const source = `const a = connect('postgres://app:a-long-password@db/runs').then(oops);`;
  const frame = codeFrame({ file: 'a.ts', line: 1, column: source.indexOf('oops') + 1 }, { source })!;
  const [line, caret] = frame.split('\n');
  expect(line).toContain('postgres://app:***@db/runs');
  expect(line!.indexOf('oops')).toBe(caret!.indexOf('^'));
});
