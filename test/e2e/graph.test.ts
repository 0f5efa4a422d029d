import { existsSync, readFileSync } from 'node:fs';
import type { RunEvent } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { query, runPipeline, watchRun } from '../rig/warm.js';

const DIAMOND = {
  ...TRACE,
  'class.ts': `
import { Pipeline, Step } from 'run-pipeline';
import { meet } from './trace';
@Pipeline({ name: 'diamond' })
export class Diamond {
  @Step() a(): string { return 'class-'; }
  @Step({ inputs: ['$<a.result>'] }) b(from: string): Promise<string> { return meet(from + 'b', from + 'c'); }
  @Step({ inputs: ['$<a.result>'] }) c(from: string): Promise<string> { return meet(from + 'c', from + 'b'); }
  @Step({ inputs: ['$<b.result>', '$<c.result>'] }) d(b: string, c: string): string { return b + c; }
}
`,
  'controller.ts': `
import { PipelineController } from 'run-pipeline';
import { meet } from './trace';
const pipe = new PipelineController({ name: 'diamond' });
const b = (from: string) => meet(from + 'b', from + 'c');
const c = (from: string) => meet(from + 'c', from + 'b');
pipe.addFunctionStep({ name: 'a', function: () => 'controller-' });
pipe.addFunctionStep({ name: 'b', function: b, functionKwargs: { from: '$<a.result>' } });
pipe.addFunctionStep({ name: 'c', function: c, functionKwargs: { from: '$<a.result>' } });
pipe.addFunctionStep({
  name: 'd',
  function: (left: string, right: string) => left + right,
  functionKwargs: { right: '$<c.result>', left: '$<b.result>' },
});
await pipe.start();
`,
  'function.ts': `
import { pipeline, step } from 'run-pipeline';
import { meet } from './trace';
const a = step(() => 'function-');
const b = step((from: string) => meet(from + 'b', from + 'c'));
const c = step((from: string) => meet(from + 'c', from + 'b'));
const d = step((left: string, right: string) => left + right);
export const diamond = pipeline({ name: 'diamond' }, () => {
  const first = a();
  return d(b(first), c(first));
});
`,
};

test.each(['class', 'controller', 'function'])(
  'of a diamond the middle overlaps and the end comes after both (%s)',
  async (writing) => {
    const options = { cwd: scratch(DIAMOND).directory };
    const run = await watchRun([`${writing}.ts`, '--concurrency', '2'], options);
    expect(run.stderr).not.toContain('failed');
    expect(run.by).toEqual({ completed: ['a', 'b', 'c', 'd'] });
    const place = (type: RunEvent['type'], step: string): number =>
      run.events.findIndex((event) => event.type === type && 'step' in event && event.step === step);
    for (const middle of ['b', 'c']) {
      expect(place('step.start', middle)).toBeGreaterThan(place('step.end', 'a'));
      expect(place('step.start', 'd')).toBeGreaterThan(place('step.end', middle));
    }
    expect(await query(['get', 'latest', 'd'], options)).toBe(`${writing}-b${writing}-c`);
  },
);

