import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { query, watchRun } from '../rig/warm.js';

const MAPPED = {
  ...TRACE,
  'pipe.ts': `
import { Parameter, Pipeline, PipelineController, Step, each, pipeline, step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'class', cache: true })
export class Class {
  @Parameter() list: string[] = ['a', 'b', 'c'];
  @Parameter() weights: number[] = [1, 2, 3];
  @Parameter() picked = 'b';
  @Step({ inputs: ['$<pipeline.list>'] }) load(list: string[]): string[] { return list; }
  @Step({ inputs: [each('$<load.result>'), each('$<pipeline.weights>'), 'x'], returns: ['text', 'length'] } as never)
  score(name: string, weight: number, constant: string): { text: string; length: number } {
    trace('score ' + name);
    return { text: constant + name.repeat(weight), length: name.length * weight };
  }
  @Step({ inputs: [each('$<score.text>')] }) upper(text: string): string { return text.toUpperCase(); }
  @Step({ inputs: { all: '$<upper.result>', lengths: '$<score.length>', first: '$<score[0].text>', part: '$<score.text.1>' } } as never)
  gather(values: object): object { return values; }
}
export const controller = new PipelineController({ name: 'controller' });
controller.addFunctionStep({ name: 'square', function: (n: number) => n * n, functionKwargs: { n: each([1, 2, 3]) } } as never);
controller.addFunctionStep({ name: 'total', function: (all: number[], one: number) => [all, one], functionKwargs: { all: '$<square.result>', one: '$<square[2].result>' } } as never);
const square = step((n: number, plus: number) => n * n + plus);
const total = step((all: number[]) => all.reduce((a, b) => a + b, 0));
export const calls = pipeline({ name: 'calls' }, async () => {
  const all = square(each([1, 2, 3]) as never, 1);
  trace(JSON.stringify(await all));
  trace(String(await total(all as never)));
});
const failing = (name: string, continueBehaviour: object) => new PipelineController({ name })
  .addFunctionStep({ name: 'each', function: (n: number) => { if (n === 2) throw new Error('two'); return n; }, functionKwargs: { n: each([1, 2, 3]) }, continueBehaviour } as never)
  .addFunctionStep({ name: 'gather', function: (all: unknown[]) => all.map((value) => typeof value), functionKwargs: { all: '$<each.result>' } } as never);
export const fails = failing('fails', {});
export const tolerates = failing('tolerates', { continueOnFail: true, skipChildrenOnFail: false });
const nested = new PipelineController({ name: 'nested' });
nested.addFunctionStep({ name: 'a', function: (n: unknown) => n, functionKwargs: { n: each([each([1])]) } } as never);
export { nested };
const value = new PipelineController({ name: 'value' });
value.addFunctionStep({ name: 'load', function: () => 7 });
value.addFunctionStep({ name: 'a', function: (n: unknown) => n, functionKwargs: { n: each('$<load.result>') } } as never);
export { value };
`,
};
const element = (step: string, index: number): string => `${step}[${index}]`;

