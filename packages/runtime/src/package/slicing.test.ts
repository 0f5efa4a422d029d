import { expect, test } from 'vitest';
import { ScratchProject } from './scratch-project.test-support.js';

test('a function step is packaged with what it reaches and nothing else', async () => {
  const project = await ScratchProject.create({
    'pipeline.ts': `import { PipelineController } from 'run-pipeline';
const helper = (x: number) => x + K;
const K = 10;
const unused = JSON.parse("{bad");
export async function step_one(df: number = 1) { return helper(df) }
export function step_two() { return 'TWO' }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'step_one', function: step_one, functionKwargs: {} });
pipe.addFunctionStep({ name: 'step_two', function: step_two });
await pipe.start();
`,
  });
  const result = await project.package([
    await project.functionStep('step_one'),
    await project.functionStep('step_two'),
  ]);
  expect(result.diagnostics).toEqual([]);
  const task = result.packages.get('step_one')!;
  const code = await project.code(task);
  expect(code).not.toMatch(/TWO|pipe|unused/);
  expect(await project.run(task)).toBe(11);
  await project.remove();
});

test('a class step keeps what it reads through this', async () => {
  const project = await ScratchProject.create({
    'pipeline.ts': `import { Pipeline, Parameter, Step } from 'run-pipeline';
function helper(x: number) { return x + 1 }
function onlyTwo() { return "ONLY2" }
@Pipeline({ name: 'p' })
export class P {
  @Parameter() base = 3;
  @Parameter() other = 'OTHER';
  derived = this.base * 2;
  static scale = 3;
  static twice = P.scale * 2;
  #secret = 4;
  unread = onlyTwo();
  @Step({ inputs: [] }) async step_one(x = 1) { return this.util(x) * P.scale + this.#secret + P.twice + this.derived }
  util(x: number) { return helper(x) }
  unusedMethod() { return onlyTwo() }
  @Step() step_two() { return 'TWO' }
}
`,
  });
  const result = await project.package([
    project.methodStep('P', 'step_one'),
    project.methodStep('P', 'step_two'),
  ]);
  expect(result.diagnostics).toEqual([]);
  const task = result.packages.get('step_one')!;
  const code = await project.code(task);
  expect(code).not.toMatch(/TWO|ONLY2|OTHER|unusedMethod/);
  expect(task.manifest.reads).toEqual(['base']);
  expect(await project.run(task)).toBe(6 + 4 + 6 + 6);
  expect(await project.run(task, [1], { base: 10 })).toBe(6 + 4 + 6 + 20);
  await project.remove();
});

test('a step() keeps its inline function', async () => {
  const project = await ScratchProject.create({
    'lib/rate.ts': `export const rate = 3; export const state = new Map(); state.set('HEAVY', 1);`,
    'pipeline.ts': `import { step, pipeline } from 'run-pipeline';
import { createHash } from 'crypto';
import { rate } from './lib/rate.js';
export const train = step({ returns: ['x'] }, async (rows: number) => rows * rate + createHash('md5').update('').digest('hex').length);
export const other = step(async () => 'TWO');
export const all = pipeline({ name: 'x' }, async () => { await train(1) });
`,
  });
  const result = await project.package([
    await project.functionStep('train', { writing: 'function' }),
    await project.functionStep('other', { writing: 'function' }),
  ]);
  expect(result.diagnostics).toEqual([]);
  const task = result.packages.get('train')!;
  expect(await project.code(task)).not.toMatch(/TWO|HEAVY/);
  expect(await project.run(task)).toBe(35);
  await project.remove();
});
