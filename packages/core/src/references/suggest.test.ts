import { expect, test } from 'vitest';
import { suggestion } from './suggest.js';

test('the nearest name is proposed', () => {
  expect(suggestion('step_tow', ['step_one', 'step_two'], 'step')).toBe('did you mean `step_two`?');
  expect(suggestion('dataFrame', ['data', 'frame', 'data_frame'], 'return')).toBe(
    'did you mean `data_frame`?',
  );
});

test('few names are listed when none is near', () => {
  expect(suggestion('x', ['alpha', 'beta'], 'step')).toBe('known steps: `alpha`, `beta`');
  expect(suggestion('x', [], 'step')).toBe('there are no steps');
  expect(
    suggestion(
      'zzz',
      Array.from({ length: 9 }, (_, index) => `name${index}`),
      'step',
    ),
  ).toBeUndefined();
});

test('very long names are not compared', () => {
  expect(
    suggestion(
      'a'.repeat(100_000),
      Array.from({ length: 9 }, () => 'b'.repeat(100_000)),
      'step',
    ),
  ).toBeUndefined();
});
