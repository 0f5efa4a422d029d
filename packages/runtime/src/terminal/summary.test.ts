import { expect, test } from 'vitest';
import type { RunEvent } from '@run-pipeline/core/model';
import { diagnosticLines } from './diagnostics.js';
import { Progress } from './progress.js';
import { createStyle } from './style.js';
import { summaryLines, word, type SummaryOptions } from './summary.js';
import { artifact, Events } from './testing/events.js';
import { formatAge, formatBytes, formatDuration } from './units.js';

const style = createStyle(false);

function summary(events: readonly RunEvent[], more: Partial<SummaryOptions> = {}): readonly string[] {
  const progress = new Progress();
  for (const event of events) {
    progress.apply(event, 0);
  }
  return summaryLines({
    style,
    progress,
    tail: () => [],
    attempts: () => undefined,
    inputs: () => [],
    trace: false,
    ...more,
  });
}

test('a fully cached run says that nothing was executed', () => {
  const events = new Events();
  events.start(['a', ['b', 'a']]);
  events.end('a', 'cached', { cachedFrom: '01OLD' as never, savedMs: 61_000 });
  events.end('b', 'cached', { cachedFrom: '01OLD' as never });
  events.finish();
  expect(summary(events.list)).toEqual([
    '✔ iris #3 completed in 4.2s · nothing to execute: all 2 steps cached (from run 01OLD, saved 1m 01s)',
  ]);
});

test('where steps were executed is said when some were on agents', () => {
  const events = new Events();
  events.start(['a', 'b', 'c', 'd']);
  for (const [step, agent] of [
    ['a', 'box:7'],
    ['b', 'box:8'],
    ['c', 'box:7'],
    ['d', undefined],
  ] as const) {
    events.begin(step, 1, agent);
    events.end(step);
  }
  events.finish();
  expect(summary(events.list)[1]).toBe('  executed: 2 on box:7, 1 on box:8, 1 by the run itself');
});

test('counts, the cached share, artifacts of the last steps first', () => {
  const events = new Events();
  events.start(['a', ['b', 'a'], ['c', 'b']]);
  events.end('a', 'cached', {
    cachedFrom: '01OLD' as never,
    savedMs: 2000,
    artifacts: [artifact('rows', 5_000_000)],
  });
  events.end('b', 'completed');
  events.end('c', 'completed', { artifacts: [{ ...artifact('accuracy', 4), preview: '0.97' }] });
  events.finish();
  expect(summary(events.list)).toEqual([
    '✔ iris #3 completed in 4.2s · 3 steps: 2 completed, 1 cached (33%, saved 2.0s)',
    '  c.accuracy  superjson       4 B  0.97',
    '  a.rows      superjson    4.8 MB',
    'next: run-pipeline get 01RUN c.accuracy  the value',
  ]);
});

test('a failure shows what, where, inputs, attempts, causes, frames, what was skipped and what to do', () => {
  const events = new Events();
  events.start(['load', ['train', 'load'], ['report', 'train'], ['publish', 'report']]);
  events.end('load');
  events.end('train', 'failed', {
    attempt: 3,
    error: {
      name: 'TypeError',
      message: "Cannot read properties of undefined (reading 'value')",
      at: 'pipe.ts:5:16',
      frame: '  4 │   const first = rows[0];\n> 5 │   return first.value * lr;\n    │                ^',
      stack: 'at train (pipe.ts:5:16)\nat main (pipe.ts:9:1)',
      cause: { name: 'Error', message: 'no rows', at: 'load.ts:2:3' },
    },
  });
  events.end('report', 'skipped');
  events.end('publish', 'skipped');
  events.finish('failed');
  const lines = summary(events.list, {
    tail: () => ['epoch 1'],
    attempts: () => 3,
    inputs: () => [
      { name: 'rows', shown: '[]' },
      { name: 'lr', shown: '0.01' },
    ],
  });
  expect(lines).toEqual([
    '',
    "✖ train failed: TypeError: Cannot read properties of undefined (reading 'value')",
    'pipe.ts:5:16',
    '  4 │   const first = rows[0];',
    '> 5 │   return first.value * lr;',
    '    │                ^',
    'input rows = []',
    'input lr = 0.01',
    'attempt 3/3',
    'caused by Error: no rows (load.ts:2:3)',
    '  at train (pipe.ts:5:16)',
    '  at main (pipe.ts:9:1)',
    'the last line of its output:',
    '│ epoch 1',
    'skipped because of it: report, publish',
    '',
    '✖ iris #3 failed in 4.2s · 4 steps: 1 completed, 1 failed, 2 skipped',
    'next: run-pipeline resume 01RUN      the same code again; completed steps are kept',
    '      run-pipeline rerun 01RUN       the file as it is now',
    '      run-pipeline logs 01RUN train  its whole output',
    '      run-pipeline why 01RUN train   why it was executed',
  ]);
});

