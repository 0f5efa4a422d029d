import { expect, test } from 'vitest';
import { chooseMode } from './reporter.js';
import { StreamReporter, type StreamOptions } from './stream.js';
import { createStyle } from './style.js';
import { Events } from './testing/events.js';

function open(options: Partial<StreamOptions> = {}) {
  const written: string[] = [];
  const clock = { now: 0 };
  const reporter = new StreamReporter({
    out: { write: (text) => written.push(text) },
    style: createStyle(false),
    now: () => clock.now,
    heartbeat: 'manual',
    ...options,
  });
  return { reporter, clock, events: new Events(), text: () => written.join('') };
}

test('a line for every finished step, no escape anywhere', () => {
  const { reporter, events, text } = open();
  reporter.event(events.start(['load', ['train', 'load'], ['publish', 'train']]));
  reporter.event(events.end('load', 'cached', { cachedFrom: '01OLD' as never }));
  reporter.event(events.begin('train'));
  reporter.event(events.log('train', '\u001b[32mgreen\u001b[0m\u001b[2J\nopen'));
  reporter.event(
    events.end('train', 'failed', {
      error: { name: 'TypeError', message: 'first\nsecond', at: 'pipe.ts:5:16' },
    }),
  );
  reporter.event(events.end('publish', 'skipped', { why: ['train failed'] }));
  reporter.event(events.finish('failed'));
  reporter.close();
  expect(text()).toBe(
    [
      '▶ iris #3 (examples) 3 steps · run 01RUN',
      '● load cached from 01OLD',
      'train │ green',
      'train │ open',
      '✖ train failed after 1.2s: TypeError: first (pipe.ts:5:16)',
      '○ publish skipped: train failed',
      '',
    ].join('\n'),
  );
  expect(reporter.tail('train')).toEqual(['green', 'open']);
});

test('a resumed run says what is kept, and that its code is the one it started with', () => {
  const { reporter, events, text } = open();
  reporter.recall(events.start(['load', ['train', 'load']]));
  reporter.recall(events.end('load', 'completed'));
  reporter.recall(events.end('train', 'failed'));
  reporter.recall(events.finish('failed'));
  reporter.event(events.add({ type: 'run.resume', epoch: 2 }));
  reporter.close();
  expect(text()).toBe('▶ iris #3 resumed, 1 of 2 steps kept, with the code it started with · run 01RUN\n');
});

test('the first step that waits in a queue is told, the agent with its end, and what waits for long', () => {
  const { reporter, clock, events, text } = open();
  reporter.event(events.start(['a', 'b', 'c']));
  for (const step of ['a', 'b', 'c']) reporter.event(events.queue(step, 'gpu'));
  reporter.event(events.begin('a', 1, 'box:7'));
  clock.now = 30_000;
  reporter.heartbeat();
  reporter.event(events.end('a'));
  reporter.event(events.retry('b', { name: 'AgentLost', code: 'agent-lost', message: 'box:7 is gone' }));
  reporter.close();
  expect(text()).toBe(
    [
      '▶ iris #3 (examples) 3 steps · run 01RUN',
      '· a waits in queue gpu',
      '… 0 of 3 steps after 30.0s, running: a (30.0s), 2 steps wait in queue gpu: b, … (30.0s)',
      '✔ a 1.2s on box:7',
      '↻ b attempt 1 ended with its agent, again: box:7 is gone',
      '',
    ].join('\n'),
  );
});

test('a long silence is broken every thirty seconds by what is running', () => {
  const { reporter, clock, events, text } = open();
  reporter.event(events.start(['a', 'b']));
  reporter.event(events.begin('a'));
  clock.now = 29_000;
  reporter.heartbeat();
  expect(text()).not.toContain('…');
  clock.now = 31_000;
  reporter.heartbeat();
  reporter.heartbeat();
  expect(text().match(/…/g)).toHaveLength(1);
  expect(text()).toContain('… 0 of 2 steps after 31.0s, running: a (31.0s)');
});

test('on GitHub output is grouped, a failure is an annotation, and a step cannot give commands', () => {
  const { reporter, events, text } = open({ github: { cwd: '/repo/app', workspace: '/repo' } });
  reporter.event(events.start(['train']));
  reporter.event(events.begin('train'));
  reporter.event(events.log('train', '::set-output name=x::y\n##[add-path]/evil\nfine\r::error::no\n'));
  reporter.note('::warning::fake\n');
  const error = { name: 'Error', message: '50% bad\n::endgroup::', at: 'pipe.ts:5:16' };
  reporter.event(events.end('train', 'failed', { error }));
  reporter.close();
  expect(text()).toBe(
    [
      '▶ iris #3 (examples) 1 step · run 01RUN',
      ': :warning::fake',
      '::group::train',
      'train │ ::set-output name=x::y',
      'train │ ## [add-path]/evil',
      'train │ ::error::no',
      '::endgroup::',
      '✖ train failed after 1.2s: Error: 50% bad (pipe.ts:5:16)',
      '::error file=app/pipe.ts,line=5,col=16,title=train failed::Error: 50%25 bad%0A::endgroup::',
      '',
    ].join('\n'),
  );
});

test('live is for a terminal that a person watches', () => {
  const terminal = { isTTY: true };
  expect(chooseMode('auto', terminal, {})).toBe('live');
  expect(chooseMode('auto', terminal, { CI: 'true' })).toBe('stream');
  expect(chooseMode('auto', terminal, { TERM: 'dumb' })).toBe('stream');
  expect(chooseMode('auto', {}, {})).toBe('stream');
  expect(chooseMode('live', {}, {})).toBe('stream');
  expect(chooseMode('live', terminal, { CI: 'true' })).toBe('live');
  expect(chooseMode('quiet', terminal, {})).toBe('quiet');
});
