import { expect, test } from 'vitest';
import type { Diagnostic } from '@run-pipeline/core/model';
import { ScratchProject } from './scratch-project.test-support.js';

const HEAD = `import { PipelineController } from 'run-pipeline';\n`;

/** The findings, with places as `file:line:column` and the text that stands there. */
async function findings(files: Readonly<Record<string, string>>, keys = ['one']): Promise<unknown[]> {
  const project = await ScratchProject.create(files);
  const result = await project.package(await Promise.all(keys.map((key) => project.functionStep(key))));
  const place = (at: Diagnostic['at']): string => {
    if (at === undefined) return 'nowhere';
    const file = at.file.slice(project.paths.root.length + 1);
    const text = files[file]!.split('\n')[at.line - 1]!.slice(at.column - 1);
    return `${file}:${at.line} ${text.slice(0, 14)}`;
  };
  await project.remove();
  return result.diagnostics.map((each) => [
    each.code,
    place(each.at),
    ...(each.related ?? []).map((other) => place(other.at)),
  ]);
}

test('a captured variable is shown where it is used and where it is declared', async () => {
  const source = `${HEAD}
export function build(limit: number) {
  const pipe = new PipelineController();
  pipe.addFunctionStep({
    name: 'one',
    function: (x: number) => {
      // a comment
      return x + limit;
    },
  });
}
`;
  expect(await findings({ 'pipeline.ts': source })).toEqual([
    ['captures-local', 'pipeline.ts:9 limit;', 'pipeline.ts:3 limit: number)'],
  ]);
});

test('a reference to the pipeline is shown where it is, also in a helper', async () => {
  const source = `${HEAD}
const pipe = new PipelineController({
  name: 'x',
});
function helper() {
  return pipe.name;
}
function one() {
  return helper();
}
pipe.addFunctionStep({ name: 'one', function: one });
`;
  expect(await findings({ 'pipeline.ts': source })).toEqual([
    ['references-pipeline', 'pipeline.ts:7 pipe.name;', 'pipeline.ts:3 pipe = new Pip'],
  ]);
});

test('shared state of a helper file is shown where it is changed and where it is declared', async () => {
  expect(
    await findings(
      {
        'state.ts': `type X = 1;\nexport const seen = new Map<string, number>();\nexport function remember(x: string) {\n  seen.set(x, 1);\n}\n`,
        'pipeline.ts': `${HEAD}import { remember, seen } from './state.js';
function one(x: string) { remember(x) }
function two() { return seen.size }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
pipe.addFunctionStep({ name: 'two', function: two });
`,
      },
      ['one', 'two'],
    ),
  ).toEqual([['shared-module-state', 'state.ts:4 seen.set(x, 1)', 'state.ts:2 seen = new Map']]);
});

test('an import that cannot be resolved is shown where it is written', async () => {
  expect(
    await findings({
      'helper.ts': `\nimport { missing } from 'not-there';\nexport const helper = () => missing;\n`,
      'pipeline.ts': `${HEAD}import { helper } from './helper.js';
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: () => helper() });
`,
    }),
  ).toEqual([['unresolved-import', 'helper.ts:2 missing } from']]);
});

test('a syntax error of a helper is shown in the helper', async () => {
  expect(
    await findings({
      'helper.ts': `export const helper = () => {\n  return 1 +;\n};\n`,
      'pipeline.ts': `${HEAD}import { helper } from './helper.js';
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: () => helper() });
`,
    }),
  ).toEqual([['syntax', 'helper.ts:2 ;']]);
});

test('without a file, `source` is asked for', async () => {
  const project = await ScratchProject.create({});
  const step = await ScratchProject.create({ 'pipeline.ts': `addFunctionStep({ name: 'one' })` });
  const request = await step.functionStep('one');
  const { packages, diagnostics } = await project.package([
    { ...request, code: { kind: 'function', function: () => 0, call: undefined, file: undefined } },
    {
      ...request,
      key: 'two',
      code: { kind: 'method', owner: Object as never, className: 'P', method: 'two', file: undefined },
    },
  ]);
  expect(packages.size).toBe(0);
  expect(diagnostics.map((each) => [each.code, each.help?.includes('source: import.meta.url')])).toEqual([
    ['source-unknown', true],
    ['source-unknown', true],
  ]);
  await Promise.all([project.remove(), step.remove()]);
});

test('one step that cannot be bundled does not spoil the others', async () => {
  const project = await ScratchProject.create({
    'broken.cjs': 'require("./not-there.js"); exports.x = 1',
    'pipeline.ts': `${HEAD}import { x } from './broken.cjs';
function one() { return x }
function two() { return 2 }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
pipe.addFunctionStep({ name: 'two', function: two });
`,
  });
  const result = await project.package([
    await project.functionStep('one'),
    await project.functionStep('two'),
  ]);
  expect([...result.packages.keys()]).toEqual(['two']);
  expect(result.diagnostics.map((each) => [each.code, each.message.includes('step one')])).toEqual([
    ['unresolved-import', true],
  ]);
  await project.remove();
});

test.each([
  [
    'by the parameter names',
    '(b: number, a = 1) => b',
    ['a', 'b'],
    { kind: 'by-name', parameters: ['b', 'a'] },
  ],
  ['as the one object', '({ a, b }: any) => a + b', ['a', 'b'], { kind: 'object' }],
  ['as the one object with a default', '({ a, b }: any = {}) => a + b', ['a', 'b'], { kind: 'object' }],
  [
    'inside a wrapper',
    'wrap(async (a: number, b: number) => a + b)',
    ['b'],
    { kind: 'by-name', parameters: ['a', 'b'] },
  ],
] as const)('named inputs are bound %s', async (_how, expression, names, binding) => {
  const project = await ScratchProject.create({
    'pipeline.ts': `${HEAD}const wrap = (f: any) => f;
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: ${expression} });
`,
  });
  const result = await project.package([
    await project.functionStep('one', { inputs: { kind: 'named', names } }),
  ]);
  expect(result.diagnostics).toEqual([]);
  expect(result.packages.get('one')!.manifest.binding).toEqual(binding);
  await project.remove();
});

test('a name that no parameter has is an error with a suggestion', async () => {
  const project = await ScratchProject.create({
    'pipeline.ts': `${HEAD}function one(dataFrame: number, size: number) { return dataFrame + size }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
`,
  });
  const result = await project.package([
    await project.functionStep('one', { inputs: { kind: 'named', names: ['data_frame'] } }),
  ]);
  expect(result.diagnostics).toMatchObject([
    {
      code: 'unknown-argument',
      message: expect.stringContaining('did you mean "dataFrame"?'),
      help: expect.stringContaining('dataFrame, size'),
    },
  ]);
  await project.remove();
});
