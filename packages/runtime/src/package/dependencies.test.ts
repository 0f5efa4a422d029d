import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PackageManifest } from '@run-pipeline/core/model';
import { readLock } from './index.js';
import { ScratchProject } from './scratch-project.test-support.js';

const installed = (
  name: string,
  version: string,
  more: object = {},
  at = 'node_modules',
): Record<string, string> => ({
  [`${at}/${name}/package.json`]: JSON.stringify({ name, version, main: 'i.js', ...more }),
  [`${at}/${name}/i.js`]: `exports.v = ${JSON.stringify(`${name}@${version}`)}`,
});

const pipeline = (
  imports: string,
  body: string,
): string => `import { PipelineController } from 'run-pipeline';
${imports}
function one() { return ${body} }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
`;

async function packaged(project: ScratchProject): Promise<{ manifest: PackageManifest; lock: unknown }> {
  const result = await project.package([await project.functionStep('one')]);
  expect(result.diagnostics).toEqual([]);
  const task = result.packages.get('one')!;
  const hasLock = Object.keys(task.manifest.dependencies).length > 0;
  const lock = hasLock ? readLock(project.paths, task.hash)! : 'null';
  return { manifest: task.manifest, lock: JSON.parse(lock) as unknown };
}

const LOCK = {
  lockfileVersion: 3,
  packages: {
    '': { dependencies: { a: '^1.0.0' } },
    'node_modules/a': {
      version: '1.2.0',
      resolved: 'https://registry.invalid/a.tgz',
      integrity: 'sha512-a',
      dependencies: { b: '^2.0.0' },
    },
    'node_modules/a/node_modules/b': {
      version: '2.1.0',
      integrity: 'sha512-b2',
      optionalDependencies: { 'b-linux': '1.0.0', 'b-other': '1.0.0' },
    },
    'node_modules/b': { version: '1.0.0', integrity: 'sha512-b1' },
    'node_modules/b-linux': { version: '1.0.0', integrity: 'sha512-l', optional: true, os: ['linux'] },
    'node_modules/b-other': { version: '1.0.0', integrity: 'sha512-o', optional: true, os: ['other'] },
    'node_modules/unrelated': { version: '3.0.0', integrity: 'sha512-u' },
  },
};

/** Times as npm leaves them: the list of what it installed is written last. */
async function unpackedLongAgo(project: ScratchProject): Promise<ScratchProject> {
  const installed = join(project.paths.root, 'node_modules');
  await writeFile(join(installed, '.package-lock.json'), '{}');
  const then = Date.now() / 1000 - 60;
  for (const entry of await readdir(installed, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
  }
  return project;
}

const project = async (): Promise<ScratchProject> => unpackedLongAgo(await unpacked());

const unpacked = async (): Promise<ScratchProject> =>
  ScratchProject.create({
    'package-lock.json': JSON.stringify(LOCK),
    'pipeline.ts': pipeline("import { v } from 'a';", 'v'),
    ...installed('a', '1.2.0', { dependencies: { b: '^2.0.0' } }),
    ...installed(
      'b',
      '2.1.0',
      { optionalDependencies: { 'b-linux': '1.0.0', 'b-other': '1.0.0' } },
      'node_modules/a/node_modules',
    ),
    ...installed('b', '1.0.0'),
    ...installed('b-linux', '1.0.0', { os: ['linux'] }),
    ...installed('unrelated', '3.0.0'),
  });

test('the closure holds what the imports depend on, with exact versions, integrity and the way there', async () => {
  const scratch = await project();
  const { manifest } = await packaged(scratch);
  expect(manifest.dependencies).toEqual({ a: '1.2.0' });
  expect(manifest.closure).toEqual([
    { name: 'a', version: '1.2.0', integrity: 'sha512-a' },
    { name: 'b', version: '2.1.0', integrity: 'sha512-b2', through: 'a' },
    { name: 'b-linux', version: '1.0.0', integrity: 'sha512-l', through: 'b' },
  ]);
  expect(manifest.native).toBe(true);
  expect(manifest.externals).toEqual([
    { specifier: 'a', package: { name: 'a', version: '1.2.0' }, file: 'i.js', kind: 'npm' },
  ]);
  await scratch.remove();
});

test('the lock of a package has the closure for all platforms, and no download addresses', async () => {
  const scratch = await project();
  const { lock } = await packaged(scratch);
  expect(lock).toEqual({
    name: 'task',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'task', dependencies: { a: '1.2.0' } },
      'node_modules/a': { version: '1.2.0', integrity: 'sha512-a', dependencies: { b: '2.1.0' } },
      'node_modules/a/node_modules/b': LOCK.packages['node_modules/a/node_modules/b'],
      'node_modules/b-linux': LOCK.packages['node_modules/b-linux'],
      'node_modules/b-other': LOCK.packages['node_modules/b-other'],
    },
  });
  await scratch.remove();
});

