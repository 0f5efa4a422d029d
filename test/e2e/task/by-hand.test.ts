import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { npmPackage } from '../../rig/scratch.js';
import { ScriptProject } from '../../rig/scripts.js';

const INIT = `import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'stage data', type: 'data_processing', tags: ['iris', 'v1'], comment: 'why' });
`;

test('a plain run makes a task and records what it was: script, packages, parameters, console, artifacts', async () => {
  const project = new ScriptProject({
    ...npmPackage('lodash', '4.17.21', { 'index.js': 'exports.last = (list) => list.at(-1);' }),
    'scripts/stage.ts': `${INIT}
import { last } from 'lodash';
import { offset } from './offset.js';
const args = task.connect({ url: 'file:iris.csv', rows: 3, ratio: 0.5, fresh: true, layers: [1, 2], when: new Date(0), opt: { name: 'adam', beta: 0.9 }, none: null });
task.connect({ depth: 2 }, 'Model');
task.connectConfiguration({ layers: [64] }, { name: 'network' });
console.log('rows', args.rows + offset, last([1, 2]));
console.error('careful');
task.logger.reportSingleValue('accuracy', 0.5);
await task.uploadArtifact('rows', [{ x: 1 }]);
await task.setProgress(40);
await task.addTags('done');
`,
    'scripts/offset.ts': 'export const offset: number = 1;\n',
    'node_modules/lodash/index.d.ts': 'export function last<T>(list: T[]): T;',
  });
  const result = await project.tsx('scripts/stage.ts');
  expect(result).toMatchObject({ code: 0, stdout: 'rows 4 2\n' });
  const task = await project.show();
  expect(result.stderr).toBe(
    `Task stage data: created task ${task.id}\n  run-pipeline task show ${task.id}   shows it\ncareful\n`,
  );
  expect(task).toMatchObject({
    project: 'examples',
    name: 'stage data',
    type: 'data_processing',
    status: 'completed',
    tags: ['iris', 'v1', 'done'],
    comment: 'why',
    parent: null,
    run: null,
    queue: null,
    attempt: 1,
    progress: 40,
    script: {
      file: 'scripts/stage.ts',
      package: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      dependencies: { lodash: '4.17.21' },
      node: process.versions.node,
    },
    configurations: { network: { layers: [64] } },
    artifacts: [{ name: 'rows', type: 'superjson' }],
  });
  expect(task.parameters).toEqual({
    'General/url': 'file:iris.csv',
    'General/rows': 3,
    'General/ratio': 0.5,
    'General/fresh': true,
    'General/layers': [1, 2],
    'General/when': { json: '1970-01-01T00:00:00.000Z', meta: expect.anything() as unknown },
    'General/opt/name': 'adam',
    'General/opt/beta': 0.9,
    'General/none': null,
    'Model/depth': 2,
  });
  expect(await project.logs()).toBe('rows 4 2\ncareful\n');
  expect(await project.get('rows')).toEqual([{ x: 1 }]);
  expect(task.metrics).toEqual([{ title: 'accuracy', value: 0.5 }]);
});

test('task show tells the last point of each curve, and the single values', async () => {
  const project = new ScriptProject({
    'curve.mjs': `${INIT}
for (const [iteration, value] of [1, 0.5, 1 / 3].entries())
  task.logger.reportScalar({ title: 'loss', series: 'train', value, iteration });
task.logger.reportSingleValue('seconds', 12);
`,
  });
  expect((await project.node('curve.mjs')).code).toBe(0);
  expect((await project.show()).metrics).toEqual([
    { title: 'loss', series: 'train', value: 1 / 3, iteration: 2 },
    { title: 'seconds', value: 12 },
  ]);
  const shown = await project.task('show', 'latest');
  expect(shown.stdout).toMatch(/2 metrics\n {2}loss\/train +0\.333333 +at 2 *\n {2}seconds +12 *\n/);
});

test('an error that nobody catches is told in lines that can be read', async () => {
  const project = new ScriptProject({
    'wrong.mjs': `import { Task } from 'run-pipeline';\nawait Task.init({ name: 'stage data', projekt: 'examples' });\n`,
  });
  const result = await project.node('wrong.mjs');
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('Task.init() has no option "projekt" (did you mean "project"?)');
  // Node shows the line of the package that threw it.
  expect(Math.max(...result.stderr.split('\n').map((line) => line.length))).toBeLessThan(400);
});

