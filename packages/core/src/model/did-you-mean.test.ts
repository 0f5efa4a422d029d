import { expect, test } from 'vitest';
import { closest, didYouMean } from './did-you-mean.js';

test('a swap, a missing letter and another habit of writing are recognised', () => {
  expect(closest('tset', ['train', 'test'])).toBe('test');
  expect(closest('data_fame', ['data_frame', 'model'])).toBe('data_frame');
  expect(closest('dataFrame', ['data_frames', 'data_frame'])).toBe('data_frame');
});

test('a name that resembles nothing gets no suggestion', () => {
  expect(closest('zebra', ['train', 'test'])).toBeUndefined();
  expect(didYouMean('x', [])).toBe('');
});

test('the suggestion reads as a clause', () => {
  expect(didYouMean('retires', ['retries', 'backoff'])).toBe(' (did you mean "retries"?)');
});