test('a package that was edited where it lies counts by its content', async () => {
  const scratch = await project();
  const before = (await packaged(scratch)).manifest;
  await scratch.write({ 'node_modules/a/node_modules/b/i.js': 'exports.v = 3' });
  const after = (await packaged(scratch)).manifest;
  expect(after.closure[0]).toEqual(before.closure[0]);
  expect(after.closure[1]!.integrity).toMatch(/^content:/);
  expect(after.codeHash).toBe(before.codeHash);
  await scratch.write({ 'node_modules/a/node_modules/b/i.js': 'exports.v = 4' });
  expect((await packaged(scratch)).manifest.closureHash).not.toBe(after.closureHash);
  await scratch.remove();
});

test('without a lockfile packages count by their content', async () => {
  const scratch = await project();
  await rm(join(scratch.paths.root, 'package-lock.json'));
  const before = (await packaged(scratch)).manifest;
  expect(before.closure.map((entry) => entry.integrity)).toEqual(
    [1, 2, 3].map(() => expect.stringMatching(/^content:/) as string),
  );
  await scratch.write({ 'node_modules/b-linux/new.js': '' });
  expect((await packaged(scratch)).manifest.closureHash).not.toBe(before.closureHash);
  await scratch.remove();
});

test('an integrity in the closure that changes, changes the closure; one outside does not', async () => {
  const scratch = await project();
  const before = (await packaged(scratch)).manifest;
  await scratch.write({ 'package-lock.json': JSON.stringify(LOCK).replace('sha512-u', 'sha512-x') });
  expect((await packaged(scratch)).manifest.closureHash).toBe(before.closureHash);
  await scratch.write({ 'package-lock.json': JSON.stringify(LOCK).replace('sha512-b2', 'sha512-x') });
  const after = (await packaged(scratch)).manifest;
  expect(after.closureHash).not.toBe(before.closureHash);
  expect(after.codeHash).toBe(before.codeHash);
  await scratch.remove();
});

test('without package-lock.json the installed packages tell, in the layout of pnpm too', async () => {
  const scratch = await ScratchProject.create({
    'pnpm-lock.yaml': '',
    'pipeline.ts': pipeline("import { v } from 'a';", 'v'),
    ...installed('a', '1.0.0', { dependencies: { b: '*' } }, 'node_modules/.pnpm/a@1.0.0/node_modules'),
    ...installed('b', '2.0.0', {}, 'node_modules/.pnpm/b@2.0.0/node_modules'),
  });
  await scratch.link('node_modules/a', '.pnpm/a@1.0.0/node_modules/a');
  await scratch.link('node_modules/.pnpm/a@1.0.0/node_modules/b', '../../b@2.0.0/node_modules/b');
  const { manifest } = await packaged(scratch);
  expect(manifest.closure.map((each) => `${each.name}@${each.version}`)).toEqual(['a@1.0.0', 'b@2.0.0']);
  expect(manifest.native).toBe(false);
  expect(
    await scratch.run((await scratch.package([await scratch.functionStep('one')])).packages.get('one')!),
  ).toBe('a@1.0.0');
  await scratch.remove();
});

