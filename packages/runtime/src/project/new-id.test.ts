import { expect, test } from 'vitest';
import { newRunId, newTaskId } from './new-id.js';

test('ids sort by the time they were made, and are safe as file names', () => {
  const ids = [newTaskId(1), newTaskId(1000), newRunId(1_000_000), newTaskId(1_800_000_000_000)].map(String);
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{26}$/);
});

test('a thousand ids of one moment are a thousand different ones', () => {
  expect(new Set(Array.from({ length: 1000 }, () => newTaskId(7))).size).toBe(1000);
});
