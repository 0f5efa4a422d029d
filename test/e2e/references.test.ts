import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { query, watchRun } from '../rig/warm.js';

/** What a value is, exactly: its type and its content. */
const DESCRIBE = {
  'describe.ts': `
export function describe(value: unknown): string {
  if (Array.isArray(value)) return '[' + value.map(describe).join(', ') + ']';
  if (value instanceof Date) return 'Date ' + value.toISOString();
  if (value instanceof Map) return 'Map ' + describe([...value]);
  if (value instanceof Set) return 'Set ' + describe([...value]);
  if (ArrayBuffer.isView(value)) return value.constructor.name + ' ' + describe(Array.from(value as Float64Array));
  if (typeof value === 'object' && value !== null)
    return '{' + Object.entries(value).map(([key, item]) => key + ': ' + describe(item)).join(', ') + '}';
  if (Object.is(value, -0)) return 'number -0';
  return typeof value + ' ' + String(value);
}
`,
};

const VALUES: Readonly<Record<string, readonly [source: string, described: string]>> = {
  int: ['3', 'number 3'],
  float: ['0.25', 'number 0.25'],
  negativeZero: ['-0', 'number -0'],
  flag: ['false', 'boolean false'],
  nothing: ['null', 'object null'],
  text: ["'12'", 'string 12'],
  list: ["[1, '1', null]", '[number 1, string 1, object null]'],
  object: ['{ a: { b: [true] } }', '{a: {b: [boolean true]}}'],
  day: ["new Date('2026-01-31T12:00:00Z')", 'Date 2026-01-31T12:00:00.000Z'],
  map: [
    "new Map<unknown, unknown>([[1, 'one'], ['two', 2]])",
    'Map [[number 1, string one], [string two, number 2]]',
  ],
  set: ['new Set([1, 2])', 'Set [number 1, number 2]'],
  floats: ['new Float64Array([0.5, -1.5])', 'Float64Array [number 0.5, number -1.5]'],
  bytes: ['new Uint8Array([1, 255])', 'Uint8Array [number 1, number 255]'],
  big: ['123456789012345678901234567890n', 'bigint 123456789012345678901234567890'],
};
const names = Object.keys(VALUES);
const described = Object.fromEntries(names.map((name) => [name, VALUES[name]![1]]));
/** Seen by the first step, handed on by it, and seen by the second. */
const seen = { first: described, second: described };

const TYPED = {
  ...DESCRIBE,
  'class.ts': `
import { Parameter, Pipeline, Step } from 'run-pipeline';
import { describe } from './describe';
const all = (values: object) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, describe(value)]));
@Pipeline({ name: 'typed' })
export class Typed {
  ${names.map((name) => `@Parameter() ${name}: unknown = ${VALUES[name]![0]};`).join('\n  ')}
  @Step({ inputs: { ${names.map((name) => `${name}: '$<pipeline.${name}>'`).join(', ')} }, returns: ['seen', ${names.map((name) => `'${name}'`).join(', ')}] } as never)
  first(values: Record<string, unknown>): object { return { seen: all(values), ...values }; }
  @Step({ inputs: { seen: '$<first.seen>', ${names.map((name) => `${name}: '$<first.${name}>'`).join(', ')} } } as never)
  second({ seen, ...values }: Record<string, unknown>): unknown { return { first: seen, second: all(values) }; }
}
`,
  'controller.ts': `
import { PipelineController } from 'run-pipeline';
import { describe } from './describe';
const all = (values: object) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, describe(value)]));
export const pipe = new PipelineController({ name: 'typed' });
${names.map((name) => `pipe.addParameter({ name: '${name}', default: ${VALUES[name]![0]} });`).join('\n')}
pipe.addFunctionStep({
  name: 'first',
  function: (values: Record<string, unknown>) => ({ seen: all(values), values }),
  functionKwargs: { values: { ${names.map((name) => `${name}: '$<pipeline.${name}>'`).join(', ')} } },
  functionReturn: ['seen', 'values'],
} as never);
pipe.addFunctionStep({
  name: 'second',
  function: (seen: unknown, values: object) => ({ first: seen, second: all(values) }),
  functionKwargs: { values: '$<first.values>', seen: '$<first.seen>' },
} as never);
`,
  'function.ts': `
import { pipeline, step } from 'run-pipeline';
import { describe } from './describe';
const all = (values: object) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, describe(value)]));
const first = step({ returns: ['seen', 'values'] }, (values: Record<string, unknown>) => ({ seen: all(values), values }));
const second = step((seen: unknown, values: object) => ({ first: seen, second: all(values) }));
export const typed = pipeline(
  { name: 'typed', parameters: { ${names.map((name) => `${name}: ${VALUES[name]![0]} as unknown`).join(', ')} } },
  (parameters) => { const one = first(parameters as never); return second(one.seen, one.values as never); },
);
`,
};

