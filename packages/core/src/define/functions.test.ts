import { afterEach, expect, test } from 'vitest';
import { handleTarget } from './handle.js';
import { type IssuedCall, setScopeLookup } from './issue.js';
import { parameter } from './parameter.js';
import { pipeline } from './pipeline-function.js';
import { nameStep, step, stepDefinitionOf } from './step-function.js';
import { pipelineOf } from './subject.js';

afterEach(() => setScopeLookup(() => undefined));

/** A scope that records calls and answers them with `values`, by the name of the step. */
function recording(values: Record<string, unknown> = {}): IssuedCall[] {
  const calls: IssuedCall[] = [];
  setScopeLookup(() => ({
    issue(call) {
      calls.push(call);
      const value = values[call.step.name];
      return {
        name: call.label ?? call.step.name,
        value: async (name) => (name === undefined ? value : (value as Record<string, unknown>)[name]),
      };
    },
  }));
  return calls;
}

const split = step({ name: 'split', returns: ['train', 'test'] }, (rows: number[]) => ({
  train: rows,
  test: rows,
}));
const sum = step({ name: 'sum', cache: true }, (rows: number[]) => rows.reduce((a, b) => a + b, 0));

test('calling a step issues a node, and a handle passes as an input', async () => {
  const calls = recording({ split: { train: [1], test: [2] }, sum: 7 });
  const parts = split([1, 2]);
  const total = sum(parts.train);
  expect(calls.map((call) => call.step.name)).toEqual(['split', 'sum']);
  expect(handleTarget(calls[1]!.args[0])).toMatchObject({ node: { name: 'split' }, returnName: 'train' });
  expect(await total).toBe(7);
  expect(await parts).toEqual({ train: [1], test: [2] });
  expect(await parts.test).toEqual([2]);
  expect(await Promise.all([sum([1]), parts.train])).toEqual([7, [1]]);
});

test('with() labels a call and orders it', () => {
  const calls = recording();
  const first = sum([1]);
  sum.with({ name: 'sum of two', parents: [first, 'split'] })([2]);
  expect(calls[1]).toMatchObject({ label: 'sum of two', args: [[2]] });
  expect(calls[1]!.parents[0]).toBe(first);
  expect(() => sum.with({ nmae: 'x' } as never)).toThrow(/no option "nmae" \(did you mean "name"\?\)/);
});

test.each<[string, (handle: any) => unknown, RegExp]>([
  [
    'another property',
    (handle) => handle.trian,
    /split is a step's value that is not here yet: it has no property "trian"/,
  ],
  ['a property of a value', (handle) => handle.train.length, /split.train .* no property "length"/],
  ['text', (handle) => `${handle}`, /cannot be text or a number/],
  ['a number', (handle) => handle * 2, /cannot be text or a number/],
  ['JSON', (handle) => JSON.stringify({ handle }), /cannot be written as JSON/],
  ['a loop', (handle) => [...handle], /cannot be iterated/],
  ['a spread', (handle) => ({ ...handle }), /cannot be listed or spread/],
  ['an assignment', (handle) => (handle.train = 1), /cannot be changed/],
])('a handle as %s throws with the reason', (_what, use, message) => {
  recording();
  expect(() => use(split([1]))).toThrow(message);
});

test('a handle can be printed, listed and compared', () => {
  recording();
  const handle = split([1]);
  const inspected = (handle as never as Record<symbol, unknown>)[Symbol.for('nodejs.util.inspect.custom')];
  expect((inspected as () => string)()).toBe('Handle<split>');
  expect(handle.train).toBe(handle.train);
  expect('train' in handle && 'then' in handle && !('x' in handle)).toBe(true);
  expect([1].concat(handle as never)).toHaveLength(2);
});

test('outside of a pipeline function a step says so, and .fn is the function', () => {
  expect(() => sum([1])).toThrow(/the step sum was called outside of a pipeline function/);
  expect(sum.fn([1, 2])).toBe(3);
});

test('the name comes from the option, the function, or the variable', () => {
  recording();
  const anonymous = step((n: number) => n);
  function named(n: number): number {
    return n;
  }
  expect(stepDefinitionOf(step(named))!.name).toBe('named');
  expect(() => anonymous(1)).toThrow(/a step has no name/);
  nameStep(anonymous, 'doubled');
  nameStep(sum, 'other');
  expect([stepDefinitionOf(anonymous)!.name, stepDefinitionOf(sum)!.name]).toEqual(['doubled', 'sum']);
  anonymous(1);
});

test('a step knows its call site and its options', () => {
  const definition = stepDefinitionOf(sum)!;
  expect(definition.source?.file).toMatch(/functions\.test\.ts$/);
  expect(definition).toMatchObject({
    inputs: { kind: 'none' },
    returns: undefined,
    options: { cache: { ttl: undefined } },
  });
  expect(() => step({ tiemout: 2 } as never, () => 1)).toThrow(
    /no option "tiemout" \(did you mean "timeout"/,
  );
  expect(() => step('x' as never)).toThrow(/step\(\) takes a function/);
});

test('what a step needs and how soon it is wanted are checked where they are written', () => {
  const made = step({ resources: { gpu: 1, 'nvidia.com/mig': 0.5 }, priority: -3 }, () => 1);
  expect(stepDefinitionOf(made)!.options).toMatchObject({
    resources: { gpu: 1, 'nvidia.com/mig': 0.5 },
    priority: -3,
  });
  expect(stepDefinitionOf(sum)!.options).toMatchObject({ resources: {}, priority: 0 });
  for (const [options, message] of [
    [{ resources: { gpu: -1 } }, /takes a number from 0 as resource "gpu"/],
    [{ resources: { gpu: '1' } }, /takes a number from 0 as resource "gpu"/],
    [{ resources: { 'a=b': 1 } }, /cannot have a resource called "a=b"/],
    [{ resources: [1] }, /takes an object of numbers/],
    [{ priority: 1.5 }, /takes a whole number up to 1000000 as "priority", not 1.5/],
    [{ priority: 'high' }, /as "priority", not "high"/],
  ] as const)
    expect(() => step(options as never, () => 1)).toThrow(message);
});

test('pipeline() declares parameters by their defaults', () => {
  const scoring = pipeline(
    {
      name: 'scoring',
      project: 'examples',
      parameters: {
        depths: [3, 5],
        data: parameter({ type: 'file', default: 'x.csv' }),
        day: parameter({ type: 'date' }),
      },
    },
    ({ depths }) => depths.length,
  );
  const definition = pipelineOf(scoring)!.definition();
  expect(definition).toMatchObject({
    kind: 'function',
    name: 'scoring',
    project: 'examples',
    steps: [],
    subject: scoring,
  });
  expect(
    definition.parameters.map(({ name, type, required, default: value }) => [name, type, required, value]),
  ).toEqual([
    ['depths', 'json', false, [3, 5]],
    ['data', 'file', false, 'x.csv'],
    ['day', 'date', true, undefined],
  ]);
  expect(definition.body!({ depths: [1] })).toBe(1);
  expect(scoring.name).toBe('scoring');
  expect(() => (scoring as () => void)()).toThrow(/the pipeline scoring was called as a function/);
});
