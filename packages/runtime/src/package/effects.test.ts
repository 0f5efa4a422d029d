import { expect, test } from 'vitest';
import { ScratchProject } from './scratch-project.test-support.js';

/** Runs the step `one` of a file, packaged. */
async function resultOf(source: string, more: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const project = await ScratchProject.create({
    ...more,
    'pipeline.ts': `import { PipelineController } from 'run-pipeline';
${source}
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
`,
  });
  try {
    const result = await project.package([await project.functionStep('one')]);
    expect(result.diagnostics.filter((each) => each.severity === 'error')).toEqual([]);
    return await project.run(result.packages.get('one')!);
  } finally {
    await project.remove();
  }
}

const TABLE = {
  'table.ts': `export const table = new Map<string, number>();
export function register(target: { name: string }, _context?: unknown): void { table.set(target.name, 1); }
export const getTable = () => table;`,
};

test.each<[what: string, source: string]>([
  ['a static block of a class', `class Registers { static { table.set('a', 1); } }`],
  ['a static field of a class', `class Registers { static done = table.set('a', 1); }`],
  ['a decorator of a class', `@register class a {}`],
  ['a decorator of a class in a variable', `const A = @register class a {};`],
  [
    'a call for a base class',
    `const make = () => { table.set('a', 1); return class {}; }; class B extends make() {}`,
  ],
  ['a tagged template', 'const set = (s: TemplateStringsArray) => table.set(s[0]!, 1); const done = set`a`;'],
  ['what a function gives', `getTable().set('a', 1);`],
  ['a variable that holds what a function gives', `const mine = getTable(); mine.set('a', 1);`],
  ['a local variable of a block', `{ const mine = table; mine.set('a', 1); }`],
  ['a function that is called at once', `(() => { const mine = table; mine.set('a', 1); })();`],
  ['a method of an instance', `class App { add() { table.set('a', 1); } } const app = new App(); app.add();`],
  ['a method of an object', `const app = { add() { table.set('a', 1); } }; app.add();`],
  [
    'a function that a factory made',
    `const make = () => () => table.set('a', 1); const add = make(); add();`,
  ],
])('state that is changed by %s that the step does not use', async (_what, change) => {
  const source = `import { table, register, getTable } from './table.js';
${change}
function one() { return table.get('a') }`;
  expect(await resultOf(source, TABLE)).toBe(1);
});

test('a prototype that is changed through aliases', async () => {
  const source = `class Thing { value() { return 0 } }
const Alias = Thing;
const proto = Alias.prototype;
proto.value = () => 1;
function one() { return new Thing().value() }`;
  expect(await resultOf(source)).toBe(1);
});

test.each([
  ['an object pattern', '({ a: state.value } = { a: 1 });'],
  ['an array pattern', '[state.value] = [1];'],
  ['a loop', 'for (state.value of [0, 1]);'],
])('state that is assigned by %s', async (_what, change) => {
  expect(
    await resultOf(`const state = { value: 0 };\n${change}\nfunction one() { return state.value }`),
  ).toBe(1);
});

test('a CommonJS file may do nothing but require', async () => {
  const files = {
    'patch.cjs': `require('./shared.cjs').value = 1;`,
    'shared.cjs': `exports.value = 0;`,
  };
  const source = `import './patch.cjs';\nimport shared from './shared.cjs';\nfunction one() { return shared.value }`;
  expect(await resultOf(source, files)).toBe(1);
});

test('a .tsx file is taken before a .ts file of the same name, as when the pipeline is loaded', async () => {
  const files = { 'helper.ts': 'export const value = 2', 'helper.tsx': 'export const value = 1' };
  expect(await resultOf(`import { value } from './helper';\nfunction one() { return value }`, files)).toBe(1);
});

test('a parameter may be called as a function of its file', async () => {
  const project = await ScratchProject.create({
    'pipeline.ts': `import { PipelineController } from 'run-pipeline';
export function rows() { return [1] }
export function one(rows: number[], more = 1) { return rows.length + more }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one, functionKwargs: { rows: [1] } });
`,
  });
  const step = await project.functionStep('one');
  const result = await project.package([{ ...step, inputs: { kind: 'named', names: ['rows'] } }]);
  expect(result.diagnostics).toEqual([]);
  expect(result.packages.get('one')!.manifest.binding).toEqual({
    kind: 'by-name',
    parameters: ['rows', 'more'],
  });
  await project.remove();
});