test.each(['class', 'controller', 'function'])(
  'values keep type and content from parameter to step to return to the next step (%s)',
  async (writing) => {
    const options = { cwd: scratch(TYPED).directory };
    const run = await watchRun([`${writing}.ts`], options);
    expect(run.by).toEqual({ completed: ['first', 'second'] });
    expect(await query(['get', 'latest', 'second'], options)).toEqual(seen);
  },
);

test('text of the command line becomes a value of the parameter', async () => {
  const options = { cwd: scratch(TYPED).directory };
  const given: Record<string, readonly [text: string, described: string]> = {
    int: ['7', 'number 7'],
    float: ['1e-3', 'number 0.001'],
    flag: ['true', 'boolean true'],
    nothing: ['{"x":[1]}', '{x: [number 1]}'],
    text: ['7', 'string 7'],
    list: ['["a",2]', '[string a, number 2]'],
    day: ['2026-02-01', 'Date 2026-02-01T00:00:00.000Z'],
    map: ['{"k":1}', 'Map [[string k, number 1]]'],
    floats: ['[1,2.5]', 'Float64Array [number 1, number 2.5]'],
    big: ['99999999999999999999', 'bigint 99999999999999999999'],
  };
  const flags = Object.entries(given).flatMap(([name, [text]]) => ['--param', `${name}=${text}`]);
  const run = await watchRun(['class.ts', ...flags], options);
  expect(run.by).toEqual({ completed: ['first', 'second'] });
  const changed = Object.fromEntries(Object.entries(given).map(([name, [, text]]) => [name, text]));
  expect(await query(['get', 'latest', 'second.result'], options)).toEqual({
    first: { ...described, ...changed },
    second: { ...described, ...changed },
  });
});

const FORMS = {
  ...DESCRIBE,
  'pipe.ts': `
import { Parameter, Pipeline, PipelineController, Step } from 'run-pipeline';
import { describe } from './describe';
@Pipeline({ name: 'forms' })
export class Forms {
  @Parameter() name = 'world';
  @Parameter() rate = 0.5;
  @Parameter() deep = { rows: [{ id: 7 }] };
  @Step({ inputs: ['$<pipeline.name>', { scale: 2 }], returns: ['rows', 'day', 'n'] })
  load(name: string, _more: object): { rows: { name: string }[]; day: Date; n: number } {
    return { rows: [{ name }, { name: 'x' }], day: new Date('2026-01-01T00:00:00Z'), n: 3 };
  }
  @Step({
    inputs: {
      whole: '$<load.n>',
      curly: '\${load.n}',
      parameter: '$<pipeline.rate>',
      parameterPath: '$<pipeline.deep.rows.0.id>',
      path: '$<load.rows.0.name>',
      length: '$<load.rows.length>',
      text: 'n=$<load.n>, rate=$<pipeline.rate>, on $<load.day>; \${load.n}$<load.n>',
      padded: ' $<load.n>',
      escaped: '$$<load.n> and $\${load.n} and $$$<load.n>',
      shell: '\${HOME} costs $5 {x} <y>',
      nested: [{ list: ['$<load.n>', { name: '$<load.rows.1.name>', label: '#$<load.n>' }] }, 1],
      id: '$<load.id>',
      url: '$<load.artifacts.rows.url>',
      hash: '$<load.artifacts.rows.hash>',
      size: '$<load.artifacts.n.size>',
      type: '$<load.artifacts.n.type>',
      input: '$<load.parameters.kwargs/0>',
    },
  } as never)
  show(values: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, describe(value)]));
  }
}
export const controller = new PipelineController({ name: 'controller' })
  .addParameter({ name: 'url', default: 'default.csv' })
  .addFunctionStep({ name: 'load', function: (url: string, more: { n: number }) => url + more.n, functionKwargs: { url: '$<pipeline.url>', more: { n: 1 } }, functionReturn: ['rows'] })
  .addFunctionStep({
    name: 'show',
    function: (input: unknown, rows: unknown, id: string) => [input, rows, id],
    functionKwargs: { input: '$<load.parameters.kwargs/url>', rows: 'rows of $<load.rows>', id: '$<load.id>' },
  } as never);
`,
};

