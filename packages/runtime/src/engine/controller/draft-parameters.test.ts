import { file } from '@run-pipeline/core/define';
import type { ParameterDefinition, PipelineDefinition, TaskRecord } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import {
  declaredPipeline,
  definitionsOf,
  draftDefaults,
  draftValues,
  givenParameters,
  requireParameters,
} from './draft-parameters.js';

const parameter = (name: string, more: Partial<ParameterDefinition> = {}): ParameterDefinition => ({
  name,
  type: 'number',
  required: false,
  description: undefined,
  schema: undefined,
  default: undefined,
  source: undefined,
  ...more,
});
const declared = (...parameters: readonly ParameterDefinition[]) =>
  declaredPipeline({ version: '2', parameters } as unknown as PipelineDefinition);
const recordWith = (parameters: TaskRecord['parameters']): TaskRecord =>
  ({ id: 't1', name: 'iris', parameters }) as unknown as TaskRecord;

test('defaults keep their types, and what JSON cannot keep is left to the code', () => {
  const kept = declared(
    parameter('n', { default: 1 }),
    parameter('day', { type: 'date', default: new Date(0) }),
    parameter('map', { type: 'json', default: new Map([['a', 1n]]) }),
    parameter('bytes', { type: 'json', default: new Float64Array(3) }),
    parameter('long', { type: 'string', default: 'x'.repeat(100_000) }),
    parameter('data', { type: 'file', default: file('data.csv') }),
    parameter('none'),
  );
  const defaults = givenParameters(recordWith({ General: draftDefaults(kept)! })).values;
  expect(defaults).toEqual({ n: 1, day: new Date(0), map: new Map([['a', 1n]]), data: 'data.csv' });
  // Through the store and back.
  const again = definitionsOf(JSON.parse(JSON.stringify(kept)) as typeof kept);
  expect(again.map(({ name, default: value }) => [name, value])).toEqual([
    ['n', 1],
    ['day', new Date(0)],
    ['map', new Map([['a', 1n]])],
    ['bytes', undefined],
    ['long', undefined],
    ['data', 'data.csv'],
    ['none', undefined],
  ]);
});

test('values are checked, all findings at once, and a required one may be missing', async () => {
  const definitions = [parameter('n', { required: true }), parameter('text', { type: 'string' })];
  const values = (given: Readonly<Record<string, unknown>>) =>
    draftValues({ definitions, values: given, cwd: '/project' });
  expect(await values({})).toEqual({});
  expect(await values({ n: 2, text: undefined })).toEqual({ n: { json: 2 } });
  await expect(values({ n: 'two', txt: 'a' })).rejects.toMatchObject({
    message: expect.stringMatching(
      /no parameter `txt` \(did you mean "text"\?\)\nparameter `n` takes a number/,
    ) as string,
  });
  await expect(values({ __proto__: null, constructor: 1 })).rejects.toMatchObject({
    code: 'unknown-parameter',
  });
});

test('files are kept by their absolute path, from where they were given', async () => {
  const definitions = [parameter('data', { type: 'file' })];
  const given = async (value: unknown) =>
    (await draftValues({ definitions, values: { data: value }, cwd: '/project' }))!['data'];
  expect(await given('a.csv')).toEqual({ json: '/project/a.csv' });
  expect(await given(file('b/a.csv'))).toEqual({ json: '/project/b/a.csv' });
  expect(await given('/other/a.csv')).toEqual({ json: '/other/a.csv' });
  await expect(given(3)).rejects.toMatchObject({ code: 'invalid-parameter' });
});

test('what a schema takes is for the schema to say, when the pipeline starts', async () => {
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
  };
  const live = [parameter('n', { schema: schema as never, required: true })];
  await expect(draftValues({ definitions: live, values: { n: 'x' }, cwd: '/' })).rejects.toMatchObject({
    code: 'invalid-parameter',
  });
  const stored = definitionsOf(declared(...live));
  expect(await draftValues({ definitions: stored, values: { n: 'x' }, cwd: '/' })).toEqual({
    n: { json: 'x' },
  });
});

test('a draft is not enqueued without what it requires; text of the command line counts', () => {
  const kept = declared(parameter('n', { required: true }), parameter('m', { default: 1 }));
  expect(() => requireParameters(recordWith({}), kept)).toThrow(
    expect.objectContaining({
      code: 'missing-parameter',
      message: expect.stringMatching(/`n`$/) as string,
    }) as Error,
  );
  const record = recordWith({ General: { n: { json: '3', text: true } } });
  requireParameters(record, kept);
  expect(givenParameters(record)).toEqual({ values: { n: '3' }, textual: ['n'] });
});
