import { expect, test } from 'vitest';
import type { RunEvent } from '../model/events.js';
import { applyEvent, foldEvents } from './apply.js';
import { viewFromJson, viewToJson } from './view-json.js';

const run = 'r1';
const at = (seq: number, body: object): RunEvent =>
  ({ v: 1, seq, ts: `2026-01-01T00:00:0${seq}.000Z`, run, ...body }) as unknown as RunEvent;
const artifact = { name: 'rows', type: 'superjson', hash: 'sha256:0', size: 1, url: 'artifact://sha256/0' };
const events = [
  at(0, {
    type: 'run.start',
    pipeline: 'p',
    project: 'q',
    version: '1',
    number: 1,
    parameters: { __proto__x: 1 },
    steps: [
      { name: 'a', parents: [] },
      { name: 'constructor', parents: ['a'] },
    ],
  }),
  at(1, { type: 'step.start', step: 'a', attempt: 1 }),
  at(2, {
    type: 'step.report',
    step: 'a',
    attempt: 1,
    report: { kind: 'single-value', name: 'n', value: 1 },
  }),
  at(3, { type: 'run.artifact', from: 'a', artifact }),
  at(4, {
    type: 'step.end',
    step: 'a',
    status: 'completed',
    attempt: 1,
    durationMs: 5,
    artifacts: [artifact],
    why: [],
  }),
  at(5, { type: 'step.start', step: 'constructor', attempt: 1 }),
];

test('a view that went through JSON goes on as the one it was made from', () => {
  for (let cut = 1; cut <= events.length; cut += 1) {
    const whole = foldEvents(events);
    const json = JSON.parse(JSON.stringify(viewToJson(foldEvents(events.slice(0, cut)))));
    const again = viewFromJson(json);
    for (const event of events.slice(cut)) applyEvent(again, event);
    expect(JSON.parse(JSON.stringify(viewToJson(again)))).toEqual(
      JSON.parse(JSON.stringify(viewToJson(whole))),
    );
  }
});

test('what is applied to the copy does not reach the JSON it came from', () => {
  const json = viewToJson(foldEvents(events.slice(0, 2)));
  const before = JSON.stringify(json);
  applyEvent(viewFromJson(json), events[2]!);
  expect(JSON.stringify(json)).toBe(before);
});