test('references in every form resolve, inside arrays and objects too', async () => {
  const options = { cwd: scratch(FORMS).directory };
  const run = await watchRun(['pipe.ts#Forms', '--param', 'name=you'], options);
  expect(run.by).toEqual({ completed: ['load', 'show'] });
  const artifacts = Object.fromEntries(run.ends['load']!.artifacts.map((record) => [record.name, record]));
  const shown = await query<Record<string, string>>(['get', 'latest', 'show'], options);
  expect(shown).toEqual({
    whole: 'number 3',
    curly: 'number 3',
    parameter: 'number 0.5',
    parameterPath: 'number 7',
    path: 'string you',
    length: 'number 2',
    text: 'string n=3, rate=0.5, on 2026-01-01T00:00:00.000Z; 33',
    padded: 'string  3',
    escaped: 'string $<load.n> and ${load.n} and $3',
    shell: 'string ${HOME} costs $5 {x} <y>',
    nested: '[{list: [number 3, {name: string x, label: string #3}]}, number 1]',
    id: expect.stringMatching(/^string ./) as string,
    url: `string ${artifacts['rows']!.url}`,
    hash: `string ${artifacts['rows']!.hash}`,
    size: `number ${artifacts['n']!.size}`,
    type: `string ${artifacts['n']!.type}`,
    input: 'string you',
  });
});

test('a controller step takes the launch value of a parameter, and else its default', async () => {
  const options = { cwd: scratch(FORMS).directory };
  await watchRun(['pipe.ts#controller'], options);
  expect(await query(['get', 'latest', 'show'], options)).toEqual([
    'default.csv',
    'rows of default.csv1',
    expect.any(String),
  ]);
  await watchRun(['pipe.ts#controller', '--param', 'url=mine.csv'], options);
  expect(await query(['get', 'latest', 'show'], options)).toEqual([
    'mine.csv',
    'rows of mine.csv1',
    expect.any(String),
  ]);
});

test('a reference that only its value shows to be wrong fails the run with that reason', async () => {
  const options = {
    cwd: scratch({
      'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
class Base {
  @Step({ returns: ['rows'] }) load(): unknown { return [{ name: 'x' }]; }
}
@Pipeline({ name: 'path' })
export class Path extends Base {
  @Step({ inputs: ['$<load.rows.0.nam>'] as never }) show(name: string): string { return name; }
}
@Pipeline({ name: 'text' })
export class Text extends Base {
  @Step({ inputs: ['rows: $<load.rows>'] as never }) show(name: string): string { return name; }
}
`,
    }).directory,
  };
  for (const [name, message] of [
    ['Path', /show.*\$<load\.rows\.0\.nam>.*there is no `nam`/],
    ['Text', /show.*\$<load\.rows>.*inside text.*an array of 1/],
  ] as const) {
    const run = await watchRun([`pipe.ts#${name}`], options);
    expect(run.code).toBe(1);
    expect(run.by).toEqual({ completed: ['load'], failed: ['show'] });
    expect(run.events.at(-1)).toMatchObject({
      type: 'run.end',
      status: 'failed',
      error: { message: expect.stringMatching(message) as string },
    });
  }
});