test('the commit and what differs from it are recorded, without credentials', async () => {
  const project = new ScriptProject({
    'script.mjs': `${INIT}console.log('tracked');\n`,
    '.gitignore': 'node_modules\n.run-pipeline\n',
  });
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: project.scratch.directory,
      encoding: 'utf8',
    });
  git('init', '-q', '-b', 'trunk');
  git('remote', 'add', 'origin', 'https://ada:s3cret-token@example.org/iris.git');
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
  const commit = git('rev-parse', 'HEAD').trim();
  expect((await project.node('script.mjs')).code).toBe(0);
  expect((await project.show()).script?.git).toEqual({
    commit,
    branch: 'trunk',
    remote: 'https://example.org/iris.git',
    dirty: false,
  });
  project.scratch.write({ 'script.mjs': `${INIT}console.log('changed');\n` });
  expect((await project.node('script.mjs')).code).toBe(0);
  expect((await project.show()).script?.git).toMatchObject({
    dirty: true,
    diff: expect.stringMatching(/^sha256:/) as unknown,
  });
});

test.each(['esm', 'cjs'] as const)(
  'a compiled program (%s) is packaged from its TypeScript source',
  async (format) => {
    const body = `const args: { rows: number } = task.connect({ rows: 3 });\nconsole.log('rows', args.rows);\n`;
    const source =
      format === 'esm'
        ? INIT + body
        : `import { Task } from 'run-pipeline';\nasync function main() {\n  const task = await Task.init({ project: 'examples', name: 'compiled' });\n  ${body}}\nvoid main();\n`;
    const project = new ScriptProject({ 'src/main.ts': source });
    buildSync({
      absWorkingDir: project.scratch.directory,
      entryPoints: ['src/main.ts'],
      outfile: format === 'esm' ? 'dist/main.mjs' : 'dist/main.cjs',
      bundle: false,
      format,
      platform: 'node',
      sourcemap: true,
    });
    const result = await project.node(`dist/main.${format === 'esm' ? 'mjs' : 'cjs'}`);
    expect(result).toMatchObject({ code: 0, stdout: 'rows 3\n' });
    const task = await project.show();
    expect(task).toMatchObject({ status: 'completed', script: { file: 'src/main.ts' } });
    expect(task.script?.package).toBeDefined();
  },
);

test('Task.init in a helper of the program packages the program', async () => {
  const project = new ScriptProject({
    'lib/start.mjs': `import { Task } from 'run-pipeline';\nexport const start = (name) => Task.init({ project: 'examples', name });\n`,
    'train.mjs': `import { start } from './lib/start.mjs';\nconst task = await start('train');\nconsole.log(task.name);\n`,
  });
  expect(await project.node('train.mjs')).toMatchObject({ code: 0, stdout: 'train\n' });
  expect((await project.show()).script?.file).toBe('train.mjs');
});

test('a program without a project keeps its tasks beside itself', async () => {
  const project = new ScriptProject({ 'script.mjs': `${INIT}console.log('alone');\n` });
  rmSync(project.scratch.path('package.json'));
  expect(await project.node('script.mjs')).toMatchObject({ code: 0, stdout: 'alone\n' });
  expect(readFileSync(project.scratch.path('.run-pipeline/.gitignore'), 'utf8')).toBe('*\n');
  expect(await project.show()).toMatchObject({ status: 'completed', script: { file: 'script.mjs' } });
});

test('a script that cannot be packaged still runs and is recorded, and says so', async () => {
  const project = new ScriptProject({
    'script.mjs': `${INIT}if (process.env.NEVER) await import('not-there');\nconsole.log('ran');\n`,
  });
  const result = await project.node('script.mjs');
  expect(result).toMatchObject({ code: 0, stdout: 'ran\n' });
  expect(result.stderr).toContain(
    'this script is recorded, but cannot be executed by an agent: cannot resolve',
  );
  expect(result.stderr).toContain('(script.mjs:3:');
  const task = await project.show();
  expect(task).toMatchObject({ status: 'completed', script: { file: 'script.mjs' } });
  expect(task.script?.package).toBeUndefined();
  expect(await project.logs()).toBe('ran\n');
});