test('each makes one node per element; lists zip, references gather, elements pass on', async () => {
  const project = scratch(MAPPED);
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts#Class'], options);
  expect(run.code).toBe(0);
  const mapped = ['score', 'upper'].flatMap((step) => [
    step,
    ...[0, 1, 2].map((index) => element(step, index)),
  ]);
  expect(run.by).toEqual({ completed: [...mapped, 'gather', 'load'].sort() });
  expect(run.events.flatMap((event) => (event.type === 'step.add' ? event.steps : []))).toEqual([
    ...[0, 1, 2].map((index) => ({ name: element('score', index), parents: ['load'], of: 'score' })),
    ...[0, 1, 2].map((index) => ({ name: element('upper', index), parents: ['score'], of: 'upper' })),
  ]);
  expect(await query(['get', 'latest', 'gather'], options)).toEqual({
    all: ['XA', 'XBB', 'XCCC'],
    lengths: [1, 2, 3],
    first: 'xa',
    part: 'xbb',
  });

  // An element's place in the list is no part of its fingerprint.
  const reordered = await watchRun(
    ['pipe.ts#Class', '--param', 'list=["c","a","b"]', '--param', 'weights=[3,1,2]'],
    options,
  );
  expect(reordered.by).toEqual({ cached: mapped.sort(), completed: ['gather', 'load'] });
  const one = await watchRun(['pipe.ts#Class', '--param', 'list=["a","B","c"]'], options);
  expect(one.by.completed).toEqual(['gather', 'load', 'score', 'score[1]', 'upper', 'upper[1]']);
  expect(one.by.cached).toEqual(['score[0]', 'score[2]', 'upper[0]', 'upper[2]']);
  const traced = readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n');
  expect([...traced].sort()).toEqual(['score B', 'score a', 'score b', 'score c']);

  const empty = await watchRun(['pipe.ts#Class', '--param', 'list=[]', '--param', 'weights=[]'], options);
  expect(empty.by.failed).toEqual(['gather']);
  const unequal = await watchRun(['pipe.ts#Class', '--param', 'weights=[1]'], options);
  expect([unequal.code, unequal.ends['score']!.status]).toEqual([1, 'failed']);
  expect(unequal.ends['score']!.error?.message).toMatch(/3.*1|1.*3/);
  expect(unequal.ends['gather']!.status).toBe('skipped');
});

test('each in a controller, and in a pipeline function', async () => {
  const project = scratch(MAPPED);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts#controller'], options);
  expect(await query(['get', 'latest', 'total'], options)).toEqual([[1, 4, 9], 9]);
  expect(await query(['get', 'latest', 'square[1]'], options)).toBe(4);
  const calls = await watchRun(['pipe.ts#calls'], options);
  expect(calls.by.completed).toEqual(['square', 'square[0]', 'square[1]', 'square[2]', 'total']);
  expect(readFileSync(project.path('trace.txt'), 'utf8')).toBe('[2,5,10]\n17\n');
});

test('an empty list gives an empty array', async () => {
  const project = scratch({
    'pipe.ts': `
import { PipelineController, each } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'empty' });
pipe.addFunctionStep({ name: 'list', function: () => [] as number[] });
pipe.addFunctionStep({ name: 'square', function: (n: number) => n * n, functionKwargs: { n: each('$<list.result>') } } as never);
pipe.addFunctionStep({ name: 'gather', function: (all: number[]) => [all, all.length], functionKwargs: { all: '$<square.result>' } } as never);
`,
  });
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts'], options);
  expect(run.by).toEqual({ completed: ['gather', 'list', 'square'] });
  expect(await query(['get', 'latest', 'gather'], options)).toEqual([[], 0]);
});

test('a failed element fails the gather; with skipChildrenOnFail: false it is undefined there', async () => {
  const options = { cwd: scratch(MAPPED).directory };
  const fails = await watchRun(['pipe.ts#fails'], options);
  expect([fails.code, fails.by]).toEqual([
    1,
    { completed: ['each[0]', 'each[2]'], failed: ['each', 'each[1]'], skipped: ['gather'] },
  ]);
  expect(fails.events.at(-1)).toMatchObject({ type: 'run.end', error: { message: 'two' } });
  const tolerates = await watchRun(['pipe.ts#tolerates'], options);
  expect([tolerates.code, tolerates.ends['gather']!.status]).toEqual([0, 'completed']);
  expect(await query(['get', 'latest', 'gather'], options)).toEqual(['number', 'undefined', 'number']);
});

test('a nested each, and an each of what is no list, are errors', async () => {
  const options = { cwd: scratch(MAPPED).directory };
  const nested = await watchRun(['pipe.ts#nested'], options);
  expect([nested.code, nested.events]).toEqual([2, []]);
  expect(nested.stderr).toMatch(/each\(\)/);
  const value = await watchRun(['pipe.ts#value'], options);
  expect(value.code).toBe(1);
  expect(value.ends['a']!.error?.message).toMatch(/each.*the number 7/);
});
