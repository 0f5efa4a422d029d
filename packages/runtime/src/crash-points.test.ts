import { expect, test } from 'vitest';
import { crashPoint, parseCrashPoint } from './crash-points.js';

test('a crash point is named alone or with the pass at which to die', () => {
  expect(parseCrashPoint('before-commit')).toEqual({ name: 'before-commit', pass: 1 });
  expect(parseCrashPoint('before-commit:3')).toEqual({ name: 'before-commit', pass: 3 });
  expect(parseCrashPoint('blob:before-rename:2')).toEqual({ name: 'blob:before-rename', pass: 2 });
  expect(parseCrashPoint('blob:before-rename')).toEqual({ name: 'blob:before-rename', pass: 1 });
  for (const none of [undefined, '', ':3', 'name:0']) expect(parseCrashPoint(none)).toBeUndefined();
});

test('without the variable passing a crash point does nothing', () => {
  expect(crashPoint('before-commit')).toBeUndefined();
});
