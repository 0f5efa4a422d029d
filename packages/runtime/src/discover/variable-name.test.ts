import { expect, test } from 'vitest';
import { variableOf } from './variable-name.js';

test.each([
  ['const train = ', 'train'],
  ['export const train = ', 'train'],
  ['const first = 1\nconst second: StepFunction<[rows: Row[]], number, "a"> =\n  ', 'second'],
  ['const a: X = foo\nlet b = ', 'b'],
  ['const a = step(() => 1),\n  b: (x: number) => void = ', 'b'],
  ["const a = step({ timeout: '1s' }, fn), b = ", 'b'],
  ['const a: Step = step(() => 1),\n  b = ', 'b'],
  ['const a = /* note */ rp.', 'a'],
  ['exports.train = (0, run_pipeline_1.', 'train'],
  ['exports.train = (0, run_pipeline_1.step)', 'train'],
  ['class Steps {\n  static readonly train = ', 'train'],
  ['const steps = {\n  load: step(fn),\n  "train": ', 'train'],
  ['let later;\nlater = ', 'later'],
  ['const train = await ', undefined],
  ['export default ', undefined],
  ['register(', undefined],
  ['const x = wrap(', undefined],
  ['const x = 1;\n', undefined],
  ['', undefined],
])('before the call in %j the variable is %j', (before, name) => {
  expect(variableOf(before)).toBe(name);
});