test.each([
  ['the flag', ['--concurrency', '1'], ''],
  ["the pipeline's option", [], ', concurrency: 1'],
])('with a concurrency of 1, by %s, one step runs at a time', async (_, flags, option) => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { pipeline, step } from 'run-pipeline';
const work = step((n: number) => n);
export const one = pipeline({ name: 'one'${option} }, () => { for (let n = 0; n < 4; n++) work(n); });
`,
    }).directory,
  };
  const { events } = await watchRun(['pipe.ts', ...flags], options);
  const order = events.flatMap((event) =>
    event.type === 'step.start' || event.type === 'step.end' ? event.type : [],
  );
  expect(order).toEqual(Array.from({ length: 4 }, () => ['step.start', 'step.end']).flat());
});

test('references make the parents, and explicit parents add to them', async () => {
  const project = scratch({
    ...TRACE,
    'pipe.ts': `
import { PipelineController, Pipeline, Step, pipeline, step } from 'run-pipeline';
import { trace } from './trace';
@Pipeline({ name: 'class' })
export class C {
  @Step() last_declared_first(): void { trace('side effect'); }
  @Step({ inputs: { deep: [{ x: 'text $<a.result> and $<b.result>' }] }, parents: ['last_declared_first'] })
  join({ deep }: { deep: { x: string }[] }): string { trace('join'); return deep[0]!.x; }
  @Step() b(): number { return 2; }
  @Step() a(): number { return 1; }
}
export const controller = new PipelineController({ name: 'controller' })
  .addFunctionStep({ name: 'first', function: () => trace('first') })
  .addFunctionStep({ name: 'second', function: () => trace('second'), parents: ['first'] });
const mark = step((word: string, _before?: unknown) => trace(word));
export const calls = pipeline({ name: 'calls' }, () => {
  const one = mark.with({ name: 'one' })('one');
  const two = mark.with({ name: 'two', parents: [one] })('two');
  mark.with({ name: 'three', parents: ['two'] })('three', { list: [one] });
});
`,
  });
  const options = { cwd: project.directory };
  expect(await query(['graph', 'pipe.ts#C', '--format', 'json'], options)).toEqual({
    nodes: [
      { name: 'last_declared_first', parents: [] },
      { name: 'b', parents: [] },
      { name: 'a', parents: [] },
      { name: 'join', parents: expect.toSatisfy(sameSet('last_declared_first', 'a', 'b')) as string[] },
    ],
  });
  const run = await watchRun(['pipe.ts#C'], options);
  expect(run.events[0]).toMatchObject({
    type: 'run.start',
    steps: expect.arrayContaining([
      { name: 'join', parents: expect.toSatisfy(sameSet('last_declared_first', 'a', 'b')) as string[] },
    ]) as unknown,
  });
  expect(await query(['get', 'latest', 'join'], options)).toBe('text 1 and 2');
  await watchRun(['pipe.ts#controller'], options);
  const calls = await watchRun(['pipe.ts#calls'], options);
  expect(calls.events.flatMap((event) => (event.type === 'step.add' ? event.steps : []))).toEqual([
    { name: 'one', parents: [] },
    { name: 'two', parents: ['one'] },
    { name: 'three', parents: expect.toSatisfy(sameSet('one', 'two')) as string[] },
  ]);
  expect(readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n')).toEqual([
    'side effect',
    'join',
    'first',
    'second',
    'one',
    'two',
    'three',
  ]);
});

const sameSet =
  (...names: string[]) =>
  (found: string[]): boolean =>
    JSON.stringify([...found].sort()) === JSON.stringify(names.sort());

const WRONG = `
import { PipelineController, Pipeline, Step, Parameter } from 'run-pipeline';
import { trace } from './trace';
const work = (x?: unknown, y?: unknown): void => trace('ran');
const wrong = new PipelineController({ name: 'wrong' });
const step = (name: string, x?: unknown, more: object = {}): void => {
  wrong.addFunctionStep({ name, function: work, ...(x === undefined ? {} : { functionKwargs: { x } }), ...more } as never);
};
wrong.addParameter({ name: 'url', default: 'x' });
step('load_rows', 1, { functionReturn: ['data_frame'] });
step('own_parent', 1, { parents: ['own_parent'] });
step('own_result', '$<own_result.result>');
step('orphan', 1, { parents: ['laod_rows'] });
step('twice', 1);
step('twice', 1);
step('pipeline', 1);
step('thenable', 1, { functionReturn: ['then'] });
step('a b', 1);
step('no_step', '$<load_row.data_frame>');
step('no_return', ['$<load_rows.dataframe>']);
step('no_parameter', { deep: 'see $<pipeline.urll>' });
step('no_attribute', '$<load_rows.artifacts.data_frame.sise>');
step('no_input', '$<load_rows.parameters.kwargs/xx>');
step('malformed', '$<load rows>');
export { wrong };
export const cycle = new PipelineController({ name: 'cycle' });
cycle.addFunctionStep({ name: 'a', function: work, functionKwargs: { x: '$<c.result>' } } as never);
cycle.addFunctionStep({ name: 'b', function: work, functionKwargs: { x: '$<a.result>' } } as never);
cycle.addFunctionStep({ name: 'c', function: work, functionKwargs: { x: '$<b.result>' } } as never);
@Pipeline({ name: 'inClass' })
export class InClass {
  @Parameter() rate = 1;
  @Step() load(): void { trace('ran'); }
  @Step({ inputs: ['$<pipeline.rat>', '$<lod.result>'] as never }) train(): void { trace('ran'); }
}
`;

const MISTAKES: readonly (readonly [code: string, message: RegExp])[] = [
  ['self-parent', /`own_parent` is its own parent/],
  ['self-reference', /own_result.*own result/],
  ['unknown-parent', /`laod_rows`.*`load_rows`/],
  ['duplicate-name', /two steps called `twice`/],
  ['reserved-name', /cannot be called `pipeline`/],
  ['reserved-name', /cannot be called `then`/],
  ['invalid-name', /`a b`.*`a_b`/],
  ['unknown-step', /no step `load_row`.*`load_rows`/],
  ['unknown-return', /does not return `dataframe`.*`data_frame`/],
  ['unknown-parameter', /no parameter `urll`.*`url`/],
  ['unknown-attribute', /`sise`.*`size`/],
  ['unknown-parameter', /`xx`.*`x`/],
  ['invalid-reference', /`\$<load rows>` is not a reference/],
];

test('a wrong graph is rejected before anything runs: every mistake, its place and a proposal', async () => {
  const project = scratch({ ...TRACE, 'wrong.ts': WRONG });
  const options = { cwd: project.directory };
  const check = await runPipeline(['check', 'wrong.ts#wrong', '--json'], options);
  expect(check.code).toBe(2);
  const { ok, diagnostics } = JSON.parse(check.stdout) as CheckDocument;
  expect(ok).toBe(false);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  for (const { at } of errors) expect(at).toMatch(/^wrong\.ts:\d+:\d+$/);
  const told = errors.map(({ code, message }) => `${code} ${message}`);
  const run = await watchRun(['wrong.ts#wrong'], options);
  expect([run.code, run.events]).toEqual([2, []]);
  const printed = run.stderr.split('\n').join(' ');
  for (const [code, message] of MISTAKES) {
    const [what = ''] = message.source.split('.*');
    expect(told).toContainEqual(expect.stringMatching(new RegExp(`^${code} .*${what}`)));
    expect(printed).toMatch(message);
  }
  expect(errors).toHaveLength(MISTAKES.length);
  expect(printed).toContain('wrong.ts:7:9');

  const cycle = await watchRun(['wrong.ts#cycle'], options);
  expect([cycle.code, cycle.events]).toEqual([2, []]);
  expect(cycle.stderr).toMatch(/a.*b.*c|b.*c.*a|c.*a.*b/);
  const inClass = await watchRun(['wrong.ts#InClass'], options);
  expect([inClass.code, inClass.events]).toEqual([2, []]);
  expect(inClass.stderr).toMatch(/`rat`[\s\S]*`rate`[\s\S]*`lod`[\s\S]*`load`/);
  expect(await query(['runs'], options)).toEqual([]);
  expect(existsSync(project.path('trace.txt'))).toBe(false);
});

interface CheckDocument {
  readonly ok: boolean;
  readonly diagnostics: readonly {
    readonly code: string;
    readonly severity: string;
    readonly message: string;
    readonly at: string;
  }[];
}