test('code without a file is recorded, too', async () => {
  const project = new ScriptProject({});
  const code = `${INIT}console.log(task.name);`;
  expect(await project.node('--input-type=module', '-e', code)).toMatchObject({
    code: 0,
    stdout: 'stage data\n',
  });
  expect(await project.show()).toMatchObject({ status: 'completed', script: null });
});

test('a second Task.init gives the same task; another one is an error until the first has ended', async () => {
  const project = new ScriptProject({
    'script.mjs': `import { Task, currentTask } from 'run-pipeline';
const options = { project: 'examples', name: 'one' };
const [a, b] = await Promise.all([Task.init(options), Task.init(options)]);
console.log(a === b, a === Task.current(), currentTask().id === a.id);
await Task.init({ project: 'examples', name: 'two' }).catch((error) => console.log(error.code));
await a.close();
console.log('between', a.status, Task.current());
const c = await Task.init({ project: 'examples', name: 'two' });
console.log(c.name, c.id !== a.id);
`,
  });
  const result = await project.node('script.mjs');
  expect(result, result.stderr).toMatchObject({
    code: 0,
    stdout: 'true true true\nanother-task\nbetween completed undefined\ntwo true\n',
  });
  const tasks = await project.list();
  expect(tasks.map(({ name, status }) => [name, status])).toEqual([
    ['two', 'completed'],
    ['one', 'completed'],
  ]);
  expect(await project.logs('examples/one')).toBe('true true true\nanother-task\n');
  expect(await project.logs('examples/two')).toBe('two true\n');
});

test('wrong options are errors that name them, before anything is recorded', async () => {
  const project = new ScriptProject({
    'script.mjs': `import { Task } from 'run-pipeline';
for (const options of [{ name: 'x' }, { project: 'p', name: 'x', tag: [] }, { project: 'p', name: 'x', type: 'trainig' }, { project: 'p', name: 'x', tags: 'a' }])
  await Task.init(options).catch((error) => console.log(error.message));
`,
  });
  const { stdout } = await project.node('script.mjs');
  expect(stdout.trimEnd().split('\n')).toEqual([
    'Task.init() needs the option "project"',
    'Task.init() has no option "tag" (did you mean "tags"?)',
    expect.stringMatching(
      /^Task.init\(\) takes 'training' or .* as "type", not "trainig" \(did you mean "training"\?\)$/,
    ),
    'Task.init() takes a list of texts as "tags", not "a"',
  ]);
  expect(await project.list()).toEqual([]);
});

test('what is secret is not stored: neither the environment nor what a remote was told', async () => {
  const secret = 'hunter2-4711';
  const project = new ScriptProject(
    { 'script.mjs': `${INIT}task.connect({ rows: 1 });\n` },
    { API_TOKEN: secret },
  );
  expect((await project.node('script.mjs')).code).toBe(0);
  const home = project.scratch.path('.run-pipeline');
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name)).toContain('state.db');
  for (const { parentPath, name } of files)
    expect(readFileSync(join(parentPath, name)).includes(secret), name).toBe(false);
});

test('ten megabytes of output are all recorded, in order, and printed unchanged', async () => {
  const project = new ScriptProject({
    'script.mjs': `${INIT}
const line = 'x'.repeat(999);
for (let i = 0; i < 10_000; i += 1) process.stdout.write(i + line + '\\n');
`,
  });
  const { code, stdout } = await project.node('script.mjs');
  expect(code).toBe(0);
  expect(stdout.length).toBeGreaterThan(10_000_000);
  expect(await project.logs()).toBe(stdout);
});

test('bytes, encodings and callbacks of write go through unchanged', async () => {
  const project = new ScriptProject({
    'script.mjs': `${INIT}
const euro = Buffer.from('€');
process.stdout.write(euro.subarray(0, 2));
process.stdout.write(euro.subarray(2));
process.stdout.write('68c3a9', 'hex');
await new Promise((resolve) => process.stdout.write('!\\n', resolve));
await new Promise((resolve) => process.stdout.write('?\\n', 'utf8', resolve));
`,
  });
  expect(await project.node('script.mjs')).toMatchObject({ code: 0, stdout: '€hé!\n?\n' });
  expect(await project.logs()).toBe('€hé!\n?\n');
});
