import { expect, test } from 'vitest';
import { LiveReporter } from './live.js';
import { createStyle } from './style.js';
import { Events } from './testing/events.js';
import { VirtualTerminal } from './testing/virtual-terminal.js';

function open(
  options: { readonly columns?: number; readonly rows?: number; readonly colour?: boolean } = {},
) {
  const terminal = new VirtualTerminal(options.columns ?? 80, options.rows ?? 24);
  const clock = { now: 0 };
  const reporter = new LiveReporter({
    out: terminal,
    style: createStyle(options.colour ?? true),
    now: () => clock.now,
    frames: 'manual',
  });
  return { terminal, clock, reporter, events: new Events() };
}

test('finished steps scroll up and stay; the footer is gone at the end and the cursor is back', () => {
  const { terminal, clock, reporter, events } = open();
  reporter.event(events.start(['load', ['train', 'load']]));
  reporter.event(events.begin('load'));
  clock.now = 2500;
  reporter.frame();
  expect(terminal.cursorVisible).toBe(false);
  expect(terminal.text.slice(1)).toEqual([
    expect.stringMatching(/^. load 2\.5s$/),
    expect.stringContaining('0/2  1 running  2.5s'),
  ]);
  reporter.event(events.end('load'));
  reporter.event(events.begin('train'));
  reporter.frame();
  expect(terminal.text[1]).toBe('✔ load 1.2s');
  reporter.event(events.end('train'));
  reporter.event(events.finish());
  reporter.close();
  expect(terminal.text).toEqual(['▶ iris #3 (examples) 2 steps · run 01RUN', '✔ load 1.2s', '✔ train 1.2s']);
  expect(terminal.cursorVisible).toBe(true);
  expect(terminal.wrap).toBe(true);
  expect(terminal.synchronised).toBe(false);
});

test('the footer has at most ten running steps and leaves four rows free', () => {
  const { terminal, reporter, events } = open({ rows: 10 });
  const names = Array.from({ length: 30 }, (_, index) => `step_${index}`);
  reporter.event(events.start(names));
  for (const name of names) reporter.event(events.begin(name));
  reporter.frame();
  const footer = terminal.text.slice(1);
  expect(footer).toHaveLength(7);
  expect(footer[5]).toBe('  and 25 more running');
  terminal.rows = 60;
  reporter.frame();
  expect(terminal.text.slice(1)).toHaveLength(11);
});

test('in a terminal of a few rows only the summary bar remains', () => {
  const { terminal, reporter, events } = open({ rows: 4 });
  reporter.event(events.start(['a', 'b']));
  reporter.event(events.begin('a'));
  reporter.frame();
  expect(terminal.text.slice(1)).toEqual([expect.stringContaining('0/2  1 running')]);
});

test('a mapped step is one row, and one line when it has ended', () => {
  const { terminal, reporter, events } = open();
  reporter.event(events.start(['list', ['score', 'list']]));
  reporter.event(events.elements('score', 998));
  for (let index = 0; index < 417; index++) reporter.event(events.begin(`score[${index}]`));
  for (let index = 0; index < 412; index++) reporter.event(events.end(`score[${index}]`));
  reporter.event(events.end('score[412]', 'failed', { error: { name: 'Error', message: 'no rows' } }));
  reporter.frame();
  expect(terminal.text.slice(1)).toEqual([
    '✖ score[412] failed after 1.2s: Error: no rows',
    expect.stringMatching(/^. score\[×998\] 412 done 1 failed 4 running 0ms$/),
    expect.stringContaining('413/999  1 failed  4 running'),
  ]);
});

test('console output stands above the footer with the name of its step, also when it comes in pieces', () => {
  const { terminal, reporter, events } = open({ columns: 40 });
  reporter.event(events.start(['train']));
  reporter.event(events.begin('train'));
  reporter.frame();
  reporter.event(events.log('train', 'epoch 1\nepo'));
  reporter.event(events.log('train', 'ch 2\nlast without a break'));
  reporter.frame();
  expect(terminal.text.slice(1, 3)).toEqual(['train │ epoch 1', 'train │ epoch 2']);
  expect(terminal.text).toHaveLength(5);
  reporter.event(events.end('train'));
  reporter.close();
  expect(terminal.text.slice(1)).toEqual([
    'train │ epoch 1',
    'train │ epoch 2',
    'train │ last without a break',
    '✔ train 1.2s',
  ]);
});

test('output of a step cannot move the cursor, clear the screen or set the title', () => {
  const { terminal, reporter, events } = open();
  reporter.event(events.start(['evil\u001b[2J']));
  reporter.event(events.begin('evil\u001b[2J'));
  const attacks = [
    '\u001b[2J\u001b[H',
    '\u001b]0;title\u0007',
    '\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\',
    '\u009b2J',
    '\u001bc',
    '\u001b[?1049h',
    '\u001bP1$r\u001b\\',
    '\b\b\b',
    '\u0007',
    '\u001b[6n',
    '\u001b]52;c;aGk=',
    '\u202eabc',
    '\u001b[31mred',
  ];
  for (const attack of attacks) reporter.event(events.log('evil\u001b[2J', `a${attack}z\n`));
  reporter.frame();
  reporter.note('\u001b[2Jnote');
  // The virtual terminal throws on every sequence that is not the renderer's own.
  reporter.event(
    events.end('evil\u001b[2J', 'failed', {
      error: { name: 'E\u001b[1A', message: 'x\u001b[2J\ny', at: '\u001b[5Aat' },
    }),
  );
  reporter.close();
  expect(terminal.text.slice(1)).toEqual([
    'evil │ az',
    'evil │ az',
    'evil │ alinkz',
    'evil │ az',
    'evil │ az',
    'evil │ az',
    'evil │ az',
    'evil │ az',
    'evil │ az',
    'evil │ az',
    'evil │ a',
    'evil │ aabcz',
    'evil │ aredz',
    'note',
    '✖ evil failed after 1.2s: E: x (at)',
  ]);
});