test('a definition error shows both places with their source', () => {
  const lines = diagnosticLines(
    {
      code: 'captured-local',
      severity: 'error',
      message: '`rate` is a local variable of main',
      at: { file: '/p/pipe.ts', line: 9, column: 3 },
      related: [{ message: 'declared here', at: { file: '/p/pipe.ts', line: 2, column: 9 } }],
      help: 'pass it as an input',
    },
    { style, cwd: '/p', frame: (at) => `> ${at.line} │ code` },
  );
  expect(lines).toEqual([
    '✖ `rate` is a local variable of main captured-local',
    'pipe.ts:9:3',
    '> 9 │ code',
    '└ declared here',
    'pipe.ts:2:9',
    '> 2 │ code',
    '→ pass it as an input',
  ]);
});

test('units round before they choose the unit', () => {
  expect([0, 999, 59_960, 3_599_900, 7_260_000].map(formatDuration)).toEqual([
    '0ms',
    '999ms',
    '1m 00s',
    '1h 00m',
    '2h 01m',
  ]);
  expect([0, 1023, 1024, 1024 * 1023.9, 5e9].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KB',
    '1.0 MB',
    '4.7 GB',
  ]);
  expect([10, 120_000, 7_200_000, 4 * 86_400_000].map(formatAge)).toEqual([
    'just now',
    '2m ago',
    '2h ago',
    '4d ago',
  ]);
});

test('a command to copy is quoted where the shell would read it otherwise', () => {
  expect(word('train.model')).toBe('train.model');
  expect(word('score[0]')).toBe("'score[0]'");
  expect(word("it's")).toBe(`'it'\\''s'`);
});

test('a step that fails again after a resume is counted once', () => {
  const events = new Events();
  events.start(['a', 'b', ['c', 'b']]);
  events.end('a', 'completed');
  events.end('b', 'failed');
  events.end('c', 'skipped');
  events.finish('failed');
  events.add({ type: 'run.resume', epoch: 2 });
  events.end('b', 'failed');
  events.end('c', 'skipped');
  events.finish('failed');
  expect(summary(events.list).join('\n')).toContain('3 steps: 1 completed, 1 failed, 1 skipped');
});

test('the value to look at is that of the last step that nothing took from', () => {
  const events = new Events();
  events.start(['load', ['count', 'load'], ['report', 'load'], ['later', 'report']]);
  events.end('load', 'completed', { artifacts: [artifact('rows', 1)] });
  events.end('count', 'completed', { artifacts: [artifact('number', 1)] });
  events.end('report', 'completed', { artifacts: [artifact('text', 1), artifact('title', 1)] });
  events.end('later', 'skipped');
  events.finish();
  const lines = summary(events.list);
  expect(lines.slice(1, -1).map((line) => line.trim().split(' ')[0])).toEqual([
    'report.text',
    'report.title',
    'count.number',
    'load.rows',
  ]);
  expect(lines.at(-1)).toBe('next: run-pipeline get 01RUN report.text  the value');
});

test('a preview ends where the terminal does', () => {
  const events = new Events();
  events.start(['a']);
  events.end('a', 'completed', { artifacts: [{ ...artifact('rows', 4), preview: 'x'.repeat(200) }] });
  events.finish();
  const width = (columns: number | undefined) =>
    summary(events.list, { columns }).find((line) => line.includes('a.rows'))!.length;
  expect(width(50)).toBe(50);
  expect(width(undefined)).toBeGreaterThan(80);
});
