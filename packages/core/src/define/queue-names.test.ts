import { expect, test } from 'vitest';
import { PipelineController, step } from './index.js';

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['', /not empty/],
  [' ', /it is empty/],
  ['gpu ', /begins or ends with a space/],
  ['a\nb', /cannot be seen/],
  ['a\u001b[31mb', /cannot be seen/],
  ['a\u202eb', /cannot be seen/],
  ['q'.repeat(201), /longer than 200/],
];

test.each(WRONG)(
  'a queue %j, which no agent could serve, is refused where it is written',
  (queue, problem) => {
    const pipe = new PipelineController({ name: 'p', project: 'p' });
    expect(() => pipe.setDefaultExecutionQueue(queue)).toThrow(problem);
    const add = (): unknown =>
      pipe.addFunctionStep({ name: 'one', function: () => 1, executionQueue: queue });
    expect(add).toThrow(problem);
    expect(() => step({ queue }, () => 1)).toThrow(problem);
  },
);

test('paths and names of objects are names as any other', () => {
  const pipe = new PipelineController({ name: 'p', project: 'p' });
  for (const queue of ['../x', '__proto__', 'a:b', '{a}', 'x y', 'ü', 'q'.repeat(200)])
    expect(pipe.setDefaultExecutionQueue(queue)).toBe(pipe);
});
