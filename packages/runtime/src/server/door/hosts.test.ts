import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { hostCheck, isLoopback } from './hosts.js';

const allowed = (listensOn: string, hosts: readonly string[], origin?: string): readonly string[] => {
  const check = hostCheck({
    listensOn,
    port: 4380,
    origin: origin === undefined ? undefined : new URL(origin),
  });
  return hosts.filter((host) => check(host));
};

const HOSTS = [
  '127.0.0.1:4380',
  'localhost:4380',
  'LocalHost:4380',
  '[::1]:4380',
  '127.0.0.2:4380',
  '192.168.1.5:4380',
  '[fe80::1]:4380',
  `${hostname()}:4380`,
  'evil.example:4380',
  '127.0.0.1.evil.example:4380',
  '127.0.0.1:80',
  '127.0.0.1',
  'user@127.0.0.1:4380',
  '127.0.0.1:4380:4380',
  ' 127.0.0.1:4380',
  '',
];

test('on this machine alone: its names of itself', () => {
  expect(allowed('127.0.0.1', HOSTS)).toEqual(HOSTS.slice(0, 4));
  expect(allowed('127.0.0.2', HOSTS)).toEqual(HOSTS.slice(0, 5));
  expect(allowed('::1', HOSTS)).toEqual(HOSTS.slice(0, 4));
});

test('for other machines: addresses in numbers too, the name that was given, and that of the machine', () => {
  expect(allowed('0.0.0.0', HOSTS)).toEqual(HOSTS.slice(0, 8));
  expect(allowed('box.example', ['box.example:4380', 'BOX.example:4380', 'other.example:4380'])).toEqual([
    'box.example:4380',
    'BOX.example:4380',
  ]);
});

test('behind a proxy: its name as well', () => {
  const hosts = ['page.example', 'page.example:443', 'page.example:4380', '127.0.0.1:4380'];
  expect(allowed('127.0.0.1', hosts, 'https://page.example')).toEqual(['page.example', '127.0.0.1:4380']);
  expect(allowed('127.0.0.1', ['page.example:8443'], 'https://page.example:8443')).toHaveLength(1);
});

test('the standard port may be left out', () => {
  const check = hostCheck({ listensOn: '127.0.0.1', port: 80, origin: undefined });
  expect([check('localhost'), check('localhost:80'), check('localhost:81')]).toEqual([true, true, false]);
});

test.each([
  ['127.0.0.1', true],
  ['127.5.6.7', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.evil.example', false],
  ['1270.0.0.1', false],
])('%s is a loopback address: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
