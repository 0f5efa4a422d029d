import { expect, test } from 'vitest';
import { userStack } from './user-stack.js';

const error = (stack: string): Error => Object.assign(new Error('x'), { stack });

test('only the frames of the user are left, with plain paths', () => {
  const { frames, text, at } = userStack(
    error(`Error: x
    at inner (file:///p/pipe.ts:5:16)
    at async Promise.all (index 0)
    at eval (eval at run (file:///p/pipe.ts:1:2), <anonymous>:1:1)
    at new Promise (<anonymous>)
    at node:internal/process/task_queues:95:5
    at new Model (/p/node_modules/lib/index.js:1:1)
    at async Pipe.train [as run] (file:///p/a%20b.ts?run=2:7:3)
    at file:///p/top.mjs:1:2`),
    { from: '/p' },
  );
  expect(at).toEqual({ file: '/p/pipe.ts', line: 5, column: 16 });
  expect(frames).toHaveLength(3);
  expect(text).toBe('at inner (pipe.ts:5:16)\nat async Pipe.train [as run] (a b.ts:7:3)\nat top.mjs:1:2');
});

test('places are mapped, and what maps into a package is not the user’s', () => {
  const { text } = userStack(error('Error\n    at f (/out/a.mjs:1:1)\n    at g (/out/a.mjs:2:1)'), {
    map: ({ line }) => ({ file: line === 1 ? '/p/node_modules/x.ts' : '/p/src.ts', line: 10, column: 4 }),
  });
  expect(text).toBe('at g (/p/src.ts:10:4)');
});

test('something that is no error has no frames', () => {
  expect(userStack('text')).toEqual({ frames: [], at: undefined, text: '' });
  expect(userStack({ stack: 5 }).frames).toEqual([]);
});
