import { expect, test } from 'vitest';
import { requestOf } from './request.js';

const form = {
  parameters: [
    { name: 'lr', type: 'number', schema: false, required: false, value: '0.1' },
    { name: '__proto__', type: 'string', schema: false, required: false },
  ],
} as const;

test('only what differs from the run before is asked for', () => {
  expect(requestOf(new URLSearchParams('p.lr=0.1'), form)).toEqual({ parameters: {} });
  expect(requestOf(new URLSearchParams('p.lr=0.2&p.unknown=1'), form)).toEqual({ parameters: { lr: '0.2' } });
});

test('a parameter may have any name', () => {
  const { parameters } = requestOf(new URLSearchParams('p.__proto__=x'), form);
  expect(Object.entries(parameters)).toEqual([['__proto__', 'x']]);
});

test('selection, cache and place', () => {
  expect(requestOf(new URLSearchParams('from=train&refresh=all&queue=gpu'), form)).toEqual({
    parameters: {},
    selection: { from: 'train' },
    refresh: 'all',
    queue: 'gpu',
  });
  expect(requestOf(new URLSearchParams('refresh=a,b&cache=off&remote=services'), form)).toEqual({
    parameters: {},
    refresh: ['a', 'b'],
    cache: false,
    remote: 'services',
  });
});
