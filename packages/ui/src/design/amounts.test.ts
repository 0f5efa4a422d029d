import { expect, test } from 'vitest';
import { bytes, duration, elapsed, metric, plainValue } from './amounts.js';

test('durations have three digits at most before they change their unit', () => {
  const shown = [0, 12.4, 999, 1234, 9_994, 9_996, 59_949, 59_951, 125_000, 3_599_600, 3_725_000, 90_000_000];
  expect(shown.map(duration)).toEqual([
    '0 ms',
    '12 ms',
    '999 ms',
    '1.23 s',
    '9.99 s',
    '10.0 s',
    '59.9 s',
    '1 m 00 s',
    '2 m 05 s',
    '1 h 00 m',
    '1 h 02 m',
    '1 d 1 h',
  ]);
});

test('what goes on is told in whole seconds', () => {
  expect([-5, 400, 59_999, 61_900].map(elapsed)).toEqual(['0 s', '0 s', '59 s', '1 m 01 s']);
});

test('sizes keep three digits', () => {
  expect([0, 999, 1000, 1449, 99_960, 80_000_000, 2.5e12].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1 KB',
    '1.45 KB',
    '100 KB',
    '80 MB',
    '2.5 TB',
  ]);
});

test('metrics keep five digits, however large', () => {
  expect([150, 0.973684, 0.00001234, 12345678.9, Number.NaN].map(metric)).toEqual([
    '150',
    '0.97368',
    '1.234e-5',
    '1.235e7',
    'NaN',
  ]);
});

test('text is shown without quotes, the rest as JSON', () => {
  expect([undefined, 'a b', 3, [1, 'x'], null].map(plainValue)).toEqual(['', 'a b', '3', '[1,"x"]', 'null']);
});
