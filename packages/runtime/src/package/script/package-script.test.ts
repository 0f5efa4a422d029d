import { execFile } from 'node:child_process';
import { readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { isRunPipelineError, type Diagnostic, type RunPipelineError } from '@run-pipeline/core/model';
import { materialisePackage, packageScript, readLock, readPackage } from '../index.js';
import { packageFile } from '../package-file.js';
import { ScratchProject } from '../scratch-project.test-support.js';

const projects: ScratchProject[] = [];
afterEach(async () => {
  await Promise.all(projects.splice(0).map((project) => project.remove()));
});

async function scratch(files: Readonly<Record<string, string>>): Promise<ScratchProject> {
  const project = await ScratchProject.create(files);
  projects.push(project);
  return project;
}

/** Packages a script, evaluates the package, gives what it printed. */
async function runScript(project: ScratchProject, file: string): Promise<string> {
  const task = await packageScript({ paths: project.paths, file });
  const materialised = await materialisePackage({ paths: project.paths, package: task });
  const { stdout } = await promisify(execFile)(process.execPath, ['--enable-source-maps', materialised.file]);
  return stdout.trim();
}

async function failureOf(project: ScratchProject, file: string): Promise<RunPipelineError> {
  const error = await packageScript({ paths: project.paths, file }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isRunPipelineError(error)) throw new Error('it was packaged');
  return error;
}

const FILES = {
  'package.json': '{"name":"scratch","version":"0.0.0","type":"module","workspaces":["tools/*"]}',
  'tsconfig.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } } // comment',
  'scripts/train.ts': `import { order } from './log.js';
import './first.js';
import { scale } from '@lib/scale';
import { tool } from 'tool';
import { esm } from 'esm-package';
import cjs, { named } from 'cjs-package';
import type { Row } from './row.js';
enum Colour { red = 3 }
const rows: Row[] = [{ x: 2 }];
order.push('main');
const later = await Promise.resolve(4);
if (rows.length > 0) order.push('if');
console.log(JSON.stringify([order, scale(rows[0]!.x), tool, esm, cjs.named === named, named, Colour.red, later]));
`,
  'scripts/log.ts': 'export const order: string[] = [];\n',
  'scripts/first.ts': "import { order } from './log.js';\norder.push('first');\n",
  'scripts/row.ts': 'export interface Row { x: number }\n',
  'lib/scale.ts': 'export const scale = (x: number): number => x * 10;\n',
  'tools/tool/package.json': '{"name":"tool","version":"1.0.0","type":"module","exports":"./index.ts"}',
  'tools/tool/index.ts': "export const tool: string = 'tool';\n",
  'node_modules/esm-package/package.json':
    '{"name":"esm-package","version":"1.2.3","type":"module","exports":"./index.js"}',
  'node_modules/esm-package/index.js': "export const esm = 'esm';\n",
  'node_modules/cjs-package/package.json': '{"name":"cjs-package","version":"2.0.0","main":"index.js"}',
  'node_modules/cjs-package/index.js': "exports.named = 'cjs';\n",
};

async function trainProject(files: Readonly<Record<string, string>> = {}): Promise<ScratchProject> {
  const project = await scratch({ ...FILES, ...files });
  await project.link('node_modules/tool', '../tools/tool');
  const old = new Date(Date.now() - 60_000);
  for (const file of Object.keys({ ...FILES, ...files })) await utimes(project.path(file), old, old);
  return project;
}

test('a script is packaged whole: siblings, tsconfig paths, workspace packages; npm packages stay outside', async () => {
  const project = await trainProject();
  const task = await packageScript({ paths: project.paths, file: 'scripts/train.ts' });
  expect(task.manifest).toMatchObject({
    id: 'scripts/train.ts',
    entry: { kind: 'script' },
    binding: { kind: 'positional' },
    reads: [],
    dependencies: { 'cjs-package': '2.0.0', 'esm-package': '1.2.3' },
    ownWorker: true,
    env: [],
    warnings: [],
    source: { file: 'scripts/train.ts', line: 1, endLine: 13 },
  });
  expect(task.manifest.externals.map(({ specifier, kind, from }) => [specifier, kind, from])).toEqual([
    ['cjs-package', 'npm', undefined],
    ['esm-package', 'npm', undefined],
  ]);
  expect(readPackage(project.paths, task.hash)).toEqual(task);
  expect(JSON.parse(readLock(project.paths, task.hash)!)).toHaveProperty('packages');
  expect(JSON.parse(await runScript(project, 'scripts/train.ts'))).toEqual([
    ['first', 'main', 'if'],
    20,
    'tool',
    'esm',
    true,
    'cjs',
    3,
    4,
  ]);
});

const codeHash = async (project: ScratchProject, file = 'scripts/train.ts'): Promise<string> =>
  (await packageScript({ paths: project.paths, file })).manifest.codeHash;

test('comments, formatting and the order of specifiers do not count; a constant does', async () => {
  const project = await trainProject();
  const before = await codeHash(project);
  const text = FILES['scripts/train.ts'];
  await project.write({
    'scripts/train.ts': `// why\n${text.replace('cjs, { named }', 'cjs,{\n  named,\n}').replace('order.push', '/* now */ order\n  .push')}`,
    'lib/scale.ts': `/** Scales. */\n${FILES['lib/scale.ts']}`,
  });
  expect(await codeHash(project)).toBe(before);
  await project.write({ 'lib/scale.ts': FILES['lib/scale.ts'].replace('10', '11') });
  expect(await codeHash(project)).not.toBe(before);
  await project.write({ 'lib/scale.ts': FILES['lib/scale.ts'] });
  expect(await codeHash(project)).toBe(before);
  await project.write({ 'two.ts': "import { sep, join } from 'node:path';\nconsole.log(join('a', sep));\n" });
  const two = await codeHash(project, 'two.ts');
  await project.write({ 'two.ts': "import { join, sep } from 'node:path';\nconsole.log(join('a', sep));\n" });
  expect(await codeHash(project, 'two.ts')).toBe(two);
});

test('an unchanged script comes from the memo, which notices every file it was made from', async () => {
  const project = await trainProject();
  const first = await packageScript({ paths: project.paths, file: 'scripts/train.ts' });
  const written = await stampOfMemo(project);
  expect(await packageScript({ paths: project.paths, file: project.path('scripts/train.ts') })).toEqual(
    first,
  );
  expect(await stampOfMemo(project)).toBe(written);
  await project.write({ 'scripts/log.js': "export const order = ['shadow'];\n" });
  expect((await packageScript({ paths: project.paths, file: 'scripts/train.ts' })).hash).not.toBe(first.hash);
});

async function stampOfMemo(project: ScratchProject): Promise<string> {
  const { readdir, stat } = await import('node:fs/promises');
  const directory = join(project.paths.home, 'cache/packages');
  const names = await readdir(directory);
  const stats = await Promise.all(names.map(async (name) => stat(join(directory, name))));
  return stats.map(({ ino, mtimeMs }) => `${ino} ${mtimeMs}`).join();
}

test('a package that is gone, or damaged, is made again', async () => {
  const project = await trainProject();
  const first = await packageScript({ paths: project.paths, file: 'scripts/train.ts' });
  await rm(packageFile(project.paths, first.hash));
  const second = await packageScript({ paths: project.paths, file: 'scripts/train.ts' });
  expect(second).toEqual(first);
  expect(readPackage(project.paths, first.hash)).toEqual(first);
  const damage = async (how: () => Promise<unknown>): Promise<void> => {
    await how();
    expect(readPackage(project.paths, first.hash)).toBeUndefined();
    expect(await packageScript({ paths: project.paths, file: 'scripts/train.ts' })).toEqual(first);
    expect(readPackage(project.paths, first.hash)).toEqual(first);
  };
  const file = packageFile(project.paths, first.hash);
  await damage(async () => writeFile(file, `// ${(await readFile(file, 'utf8')).slice(3)}`));
  await damage(() => writeFile(file, ''));
  await damage(async () => {
    await rm(file);
    await symlink('/dev/zero', file);
  });
});

test('CommonJS scripts: .cjs, and .js without a type', async () => {
  const project = await scratch({
    'package.json': '{"name":"scratch","version":"0.0.0"}',
    'task.cjs': `#!/usr/bin/env node
'use strict';
const { basename } = require('path');
const { v } = require('dep');
const { helper } = require('./helper');
let absent;
try { absent = require('not-installed'); } catch (error) { absent = error.code; }
if (require.main === module) console.log(JSON.stringify([v, helper, absent, basename(__filename), typeof __dirname]));
`,
    'helper.js': `if (require.main === module) throw new Error('it is not the program');
exports.helper = require('path').basename(__dirname) !== '';`,
    'task.js': `const { v } = require('dep');
if (v !== 'dep') return;
console.log(v, module.exports !== undefined);
`,
    'node_modules/dep/package.json':
      '{"name":"dep","version":"1.0.0","exports":{"require":"./c.cjs","import":"./m.mjs"}}',
    'node_modules/dep/c.cjs': "exports.v = 'dep';",
    'node_modules/dep/m.mjs': "export const v = 'the other one';",
  });
  expect(JSON.parse(await runScript(project, 'task.cjs'))).toEqual([
    'dep',
    true,
    'MODULE_NOT_FOUND',
    'task.cjs',
    'string',
  ]);
  expect(await runScript(project, 'task.js')).toBe('dep true');
});

test('the idioms of a program: import.meta.main, process.argv[1], require.main beside imports', async () => {
  const project = await scratch({
    'main.ts': `import { pathToFileURL } from 'node:url';
import './other.js';
const isProgram = import.meta.url === pathToFileURL(process.argv[1]!).href;
console.log([import.meta.main, require.main === module, require.main !== module, isProgram].join());
`,
    'other.ts': "if (import.meta.main) console.log('other is the program');\nexport {};\n",
  });
  const task = await packageScript({ paths: project.paths, file: 'main.ts' });
  const { file, program } = await materialisePackage({ paths: project.paths, package: task });
  expect(program).toBe(project.path('main.ts'));
  const run = `process.argv[1] = ${JSON.stringify(program)}; await import(${JSON.stringify(file)});`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', run]);
  expect(stdout.trim()).toBe('true,true,false,true');
});

test('types that are exported on, class modes and decorators are as the project has them', async () => {
  const project = await scratch({
    'tsconfig.json':
      '{"compilerOptions":{"experimentalDecorators":true,"useDefineForClassFields":false,"target":"es2020"}}',
    'main.ts': `import { Base, mark } from './all.js';
class Own extends Base { declared: number | undefined; @mark method() { return this.declared; } }
console.log(new Own().method());
`,
    'all.ts': `import { Shape } from './shape.js';
export { Shape, Base } from './shape.js';
export * from './mark.js';
export { Shape as Form };
`,
    'shape.ts':
      'export interface Shape { x: number }\nexport class Base { declared: number | undefined = 7 }\n',
    'mark.ts':
      'export function mark(target: object, key: string): void { console.log(typeof target, key) }\n',
  });
  expect(await runScript(project, 'main.ts')).toBe('object method\n7');
});

test('what the framework, the environment and files beside the script are to the package', async () => {
  const project = await scratch({
    'task.ts': `import { Task } from 'run-pipeline';
import { readFileSync } from 'node:fs';
const { TOKEN } = process.env;
await Task.init({ project: 'p', name: process.env.NAME ?? TOKEN });
export const labels = readFileSync(new URL('./labels.json', import.meta.url), 'utf8');
`,
    'labels.json': '[1]',
  });
  const warnings: Diagnostic[] = [];
  const request = {
    paths: project.paths,
    file: 'task.ts',
    assets: ['./labels.json'],
    onWarning: (warning: Diagnostic) => warnings.push(warning),
  };
  const task = await packageScript(request);
  expect(task.manifest).toMatchObject({
    env: ['NAME', 'TOKEN'],
    externals: [{ specifier: 'run-pipeline', kind: 'framework' }],
    assets: [{ path: 'assets/labels.json', size: 3 }],
    dependencies: {},
  });
  expect(task.manifest.warnings.map((each) => [each.code, each.at])).toEqual([
    ['import-meta', 'task.ts:5:61'],
  ]);
  await packageScript(request);
  expect(warnings.map((each) => each.code)).toEqual(['import-meta', 'import-meta']);
  await writeFile(project.path('labels.json'), '[2]');
  expect((await packageScript(request)).hash).not.toBe(task.hash);
  await expect(packageScript({ ...request, assets: ['nothing.json'] })).rejects.toMatchObject({
    kind: 'load',
    code: 'asset-missing',
  });
});

test('errors have the kind `load`, all findings, and their places', async () => {
  const project = await scratch({
    'imports.ts': `import { a } from './nowhere.js';
import lodash from 'lodash';
import { missing } from './there.js';
console.log(a, lodash, missing);
`,
    'there.ts': 'export const there = 1;\nexport const bad: number = ;\n',
    'export.ts': "import { missing } from './fine.js';\nconsole.log(missing);\n",
    'fine.ts': 'export const fine = 1;\n',
    'double.ts': 'let a = 1;\nlet a = 2;\n',
    'helper.ts': "export { bad } from './there.js';\n",
  });
  const imports = await failureOf(project, 'imports.ts');
  expect(imports.kind).toBe('load');
  expect(imports.diagnostics.map(({ code, at }) => [code, at?.file, at?.line])).toEqual([
    ['syntax', project.path('there.ts'), 2],
    ['unresolved-import', project.path('imports.ts'), 1],
    ['unresolved-import', project.path('imports.ts'), 2],
  ]);
  expect(imports.diagnostics[2]?.help).toBe('install it: npm install lodash');
  const missing = await failureOf(project, 'export.ts');
  expect([missing.message, missing.at?.line, missing.at?.column]).toEqual([
    '"./fine.js" has no export missing',
    1,
    10,
  ]);
  expect(await failureOf(project, 'double.ts')).toMatchObject({ code: 'syntax', at: { line: 2 } });
  expect(await failureOf(project, 'helper.ts')).toMatchObject({ at: { file: project.path('there.ts') } });
  expect(await failureOf(project, 'absent.ts')).toMatchObject({ kind: 'load', code: 'unreadable-file' });
  expect(await failureOf(project, 'package.json')).toMatchObject({
    code: 'not-a-source-file',
    message: expect.stringContaining('package.json is neither TypeScript nor JavaScript'),
  });
  expect(await failureOf(project, '.')).toMatchObject({
    code: 'not-a-file',
    message: expect.stringContaining('is not a file'),
  });
});

test('an error at run time is told at its line in the source', async () => {
  const project = await scratch({
    'fails.ts': "import { boom } from './boom.js';\n\n\nboom();\n",
    'boom.ts': "// one\nexport function boom(): never {\n  throw new Error('boom');\n}\n",
  });
  const failure = await runScript(project, 'fails.ts').catch((error: unknown) => String(error));
  expect(failure).toContain('boom.ts:3:9');
  expect(failure).toContain('fails.ts:4:1');
});
