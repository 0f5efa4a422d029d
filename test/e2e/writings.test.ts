import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { query, runPipeline, watchRun } from '../rig/warm.js';

test('a class inherits steps and parameters; what a step reads of `this` is its input', async () => {
  const project = scratch({
    'base.ts': `
import { Parameter, Step } from 'run-pipeline';
export class Base {
  @Parameter() n = 1;
  @Step() one(): number { return this.n; }
  @Step({ inputs: ['$<one.result>'], returns: ['two'] }) two(x: number): number { return x * 2; }
  get derived(): number { return this.n * 10; }
}
`,
    'pipe.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
import { Base } from './base';
@Pipeline({ name: 'sub', cache: true })
export default class Sub extends Base {
  @Parameter() override n = 3;
  @Parameter() m = 2;
  extra = this.n + 1;
  override two(x: number): number { return super.two(x) + 100; }
  @Step({ inputs: ['$<two.two>'] }) three(x: number): number[] { return [x, this.derived, this.extra, this.#own()]; }
  #own(): number { return this.m; }
}
`,
  });
  const options = { cwd: project.directory };
  const first = await watchRun(['pipe.ts'], options);
  expect(first.events[0]).toMatchObject({
    steps: [
      { name: 'one', parents: [] },
      { name: 'two', parents: ['one'] },
      { name: 'three', parents: ['two'] },
    ],
  });
  expect(await query(['get', 'latest', 'three'], options)).toEqual([106, 30, 4, 2]);
  const own = await watchRun(['pipe.ts', '--param', 'm=5'], options);
  expect(own.by).toEqual({ cached: ['one', 'two'], completed: ['three'] });
  const all = await watchRun(['pipe.ts', '--param', 'n=4'], options);
  expect(all.by).toEqual({ completed: ['one', 'three', 'two'] });
  expect(await query(['get', 'latest', 'three'], options)).toEqual([108, 40, 5, 2]);
});

const CONTROLLER = {
  'functions.ts': `export function two(a: number, b: number): number { return a - b; }\n`,
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { two as imported } from './functions';
const pipe = new PipelineController({ name: 'calls' });
const table = { plain: (x: number) => x + 1, object: ({ x, y = 5 }: { x: number; y?: number }) => x + y };
for (const [name, fn] of Object.entries(table)) pipe.addFunctionStep({ name, function: fn, functionKwargs: { x: 1 } } as never);
pipe.addFunctionStep({ name: 'imported', function: imported, functionKwargs: { b: '$<plain.result>', a: 10 } });
pipe.addFunctionStep({ name: 'defaults', function: (a: number, b = 7, ...rest: number[]) => [a, b, rest], functionKwargs: { a: 1 } } as never);
pipe.addFunctionStep({ name: 'named', function: async function (a: string) { return a; }, functionKwargs: { a: 'x' } } as never);
export default pipe;
`,
};

test('functions of a controller are called by the names of their parameters', async () => {
  const project = scratch(CONTROLLER);
  const options = { cwd: project.directory };
  expect((await watchRun(['pipe.ts'], options)).code).toBe(0);
  const values = ['plain', 'object', 'imported', 'defaults', 'named'];
  expect(await Promise.all(values.map((name) => query(['get', 'latest', name], options)))).toEqual([
    2,
    6,
    8,
    [1, 7, []],
    'x',
  ]);
  project.write({ 'pipe.ts': CONTROLLER['pipe.ts'].replace("{ a: 'x' }", "{ b: 'x' }") });
  const wrong = await runPipeline(['pipe.ts'], options);
  expect([wrong.code, wrong.stderr]).toEqual([
    3,
    expect.stringMatching(/named has no parameter "b"; did you mean "a"\?[\s\S]*pipe\.ts:9/) as string,
  ]);
});

test('the whole of a step that returns a tuple is passed on as a tuple', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { pipeline, step } from 'run-pipeline';
const pair = step({ returns: ['left', 'right'] }, (): [number, string] => [1, 'one']);
const both = step({ returns: ['left', 'right'] }, () => ({ left: 1, right: 'one' }));
const take = step((value: unknown) => JSON.stringify(value));
export const calls = pipeline({ name: 'calls' }, () => { take(pair()); take(both()); });
`,
    }).directory,
  };
  await watchRun(['pipe.ts'], options);
  expect(await query(['get', 'latest', 'take'], options)).toBe('[1,"one"]');
  expect(await query(['get', 'latest', 'take_1'], options)).toBe('{"left":1,"right":"one"}');
});

test('names of files and directories may hold anything, and parameters of any type are shown', async () => {
  const project = scratch({});
  const there = 'my proj #1 %20 ü';
  project.write({
    [`${there}/hel per.ts`]: `export const help = (): string => 'help';\n`,
    [`${there}/as set#.txt`]: 'asset',
    [`${there}/da ta?.csv`]: 'data',
    [`${there}/pi pe.ts`]: `
import { readFileSync } from 'node:fs';
import { Parameter, Pipeline, Step, currentTask, type FileValue } from 'run-pipeline';
import { help } from './hel per';
@Pipeline({ name: 'weird name/with #' })
export class P {
  @Parameter() map = new Map([[1, 'x']]);
  @Parameter() day = new Date(5);
  @Parameter({ type: 'file' }) data = 'da ta?.csv';
  @Step({ inputs: ['$<pipeline.data>'], assets: ['./as set#.txt'] } as never) read(data: FileValue): string[] {
    return [new Error('here').stack!.split('\\n')[1]!.replace(/.*\\//, ''), readFileSync(data.path, 'utf8'), data.name, help(), readFileSync(currentTask().assetPath('as set#.txt'), 'utf8')];
  }
}
`,
  });
  const options = { cwd: project.path(there) };
  const run = await watchRun(['pi pe.ts#P'], options);
  expect(run.ends['read']?.error).toBeUndefined();
  expect(await query(['get', 'weird name/with ##1', 'read'], options)).toEqual([
    'pi pe.ts:11:13)',
    'data',
    'da ta?.csv',
    'help',
    'asset',
  ]);
  expect(run.events[0]).toMatchObject({
    parameters: { map: "Map(1) { 1 => 'x' }", day: '1970-01-01T00:00:00.005Z' },
  });
});
