import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { query, runPipeline, watchRun } from '../rig/warm.js';

const PIPELINES = {
  ...TRACE,
  'pipe.ts': `
import { pipeline, step, type Handle } from 'run-pipeline';
import { meet, trace } from './trace';
const load = step({ returns: ['rows', 'name'], cache: true }, (n: number) => ({ rows: Array.from({ length: n }, (_, i) => i), name: 'n' + n }));
const train = step({ cache: true }, (rows: number[], depth: number) => { trace('train ' + depth); return rows.length * depth; });
const sum = step((scores: number[], more?: { nested: { best: number }[] }) => scores.reduce((a, b) => a + b, 0) + (more?.nested[0]?.best ?? 0));
export const loop = pipeline({ name: 'loop', parameters: { depths: [3, 5, 7] } }, async ({ depths }) => {
  const data = load(10);
  const scores = depths.map((depth) => train(data.rows, depth));
  const total = sum(scores, { nested: [{ best: scores[2]! }] });
  trace('issued');
  trace('total ' + (await total) + ' of ' + (await data.name) + ' ' + JSON.stringify(await data));
  const [first, ...others] = await Promise.all(scores);
  trace('all ' + [first, ...others].join());
});

const met = step((name: string, other: string) => meet(name, other));
const after = step((value: string) => 'after ' + value);
export const overlap = pipeline({ name: 'overlap' }, async () => {
  const one = met('one', 'two');
  const dependent = after(one);
  met('two', 'one');
  trace(await dependent);
});

const publish = step((n: number) => trace('published ' + n));
const reject = step((n: number) => trace('rejected ' + n));
export const branch = pipeline({ name: 'branch', parameters: { depth: 5 } }, async ({ depth }) => {
  const score = await train([1, 2], depth);
  if (score > 9) publish(score); else reject(score);
});

export const same = pipeline({ name: 'same', parameters: { reversed: false } }, ({ reversed }) => {
  const calls = [() => train([1], 1), () => train([1], 2), () => train([1], 1)];
  for (const call of reversed ? calls.reverse() : calls) call();
});

const pair = step({ returns: ['left', 'right'] }, (): [number, string] => [1, 'one']);
const nothing = step({ returns: [] }, () => 42);
const none = step(() => {});
export const values = pipeline({ name: 'values' }, async () => {
  const both = pair();
  trace(JSON.stringify([await both, await both.right, await nothing(), (await none()) ?? 'undefined']));
  const labelled = sum.with({ name: 'labelled', parents: [both] })([await both.left, 2]);
  trace('labelled ' + (await labelled));
});

const attempt = (what: string, act: () => unknown): void => {
  try { trace(what + ' gave ' + String(act())); } catch (error) { trace(what + ': ' + (error as Error).message.split('\\n')[0]); }
};
export const misuse = pipeline({ name: 'misuse' }, async () => {
  const both = pair() as Handle<[number, string], ['left', 'right']> & Record<string, unknown>;
  attempt('property', () => both['lft']);
  attempt('text', () => 'value ' + (both as unknown as string));
  attempt('number', () => (both as unknown as number) * 2);
  attempt('json', () => JSON.stringify({ both }));
  attempt('parent', () => sum.with({ parents: ['pairs'] })([1]));
  attempt('label', () => sum.with({ name: 'a b' })([1]));
});
export const throws = pipeline({ name: 'throws' }, async () => {
  const score = train([1], 1);
  throw new RangeError('the body is wrong ' + (await score));
});
`,
  'outside.ts': `
import { pipeline, step } from 'run-pipeline';
const add = step((n: number) => n + 1);
export const twice = pipeline({ name: 'twice' }, () => add(1));
export const early = add(2);
`,
  'inside.ts': `
import { pipeline, step } from 'run-pipeline';
const add = step((n: number) => n + 1);
const twice = step(async (n: number) => add(n) as unknown as number);
export const calls = pipeline({ name: 'calls' }, () => twice(1));
`,
};
const traceOf = (path: string): readonly string[] => readFileSync(path, 'utf8').trim().split('\n');

test('a step called in a loop gives uniquely named nodes, and a list of handles makes the edges at once', async () => {
  const project = scratch(PIPELINES);
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts#loop'], options);
  expect(run.code).toBe(0);
  expect(run.by).toEqual({ completed: ['load', 'sum', 'train', 'train_1', 'train_2'] });
  const added = run.events.flatMap((event) => (event.type === 'step.add' ? event.steps : []));
  expect(added).toEqual([
    { name: 'load', parents: [] },
    { name: 'train', parents: ['load'] },
    { name: 'train_1', parents: ['load'] },
    { name: 'train_2', parents: ['load'] },
    { name: 'sum', parents: ['train', 'train_1', 'train_2'] },
  ]);
  // Nothing was waited for and nothing was read: every call was issued before the first step ended.
  const types = run.events.map(({ type }) => type);
  expect(types.lastIndexOf('step.add')).toBeLessThan(types.indexOf('step.end'));
  const lines = traceOf(project.path('trace.txt'));
  expect(lines[0]).toBe('issued');
  expect(lines.slice(-2)).toEqual([
    'total 220 of n10 {"rows":[0,1,2,3,4,5,6,7,8,9],"name":"n10"}',
    'all 30,50,70',
  ]);
  expect(await query(['get', 'latest', 'train_1'], options)).toBe(50);

  const plan = await query<{ steps: { name: string; action: string }[]; notes?: string[] }>(
    ['plan', 'pipe.ts#loop'],
    options,
  );
  expect(plan.steps.map(({ name, action }) => `${name} ${action}`)).toEqual([
    'load cached',
    'train cached',
    'train_1 cached',
    'train_2 cached',
    'sum run',
  ]);
  const text = await runPipeline(['plan', 'pipe.ts#loop'], options);
  expect(text.stdout).toMatch(/await/);

  const more = await watchRun(['pipe.ts#loop', '--param', 'depths=[7,9,3]'], options);
  expect(more.by).toEqual({ cached: ['load', 'train', 'train_2'], completed: ['sum', 'train_1'] });
});