test.each([
  [
    'from git',
    { version: '1.0.0', resolved: 'git+ssh://git@example.invalid/a.git#abc' },
    'node_modules/a/i.js',
  ],
  ['from a file', { version: '1.0.0', resolved: 'file:a.tgz', integrity: 'sha512-a' }, 'node_modules/a/i.js'],
  ['patched', { version: '1.0.0', integrity: 'sha512-a' }, 'patches/a+1.0.0.patch'],
])('a package %s counts by its content', async (_how, locked, changed) => {
  const scratch = await ScratchProject.create({
    'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/a': locked } }),
    'pipeline.ts': pipeline("import { v } from 'a';", 'v'),
    ...installed('a', '1.0.0'),
  });
  const before = (await packaged(scratch)).manifest;
  await scratch.write({ [changed]: 'exports.v = "changed"' });
  expect((await packaged(scratch)).manifest.closureHash).not.toBe(before.closureHash);
  await scratch.remove();
});

test('two versions of a package in one step each come from their own place', async () => {
  const scratch = await ScratchProject.create({
    'pipeline.ts': pipeline(
      "import { v } from 'a'; import { inner } from './packages/inner/index.js';",
      'v + " " + inner',
    ),
    'packages/inner/index.ts': "export { v as inner } from 'a';",
    ...installed('a', '1.0.0'),
    ...installed('a', '2.0.0', {}, 'packages/inner/node_modules'),
  });
  const result = await scratch.package([await scratch.functionStep('one')]);
  const task = result.packages.get('one')!;
  expect(task.manifest.closure.map((each) => each.version)).toEqual(['1.0.0', '2.0.0']);
  expect(await scratch.run(task)).toBe('a@1.0.0 a@2.0.0');
  await scratch.remove();
});

test('a dependency that is gone or another version when the step starts is an error', async () => {
  const scratch = await ScratchProject.create({
    'pipeline.ts': pipeline("import { v } from 'a';", 'v'),
    ...installed('a', '1.0.0'),
  });
  const result = await scratch.package([await scratch.functionStep('one')]);
  await scratch.write(installed('a', '1.0.1'));
  await expect(scratch.run(result.packages.get('one')!)).rejects.toMatchObject({
    code: 'dependency-missing',
    message: expect.stringContaining('a@1.0.0'),
    help: 'install it: npm install a@1.0.0',
  });
  await scratch.remove();
});

test.each([
  ['prebuilt binaries', { dependencies: { 'node-gyp-build': '*' } }, {}],
  ['a gyp file', {}, { 'node_modules/a/binding.gyp': '{}' }],
  ['an add-on', {}, { 'node_modules/a/build/Release/a.node': '' }],
])('a package with %s is native', async (_what, json, files) => {
  const scratch = await ScratchProject.create({
    'pipeline.ts': pipeline("import { v } from 'a';", 'v'),
    ...installed('a', '1.0.0', json),
    ...files,
  });
  expect((await packaged(scratch)).manifest.native).toBe(true);
  await scratch.remove();
});

test('the environment that is read is told by name, over all bundled files', async () => {
  const scratch = await ScratchProject.create({
    'c.cjs': 'exports.cjs = process.env.CJS',
    'helper.ts':
      'const { HOST, PORT: port = 1 } = process.env; export const where = () => `${HOST}:${port}`; export const unused = process.env.UNUSED;',
    'pipeline.ts': pipeline(
      "import { where } from './helper.js'; import { env } from 'node:process'; import { cjs } from './c.cjs';",
      "cjs + where() + process.env.A + process.env['B'] + env.C + ('D' in process.env)",
    ),
  });
  const { manifest } = await packaged(scratch);
  expect(manifest.env).toEqual(['A', 'B', 'C', 'CJS', 'D', 'HOST', 'PORT']);
  expect(manifest.readsEnvDynamically).toBe(false);
  await scratch.remove();
});

test.each([
  ['configures a package', "import a from 'a'; a.config();", true],
  ['writes to a package', "import a from 'a'; a.defaults = 1;", true],
  ['writes to globalThis', '(globalThis as any).x = 1;', true],
  ['changes a built-in', 'Math.random = () => 4;', true],
  ['only uses a package', "import a from 'a'; const x = a.v;", false],
])('top-level code that %s: a worker of its own? %#', async (_what, code, ownWorker) => {
  const scratch = await ScratchProject.create({
    'pipeline.ts': pipeline(code, code.includes('const x') ? 'x' : '1'),
    ...installed('a', '1.0.0'),
  });
  expect((await packaged(scratch)).manifest.ownWorker).toBe(ownWorker);
  await scratch.remove();
});
