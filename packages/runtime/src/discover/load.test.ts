import { expect, test } from 'vitest';
import { isRunPipelineError, type RunPipelineError } from '@run-pipeline/core/model';
import { registry } from '@run-pipeline/core/define';
import { selectCandidate } from './candidates.js';
import { loadBundle } from './load.js';
import { builtFramework, scratchProject } from './scratch-project.test-support.js';

const CLASS = `import { Pipeline, Step } from 'run-pipeline';
import { scale } from './helper.js';

@Pipeline({ name: 'iris', project: 'examples' })
export class Iris {
  @Step({ returns: ['rows'] })
  load(): number[] {
    return scale([1, 2]);
  }
}
`;
const HELPER = `export const scale = (rows: number[]): number[] => rows.map((row) => row * 2);\n`;

async function failure(promise: Promise<unknown>): Promise<RunPipelineError> {
  try {
    await promise;
  } catch (error) {
    if (isRunPipelineError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

test('a decorated class in TypeScript is found, with its places in the source', async () => {
  const project = scratchProject({ 'pipe.ts': CLASS, 'helper.ts': HELPER });
  const loaded = await project.load('pipe.ts');
  expect(loaded.candidates.map(({ exportName }) => exportName)).toEqual(['Iris']);
  const definition = loaded.candidates[0]!.definition();
  expect(definition.name).toBe('iris');
  expect(definition.source).toEqual({ file: project.path('pipe.ts'), line: 4, column: 2 });
  expect(definition.steps[0]!.source).toEqual({ file: project.path('pipe.ts'), line: 6, column: 4 });
  expect(definition.steps[0]!.code).toMatchObject({
    kind: 'method',
    className: 'Iris',
    method: 'load',
    file: project.path('pipe.ts'),
  });
});

test('a second load takes the JavaScript from the cache and evaluates it again', async () => {
  const project = scratchProject({ 'pipe.ts': CLASS, 'helper.ts': HELPER });
  const first = await project.load('pipe.ts');
  const second = await project.load('pipe.ts');
  expect(second.candidates[0]!.subject).not.toBe(first.candidates[0]!.subject);
  expect(second.bundle.code).toBe(first.bundle.code);
  expect(second.candidates[0]!.definition().steps[0]!.source?.line).toBe(6);
});

test.each([
  ['the file itself', { 'pipe.ts': CLASS.replace("'iris'", "'changed'") }],
  ['tsconfig.json that comes', { 'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true}}' }],
  ['a helper that shadows', { 'helper.js': 'export const scale = (rows) => rows;' }],
  ['package.json', { 'package.json': '{"name":"scratch","type":"module","version":"2.0.0"}' }],
])('%s is noticed by the cache', async (_, change) => {
  const project = scratchProject({ 'pipe.ts': CLASS, 'helper.ts': HELPER });
  await project.load('pipe.ts');
  project.write(change);
  const { isUnchanged } = await import('../project/read-set.js');
  const { readdirSync, readFileSync } = await import('node:fs');
  const directory = `${project.paths.home}/cache/load`;
  const memo = readdirSync(directory).find((name) => /^[0-9a-f]{24}\.json$/.test(name))!;
  expect(isUnchanged(JSON.parse(readFileSync(`${directory}/${memo}`, 'utf8')).reads)).toBe(false);
  const name = (await project.load('pipe.ts')).candidates[0]!.definition().name;
  expect(name).toBe('pipe.ts' in change ? 'changed' : 'iris');
});

test('both decorator standards work, by what tsconfig says through extends', async () => {
  const project = scratchProject({
    'pipe.ts': CLASS,
    'helper.ts': HELPER,
    'tsconfig.json': '{ // comment\n "extends": "./base.json", }',
    'base.json': '{"compilerOptions":{"experimentalDecorators":true}}',
  });
  const legacy = await project.load('pipe.ts');
  expect(legacy.bundle.code).toContain('__decorateClass');
  expect(legacy.candidates[0]!.definition().steps.map(({ name }) => name)).toEqual(['load']);
  project.write({ 'base.json': '{}' });
  const standard = await project.load('pipe.ts');
  expect(standard.bundle.code).not.toContain('__decorateClass(');
  expect(standard.candidates[0]!.definition().steps.map(({ name }) => name)).toEqual(['load']);
});

test('tsconfig paths, packages and JSON resolve as in the project', async () => {
  const project = scratchProject({
    'tsconfig.json': '{"compilerOptions":{"paths":{"@/*":["./src/*"]}}}',
    'src/deep/value.ts': 'export const value = 1;',
    'data.json': '{"n": 2}',
    'node_modules/dual/package.json':
      '{"name":"dual","version":"1.0.0","exports":{".":{"module":"./module.js","import":"./esm.mjs","require":"./cjs.cjs"}}}',
    'node_modules/dual/esm.mjs': 'export const kind = "esm";',
    'node_modules/dual/cjs.cjs': 'exports.kind = "cjs";',
    'node_modules/dual/module.js': 'export const kind = "module";',
    'pipe.ts': `import { value } from '@/deep/value';
import data from './data.json';
import { kind } from 'dual';
import { pipeline } from 'run-pipeline';
const other = require('dual').kind;
export const p = pipeline({ name: [value, data.n, kind, other].join('-') }, async () => {});
`,
  });
  const loaded = await project.load('pipe.ts');
  expect(loaded.candidates[0]!.definition().name).toBe('1-2-esm-cjs');
  expect(loaded.bundle.code).toContain('"run-pipeline-external:');
  expect(loaded.bundle.code).not.toContain(`${project.directory}/node_modules`);
});

test('a workspace package that is source is part of the bundle', async () => {
  const project = scratchProject({
    'packages/lib/package.json': '{"name":"lib","type":"module","exports":"./src/index.ts"}',
    'packages/lib/src/index.ts': 'export const where: string = import.meta.url;',
    'pipe.ts': `import { where } from 'lib';
import { pipeline } from 'run-pipeline';
export const p = pipeline({ name: where }, async () => {});`,
  });
  const { mkdirSync, symlinkSync } = await import('node:fs');
  mkdirSync(project.path('node_modules'));
  symlinkSync(project.path('packages/lib'), project.path('node_modules/lib'));
  const loaded = await project.load('pipe.ts');
  expect(loaded.candidates[0]!.definition().name).toBe(`file://${project.path('packages/lib/src/index.ts')}`);
});

test('a module sees its own place: import.meta, __dirname, require, process.argv', async () => {
  const project = scratchProject({
    'nested/where.ts': `export const url = import.meta.url, dirname = import.meta.dirname, filename = import.meta.filename;
export const old = [__dirname, __filename];
export const resolved = import.meta.resolve('./x.txt');
export const required = require.resolve('dual');
export const name = new URL('./x.txt', import.meta.url).pathname;`,
    'nested/common.cjs': `'use strict';
exports.place = __dirname + '|' + __filename + '|' + (require.main === module);`,
    'node_modules/dual/package.json': '{"name":"dual","main":"m.js"}',
    'node_modules/dual/m.js': '',
    'pipe.ts': `import * as where from './nested/where.js';
import common from './nested/common.cjs';
import { PipelineController } from 'run-pipeline';
export const controller = new PipelineController({ name: 'x', project: 'y' });
(globalThis as any).seen = { ...where, common: common.place, argv: process.argv.slice(1) };`,
  });
  const argv = process.argv;
  await project.load('pipe.ts', { argv: ['--flag'] });
  process.argv = argv;
  const nested = project.path('nested');
  expect((globalThis as unknown as { seen: unknown }).seen).toEqual({
    url: `file://${nested}/where.ts`,
    dirname: nested,
    filename: `${nested}/where.ts`,
    old: [nested, `${nested}/where.ts`],
    resolved: `file://${nested}/x.txt`,
    required: project.path('node_modules/dual/m.js'),
    name: `${nested}/x.txt`,
    common: `${nested}|${nested}/common.cjs|false`,
    argv: [project.path('pipe.ts'), '--flag'],
  });
});

test('functions and classes keep their names although modules share them', async () => {
  const project = scratchProject({
    'a.ts': 'export function stepOne() {}\nexport class Model {}',
    'pipe.ts': `import * as a from './a.js';
import { pipeline } from 'run-pipeline';
function stepOne() {}
class Model {}
export const p = pipeline({ name: [a.stepOne.name, stepOne.name, a.Model.name, Model.name].join() }, async () => {});`,
  });
  expect((await project.load('pipe.ts')).candidates[0]!.definition().name).toBe(
    'stepOne,stepOne,Model,Model',
  );
});

test('unnamed steps are named after their variables, exported or not', async () => {
  const project = scratchProject({
    'steps.ts': `import * as rp from 'run-pipeline';
export const load = rp.step(async () => 1);
export const group = { score: rp.step({ cache: true }, async () => 2) };`,
    'pipe.ts': `import { pipeline, run, step } from 'run-pipeline';
import { group, load } from './steps.js';
const train = step({ returns: ['accuracy'] }, async () => 1),
  test: unknown = step(() => 2);
export const fit = step(async () => 3);
export default step(function named() {});
export const p = pipeline({ name: 'p' }, async () => [group, load, train, test, fit]);
await run(p);
`,
  });
  for (let round = 0; round < 2; round++) {
    const before = registry().steps.size;
    await project.load('pipe.ts');
    const names = [...registry().steps.values()].slice(before).map(({ name }) => name);
    expect(names).toEqual(['load', 'score', 'train', 'test', 'fit', 'named']);
  }
});

test('a file that awaits its own start is loaded up to there, and its exports are known', async () => {
  const project = scratchProject({
    'pipe.ts': `import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'x', project: 'y' });
await pipe.start();
throw new Error('never reached');
export const later = 1;`,
  });
  const loaded = await project.load('pipe.ts');
  expect(loaded.candidates.map(({ exportName }) => exportName)).toEqual(['pipe']);
  expect(loaded.starts).toHaveLength(1);
  expect(selectCandidate(loaded)).toBe(loaded.candidates[0]);
});

test('a start performed by the caller lets the file go on, once', async () => {
  const project = scratchProject({
    'pipe.ts': `import { pipeline, run } from 'run-pipeline';
const hidden = pipeline({ name: 'hidden' }, async () => {});
const result = await run(hidden, { concurrency: 2 });
export const status = result.status;
(globalThis as any).after = status;`,
  });
  const starts: unknown[] = [];
  const loaded = await project.load('pipe.ts', {
    onStart: async (subject, options, known) => {
      expect(known.candidates[0]!.subject).toBe(subject);
      starts.push([known.candidates[0]!.definition().name, options.concurrency]);
      return { id: 'r', number: 1, status: 'completed', steps: {}, get: async () => undefined as never };
    },
  });
  expect(starts).toEqual([['hidden', 2]]);
  expect((globalThis as unknown as { after: unknown }).after).toBe('completed');
  expect(loaded.starts).toHaveLength(1);
});

test('a main() that comes to its pipeline later is waited for', async () => {
  const project = scratchProject({
    'pipe.ts': `import { PipelineController } from 'run-pipeline';
import { readFile } from 'node:fs/promises';
async function main() {
  await readFile(import.meta.filename);
  const pipe = new PipelineController({ name: 'late', project: 'y' });
  await pipe.start();
}
void main();`,
  });
  const loaded = await project.load('pipe.ts');
  expect(loaded.candidates[0]!.definition().name).toBe('late');
});

test('a stored bundle gives the same candidates and step names after the source has changed', async () => {
  const source = `import { pipeline, step } from 'run-pipeline';
const train = step(async () => 1);
export const p = pipeline({ name: 'p' }, async () => train());
`;
  const project = scratchProject({ 'pipe.ts': source });
  const loaded = await project.load('pipe.ts');
  const stored = JSON.parse(JSON.stringify(loaded.bundle)) as typeof loaded.bundle;
  project.write({ 'pipe.ts': 'const other = 1, another = 2, broken(' });
  const elsewhere = scratchProject({});
  const before = registry().steps.size;
  const again = await loadBundle({
    paths: elsewhere.paths,
    bundle: stored,
    file: loaded.file,
    framework: builtFramework(),
  });
  expect(again.candidates[0]!.definition()).toMatchObject({
    name: 'p',
    source: { file: project.path('pipe.ts'), line: 3 },
  });
  const [step] = [...registry().steps.values()].slice(before);
  expect(step).toMatchObject({ name: 'train', source: { line: 2 }, code: { file: project.path('pipe.ts') } });
});

test('a package that moved since a bundle was stored is found again', async () => {
  const project = scratchProject({
    'node_modules/lib/package.json': '{"name":"lib","main":"a.js"}',
    'node_modules/lib/a.js': 'exports.name = "from-a";',
    'pipe.ts': `import { name } from 'lib';
import { pipeline } from 'run-pipeline';
export const p = pipeline({ name }, async () => {});`,
  });
  const { bundle, file } = await project.load('pipe.ts');
  project.write({
    'node_modules/lib/package.json': '{"name":"lib","main":"b.js"}',
    'node_modules/lib/b.js': 'exports.name = "from-b";',
  });
  const { rmSync } = await import('node:fs');
  rmSync(project.path('node_modules/lib/a.js'));
  const again = await loadBundle({ paths: project.paths, bundle, file, framework: builtFramework() });
  expect(again.candidates[0]!.definition().name).toBe('from-b');
});

test('a missing file, a directory and other kinds of files are load errors', async () => {
  const project = scratchProject({ 'src/a.ts': '', 'notes.md': '' });
  expect(await failure(project.load('none.ts'))).toMatchObject({ kind: 'load', code: 'file-not-found' });
  expect(await failure(project.load('src'))).toMatchObject({ kind: 'load', code: 'not-a-file' });
  expect(await failure(project.load('notes.md'))).toMatchObject({ kind: 'load', code: 'not-a-source-file' });
});

test('every syntax error is told, with its place', async () => {
  const project = scratchProject({
    'pipe.ts': "import { a } from './a';\nimport { b } from './b';\nconsole.log(a, b);\n",
    'a.ts': 'export const a = 1;\nconst é = ;',
    'b.ts': 'export const b: = 1;',
  });
  const error = await failure(project.load('pipe.ts'));
  expect(error).toMatchObject({ kind: 'load', code: 'syntax-error' });
  expect(error.diagnostics.map(({ at }) => `${at?.file}:${at?.line}:${at?.column}`).sort()).toEqual([
    `${project.path('a.ts')}:2:11`,
    `${project.path('b.ts')}:1:17`,
  ]);
});

test('an import that cannot be found names the import, its place and what to do', async () => {
  const project = scratchProject({
    'pipe.ts': "import { a } from './missing';\nimport b from 'not-installed/sub';\nconsole.log(a, b);",
  });
  const error = await failure(project.load('pipe.ts'));
  expect(error.code).toBe('unresolved-import');
  const found = error.diagnostics.map(({ message, at, help }) => [message, at?.line, help]);
  expect(found).toContainEqual([
    'the import "./missing" cannot be found',
    1,
    'check the path, its letter case and `paths` in tsconfig.json',
  ]);
  expect(found).toContainEqual([
    'the import "not-installed/sub" cannot be found',
    2,
    'npm install not-installed',
  ]);
});

test('what the file throws is told at the line of the TypeScript that threw', async () => {
  const project = scratchProject({
    'pipe.ts': "interface Unused { a: number }\n\nimport { boom } from './b.js';\nboom();\n",
    'b.ts': 'type T = string;\nexport function boom(): void {\n  throw new TypeError("no luck");\n}\n',
  });
  const error = await failure(project.load('pipe.ts'));
  expect(error).toMatchObject({
    kind: 'load',
    code: 'evaluation-failed',
    at: { file: project.path('b.ts'), line: 3, column: 9 },
  });
  expect(error.message).toContain('TypeError: no luck');
});

test('a declaration that core refuses keeps its kind and is told at its place', async () => {
  const project = scratchProject({
    'pipe.ts':
      "import { pipeline } from 'run-pipeline';\ntype T = 1;\nexport const p = pipeline({ nam: 'x' } as never, async () => {});\n",
  });
  const error = await failure(project.load('pipe.ts'));
  expect(error).toMatchObject({ kind: 'definition', at: { file: project.path('pipe.ts'), line: 3 } });
});

test('none, several and unknown pipelines are errors that say what to write', async () => {
  const project = scratchProject({
    'none.ts': 'export const x = 1;',
    'two.ts': `import { pipeline } from 'run-pipeline';
export const training = pipeline({ name: 'train-it' }, async () => {});
export const scoring = pipeline({ name: 'score-it' }, async () => {});
export default scoring;`,
  });
  const none = await project.load('none.ts');
  expect(() => selectCandidate(none)).toThrow(/has no pipeline/);
  const two = await project.load('two.ts');
  expect(two.candidates).toHaveLength(2);
  expect(() => selectCandidate(two)).toThrow(/two\.ts#scoring[\s\S]*two\.ts#training/);
  expect(() => selectCandidate(two, 'trainning')).toThrow(/did you mean "training"/);
  expect(selectCandidate(two, 'train-it').exportName).toBe('training');
  expect(selectCandidate(two, 'scoring').exportName).toBe('scoring');
});

test('JavaScript of every kind is loaded: CommonJS, ESM, .cts', async () => {
  const project = scratchProject({
    'a.cjs':
      "const { pipeline } = require('run-pipeline');\nexports.fromCommon = pipeline({ name: 'c' }, async () => {});\n",
    'b.mjs':
      "import { pipeline } from 'run-pipeline';\nexport const esm = pipeline({ name: 'e' }, async () => {});\n",
    'c.cts':
      "import { pipeline } from 'run-pipeline';\nexport const cts = pipeline({ name: __filename }, async () => {});\n",
  });
  expect((await project.load('a.cjs')).candidates.map(({ exportName }) => exportName)).toEqual([
    'fromCommon',
  ]);
  expect((await project.load('b.mjs')).candidates.map(({ exportName }) => exportName)).toEqual(['esm']);
  expect((await project.load('c.cts')).candidates[0]!.definition().name).toBe(project.path('c.cts'));
});

test('CommonJS idioms in an ESM file work: createRequire, a require of its own', async () => {
  const project = scratchProject({
    'data.json': '{"n": 2}',
    'pipe.ts': `#!/usr/bin/env node
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { dirname } from 'node:path';
import { pipeline } from 'run-pipeline';
const require = createRequire(import.meta.url);
const __filename = fileURLToPath(import.meta.url);
const __dirname = dirname(__filename);
const file = './data.json';
export const p = pipeline({ name: [require(file).n, __dirname].join() }, async () => {});`,
  });
  expect((await project.load('pipe.ts')).candidates[0]!.definition().name).toBe(`2,${project.directory}`);
});

test('class fields are defined or assigned as the compiler target says', async () => {
  const project = scratchProject({
    'tsconfig.json': '{"compilerOptions":{"target":"ES2020"}}',
    'pipe.ts': `import { pipeline } from 'run-pipeline';
let seen = 'defined';
class Base { set field(value: number) { seen = 'assigned'; } }
class Derived extends Base { field = 1; }
new Derived();
export const p = pipeline({ name: seen }, async () => {});`,
  });
  expect((await project.load('pipe.ts')).candidates[0]!.definition().name).toBe('assigned');
  project.write({ 'tsconfig.json': '{"compilerOptions":{"target":"ES2022"}}' });
  expect((await project.load('pipe.ts')).candidates[0]!.definition().name).toBe('defined');
});

test('an optional require that is not installed can be caught', async () => {
  const project = scratchProject({
    'pipe.ts': `import { pipeline } from 'run-pipeline';
let found = 'missing';
try { require('not-installed'); found = 'there'; } catch {}
const lazy = await import('also-not-installed').catch(() => 'caught');
export const p = pipeline({ name: found + lazy }, async () => {});`,
  });
  expect((await project.load('pipe.ts')).candidates[0]!.definition().name).toBe('missingcaught');
});

test('a file that starts several pipelines has them all as candidates', async () => {
  const project = scratchProject({
    'pipe.ts': `import { pipeline, run } from 'run-pipeline';
const a = pipeline({ name: 'a' }, async () => {}), b = pipeline({ name: 'b' }, async () => {});
void run(a);
void run(b);
export const done = true;`,
  });
  const loaded = await project.load('pipe.ts');
  expect(loaded.starts).toHaveLength(2);
  expect(() => selectCandidate(loaded)).toThrow(/#a[\s\S]*#b/);
  expect(selectCandidate(loaded, 'b').definition().name).toBe('b');
});

test('a base class without @Pipeline is not meant when a class derives from it', async () => {
  const project = scratchProject({
    'pipe.ts': `import { Pipeline, Step } from 'run-pipeline';
export class Base { @Step() load() {} }
@Pipeline({ name: 'iris' }) export class Iris extends Base { @Step() train() {} }`,
  });
  const loaded = await project.load('pipe.ts');
  expect(selectCandidate(loaded).exportName).toBe('Iris');
  expect(selectCandidate(loaded, 'Base').exportName).toBe('Base');
  project.write({
    'pipe.ts': `import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'base' }) export class Base { @Step() load() {} }
@Pipeline({ name: 'iris' }) export class Iris extends Base {}`,
  });
  const both = await project.load('pipe.ts');
  expect(() => selectCandidate(both)).toThrow(/2 pipelines/);
});