test('independent calls overlap although a dependent call was issued between them', async () => {
  const project = scratch(PIPELINES);
  const run = await watchRun(['pipe.ts#overlap', '--concurrency', '2'], { cwd: project.directory });
  expect(run.by).toEqual({ completed: ['after', 'met', 'met_1'] });
  expect(traceOf(project.path('trace.txt'))).toEqual(['after one']);
});

test('the branch that is not taken never starts', async () => {
  const project = scratch(PIPELINES);
  const options = { cwd: project.directory };
  expect((await watchRun(['pipe.ts#branch'], options)).by).toEqual({ completed: ['publish', 'train'] });
  const other = await watchRun(['pipe.ts#branch', '--param', 'depth=2'], options);
  expect(other.by).toEqual({ completed: ['reject', 'train'] });
  expect(JSON.stringify(other.events)).not.toContain('publish');
  expect(traceOf(project.path('trace.txt'))).toEqual(['train 5', 'published 10', 'train 2', 'rejected 4']);
});

test('equal calls of a cached step are executed once in a run, and found again in any order', async () => {
  const project = scratch(PIPELINES);
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts#same', '--concurrency', '3'], options);
  expect(run.by.cached).toHaveLength(1);
  expect(run.by.completed).toHaveLength(2);
  expect([...traceOf(project.path('trace.txt'))].sort()).toEqual(['train 1', 'train 2']);
  const again = await watchRun(['pipe.ts#same', '--param', 'reversed=true'], options);
  expect(again.by).toEqual({ cached: ['train', 'train_1', 'train_2'] });
});

test('awaiting a handle gives the value: several returns, a tuple, nothing', async () => {
  const project = scratch(PIPELINES);
  const run = await watchRun(['pipe.ts#values'], { cwd: project.directory });
  expect(run.by).toEqual({ completed: ['labelled', 'none', 'nothing', 'pair'] });
  expect(traceOf(project.path('trace.txt'))).toEqual(['[[1,"one"],"one",null,"undefined"]', 'labelled 3']);
  expect(run.ends['nothing']!.artifacts).toEqual([]);
  expect(run.ends['pair']!.artifacts.map(({ name }) => name)).toEqual(['left', 'right']);
  const added = run.events.flatMap((event) => (event.type === 'step.add' ? event.steps : []));
  expect(added.find(({ name }) => name === 'labelled')?.parents).toEqual(['pair']);
});

test('a handle that is used as a value says why it is none', async () => {
  const project = scratch(PIPELINES);
  await watchRun(['pipe.ts#misuse'], { cwd: project.directory });
  const lines = traceOf(project.path('trace.txt'));
  for (const what of ['property', 'text', 'number', 'json', 'parent', 'label']) {
    const line = lines.find((text) => text.startsWith(what));
    expect(line).toMatch(new RegExp(`^${what}: .`));
  }
  expect(lines[0]).toMatch(/pair.*"lft"/);
  expect(lines.find((line) => line.startsWith('parent'))).toMatch(/pairs.*"pair"/);
});

test('an error of the body fails the run with its place, after what was issued has ended', async () => {
  const project = scratch(PIPELINES);
  const run = await watchRun(['pipe.ts#throws'], { cwd: project.directory });
  expect([run.code, run.by]).toEqual([1, { completed: ['train'] }]);
  expect(run.events.at(-1)).toMatchObject({
    type: 'run.end',
    status: 'failed',
    error: {
      name: 'RangeError',
      message: 'the body is wrong 1',
      at: expect.stringMatching(/^pipe\.ts:\d+:\d+$/) as string,
    },
  });
});

test('a step is called in a pipeline function only, and what needs a graph says that there is none', async () => {
  const project = scratch(PIPELINES);
  const options = { cwd: project.directory };
  const outside = await runPipeline(['outside.ts#twice'], options);
  expect([outside.code, outside.stderr]).toEqual([
    2,
    expect.stringMatching(
      /a step was called outside of a pipeline function[\s\S]*outside\.ts:3[\s\S]*\.fn/,
    ) as string,
  ]);
  const inside = await runPipeline(['inside.ts'], options);
  expect([inside.code, inside.stderr]).toEqual([
    3,
    expect.stringMatching(/step[\s\S]*inside\.ts:4/) as string,
  ]);
  const graph = await runPipeline(['graph', 'pipe.ts#loop'], options);
  expect([graph.code, graph.stderr]).toEqual([2, expect.stringMatching(/pipeline function/) as string]);
  for (const flag of ['--from', '--to', '--only']) {
    const selected = await runPipeline(['pipe.ts#loop', flag, 'train'], options);
    expect([selected.code, selected.stderr]).toEqual([
      2,
      expect.stringMatching(/pipeline function/) as string,
    ]);
  }
  expect(existsSync(project.path('trace.txt'))).toBe(false);
});
