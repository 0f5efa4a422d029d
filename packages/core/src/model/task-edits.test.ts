import { expect, test } from 'vitest';
import { mergeEdits, mergeParameters } from './task-edits.js';

test('what comes later counts; parameters and configurations are merged one by one', () => {
  const first = {
    name: 'a',
    comment: 'old',
    parameters: { General: { lr: { json: 1 }, depth: { json: 2 } } },
    configurations: { net: { json: 1 }, data: { json: 2 } },
  };
  const then = {
    comment: 'new',
    progress: 5,
    parameters: { General: { lr: { json: 3 } }, Args: { x: { json: 4 } } },
    configurations: { net: { json: 5 } },
  };
  expect(mergeEdits(first, then)).toEqual({
    name: 'a',
    comment: 'new',
    progress: 5,
    parameters: { General: { lr: { json: 3 }, depth: { json: 2 } }, Args: { x: { json: 4 } } },
    configurations: { net: { json: 5 }, data: { json: 2 } },
  });
});

test('tags that are set replace those that were added before, and not those after', () => {
  expect(mergeEdits({ addTags: ['a'] }, { addTags: ['b'] })).toEqual({ addTags: ['a', 'b'] });
  expect(mergeEdits({ addTags: ['a'] }, { tags: ['c'] })).toEqual({ tags: ['c'] });
  expect(mergeEdits({ tags: ['c'], addTags: ['d'] }, { addTags: ['e'] })).toEqual({
    tags: ['c'],
    addTags: ['d', 'e'],
  });
});

test('hostile names of sections and parameters are data', () => {
  const hostile = JSON.parse('{"__proto__":{"__proto__":{"json":1},"constructor":{"json":2}}}') as never;
  const merged = mergeParameters({ General: { x: { json: 0 } } }, hostile);
  expect(JSON.stringify(merged)).toBe(
    '{"General":{"x":{"json":0}},"__proto__":{"__proto__":{"json":1},"constructor":{"json":2}}}',
  );
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
});