test('wide characters and long names never break the footer', () => {
  const { terminal, reporter, events } = open({ columns: 20 });
  const names = ['計算'.repeat(20), '👩‍👩‍👧'.repeat(9), 'e\u0301'.repeat(40), '🇩🇪'.repeat(12)];
  reporter.event(events.start(names));
  for (const name of names) reporter.event(events.begin(name));
  for (let frame = 0; frame < 5; frame++) reporter.frame();
  reporter.event(events.log(names[0]!, 'x'.repeat(50) + '\n'));
  for (let frame = 0; frame < 5; frame++) reporter.frame();
  reporter.close();
  // Nothing of the footer is left behind.
  expect(terminal.text.filter((line) => line.includes('━') || line.includes('─'))).toEqual([]);
  expect(terminal.text.at(-1)).toMatch(/^x+$/);
});

test('a frame in which nothing changed writes nothing, a small change writes one line', () => {
  const { terminal, clock, reporter, events } = open();
  reporter.event(events.start(['a', 'b']));
  reporter.frame();
  const before = terminal.bytes;
  reporter.frame();
  expect(terminal.bytes).toBe(before);
  clock.now = 1000;
  reporter.frame();
  expect(terminal.bytes - before).toBeLessThan(200);
});

test('a terminal made narrower or wider keeps no rests of the old footer', () => {
  const { terminal, reporter, events } = open({ columns: 60 });
  reporter.event(events.start(['a', 'b'.repeat(50)]));
  reporter.event(events.begin('a'));
  reporter.event(events.begin('b'.repeat(50)));
  reporter.frame();
  terminal.resize(25);
  reporter.frame();
  terminal.resize(100);
  reporter.frame();
  reporter.event(events.end('a'));
  reporter.close();
  expect(terminal.text).toEqual([
    '▶ iris #3 (examples) 2 steps · run 01RUN'.slice(0, 25),
    '▶ iris #3 (examples) 2 steps · run 01RUN'.slice(25),
    '✔ a 1.2s',
  ]);
});

test('many steps that only say cached share a line', () => {
  const { terminal, reporter, events } = open();
  const names = Array.from({ length: 100 }, (_, index) => `s${index}`);
  reporter.event(events.start(names));
  for (const name of names) reporter.event(events.end(name, 'cached'));
  reporter.event(events.finish());
  reporter.close();
  expect(terminal.text.slice(1)).toEqual(['● 100 steps cached: s0, s1, s2, s3 and 96 more']);
});

test('a retry says why and when it goes on', () => {
  const { terminal, reporter, events } = open();
  reporter.event(events.start(['a']));
  reporter.event(events.begin('a'));
  reporter.event(
    events.add({
      type: 'step.retry',
      step: 'a' as never,
      attempt: 1,
      error: { name: 'Error', message: 'flaky' },
      delayMs: 1500,
    }),
  );
  reporter.event(events.begin('a', 2));
  reporter.frame();
  expect(terminal.text[1]).toBe('↻ a attempt 1 failed, again in 1.5s: Error: flaky');
  expect(terminal.text[2]).toMatch(/^. a \(attempt 2\) 0ms$/);
  reporter.close();
});

test('a flood of output is written on, not kept', () => {
  const { terminal, reporter, events } = open({ rows: 10 });
  reporter.event(events.start(['a']));
  reporter.event(events.begin('a'));
  reporter.event(events.log('a', `${'x'.repeat(200)}\n`.repeat(2000)));
  expect(terminal.bytes).toBeGreaterThan(300_000);
  reporter.close();
});

test('what waits for agents is told by queue, and who executes what', () => {
  const { terminal, clock, reporter, events } = open();
  reporter.event(events.start(['a', 'b', 'c', 'd']));
  for (const step of ['a', 'b', 'c']) reporter.event(events.queue(step, 'gpu'));
  reporter.event(events.queue('d', 'default'));
  clock.now = 1000;
  reporter.event(events.begin('a', 1, 'box:7'));
  reporter.frame();
  expect(terminal.text.slice(1)).toEqual([
    expect.stringMatching(/^. a on box:7 0ms$/),
    '· 2 steps wait in queue gpu: b, … 1.0s',
    '· d waits in queue default 1.0s',
    expect.stringContaining('0/4  1 running  3 waiting'),
  ]);
  reporter.event(events.retry('a', { name: 'AgentLost', code: 'agent-lost', message: 'box:7 is gone' }));
  reporter.event(events.queue('a', 'gpu', 2));
  reporter.event(events.begin('a', 2, 'box:8'));
  reporter.event(events.end('a', 'completed', { attempt: 2 }));
  reporter.frame();
  expect(terminal.text.slice(1, 3)).toEqual([
    '↻ a attempt 1 ended with its agent, again: box:7 is gone',
    '✔ a 1.2s (attempt 2) on box:8',
  ]);
});
