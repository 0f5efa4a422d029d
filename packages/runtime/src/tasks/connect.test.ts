import { isRunPipelineError, type TaskParameter } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { connectValues } from './connect.js';

const connect = (target: object, given: Readonly<Record<string, TaskParameter>> = {}) =>
  connectValues({ target, section: 'General', given, at: undefined });
const text = (json: string): TaskParameter => ({ json, text: true });

function problem(target: object, given: Readonly<Record<string, TaskParameter>>): string {
  try {
    connect(target, given);
  } catch (error) {
    if (isRunPipelineError(error)) return error.message;
  }
  throw new Error('it was connected');
}

test('without values from outside the defaults are recorded, plain objects inside apart', () => {
  const target = { a: 1, b: { c: 'x', d: { e: [1] } }, empty: {}, list: [{ f: 1 }] };
  expect(connect(target)).toEqual({
    a: { json: 1 },
    'b/c': { json: 'x' },
    'b/d/e': { json: [1] },
    empty: { json: {} },
    list: { json: [{ f: 1 }] },
  });
  expect(target).toEqual({ a: 1, b: { c: 'x', d: { e: [1] } }, empty: {}, list: [{ f: 1 }] });
});

test.each<[unknown, TaskParameter, unknown]>([
  [1, text('2.5'), 2.5],
  [1, { json: '3' }, 3],
  ['a', text('3'), '3'],
  ['a', { json: 3 }, '3'],
  ['a', { json: true }, 'true'],
  [true, text('false'), false],
  [[1], text('[2]'), [2]],
  [{ a: 1 }, text('{"b":2}'), { b: 2 }],
  [new Date(0), text('2026-01-31'), new Date('2026-01-31')],
  [new Set([1]), text('[2]'), new Set([2])],
  [1n, text('7'), 7n],
  [null, text('{"a":1}'), { a: 1 }],
  [null, text('word'), 'word'],
  [undefined, text('7'), 7],
  [undefined, { json: [1] }, [1]],
  ['', { json: '' }, ''],
])('%o and %o from outside are %o', (fallback, outside, expected) => {
  const target = { x: fallback };
  const recorded = connect(target, { x: outside });
  expect(target.x).toEqual(expected);
  expect(recorded['x']).not.toHaveProperty('text');
});

test.each<[unknown, TaskParameter, string]>([
  [1, text('many'), 'takes a number, for example 0.5, not `many`'],
  [1, { json: true }, 'takes a number, not the boolean true'],
  [1, { json: null }, 'takes a number, not null'],
  [true, text('yes'), 'takes `true` or `false`, not `yes`'],
  [[1], { json: { a: 1 } }, 'takes an array, not '],
  [new Date(0), text('soon'), 'takes a date'],
  ['a', { json: [1] }, 'takes a text, not '],
])('%j refuses %j', (fallback, outside, sentence) => {
  expect(problem({ x: fallback }, { x: outside })).toContain(`parameter General/x ${sentence}`);
});

test('all that does not fit is told at once, and nothing is changed', () => {
  const target = { a: 1, b: { c: true }, d: 'x' };
  const message = problem(target, { a: text('x'), 'b/c': text('y'), d: text('z') });
  expect(message.split('\n')).toHaveLength(2);
  expect(target).toEqual({ a: 1, b: { c: true }, d: 'x' });
});

test('names of Object.prototype are names', () => {
  const target = JSON.parse('{"__proto__":{"toString":1},"constructor":"a"}') as Record<string, unknown>;
  const recorded = connect(
    target,
    JSON.parse('{"__proto__/toString":{"json":2},"constructor":{"json":"b"}}'),
  );
  expect(JSON.stringify(recorded)).toBe('{"__proto__/toString":{"json":2},"constructor":{"json":"b"}}');
  expect(JSON.stringify(target)).toBe('{"__proto__":{"toString":2},"constructor":"b"}');
  // What is only inherited was not set from outside.
  expect(connect({ valueOf: 1 }, {})).toEqual({ valueOf: { json: 1 } });
});

test('accessors are called, and what cannot be written is told before anything is', () => {
  const written: unknown[] = [];
  const target = {
    a: 1,
    get b() {
      return 2;
    },
    set b(value: number) {
      written.push(value);
    },
  };
  connect(target, { b: text('5') });
  expect(written).toEqual([5]);
  const frozen = { a: 1, b: Object.freeze({ c: 1 }) };
  expect(problem(frozen, { a: text('2'), 'b/c': text('2') })).toContain('General/b/c was set from outside');
  expect(frozen.a).toBe(1);
});

test('the same name twice, and an object that holds itself, are told', () => {
  expect(problem({ 'a/b': 1, a: { b: 2 } }, {})).toContain('General/a/b is there twice');
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  expect(problem(circle, {})).toContain('General/self holds itself');
});
