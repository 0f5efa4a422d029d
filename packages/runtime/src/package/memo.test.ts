import { execFile } from 'node:child_process';
import { readFile, readdir, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createPackager } from './index.js';
import { packageFile } from './package-file.js';
import { ScratchProject } from './scratch-project.test-support.js';

const FILES = {
  'pipeline.ts': `import { PipelineController } from 'run-pipeline';
import { rate } from './lib/rate.js';
import { v } from 'dep';
function one(x: number) { return x * rate + v }
function two() { return 2 }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
pipe.addFunctionStep({ name: 'two', function: two });
`,
  'lib/rate.ts': 'export const rate = 3;\n',
  'tsconfig.json': '{"extends":"./base.json"}',
  'base.json': '{"compilerOptions":{}}',
  'node_modules/dep/package.json': '{"name":"dep","version":"1.0.0","main":"i.js"}',
  'node_modules/dep/i.js': 'exports.v = 1',
  'package-lock.json':
    '{"lockfileVersion":3,"packages":{"node_modules/dep":{"version":"1.0.0","integrity":"sha512-a"}}}',
};

/** A project whose files are old enough for their times to be trusted. */
async function settled(files: Readonly<Record<string, string>> = FILES): Promise<ScratchProject> {
  const project = await ScratchProject.create(files);
  const old = new Date(Date.now() - 60_000);
  for (const file of Object.keys({ 'package.json': '', ...files }))
    await utimes(project.path(file), old, old);
  return project;
}

const both = async (project: ScratchProject) => {
  const requests = [await project.functionStep('one'), await project.functionStep('two')];
  // As in another process: nothing is kept in memory.
  return createPackager({ mapToSource: (place) => place })({ paths: project.paths, requests });
};

test('a repeated packaging comes from the memo, with the same packages', async () => {
  const project = await settled();
  const first = await both(project);
  const second = await both(project);
  expect(first.memoised).toBe(0);
  expect(second.memoised).toBe(2);
  expect([...second.packages]).toEqual([...first.packages]);
  await project.remove();
});

test('a repeated packaging loads neither esbuild nor acorn', async () => {
  const project = await settled();
  const built = await projectBuild(project);
  const runs = async (): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROBE], {
      env: { ...process.env, PACKAGER: built, ROOT: project.paths.root },
    });
    return JSON.parse(stdout);
  };
  expect(await runs()).toEqual({ memoised: 0, heavy: true });
  expect(await runs()).toEqual({ memoised: 1, heavy: false });
  await project.remove();
});

test('a repeated packaging of a script loads neither esbuild nor acorn', async () => {
  const project = await settled({
    ...FILES,
    'script.ts': "import { rate } from './lib/rate.js';\nexport { rate };\n",
  });
  const built = await projectBuild(project);
  const runs = async (): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', SCRIPT_PROBE],
      {
        env: { ...process.env, PACKAGER: built, ROOT: project.paths.root },
      },
    );
    return JSON.parse(stdout);
  };
  const first = await runs();
  expect(first).toMatchObject({ heavy: true });
  expect(await runs()).toEqual({ ...(first as object), heavy: false });
  await project.remove();
});

/** Packages a script, and tells whether the part that needs a parser was loaded. */
const SCRIPT_PROBE = `
  const { packageScript } = await import(process.env.PACKAGER);
  const root = process.env.ROOT;
  const { hash } = await packageScript({ paths: { cwd: root, root, home: root + '/.run-pipeline' }, file: 'script.ts' });
  process.stdout.write(JSON.stringify({ hash, heavy: globalThis.HEAVY === true }));`;

/** Packages a step, and tells whether the part that needs a parser was loaded. */
const PROBE = `
  const { createPackager } = await import(process.env.PACKAGER);
  const root = process.env.ROOT;
  const file = root + '/pipeline.ts';
  const code = { kind: 'function', function: () => 0, call: { file, line: 8, column: 6 }, file };
  const request = { key: 'two', code, inputs: { kind: 'none' }, assets: [], cached: false, writing: 'controller' };
  const paths = { cwd: root, root, home: root + '/.run-pipeline' };
  const result = await createPackager({ mapToSource: (place) => place })({ paths, requests: [request] });
  process.stdout.write(JSON.stringify({ memoised: result.memoised, heavy: globalThis.HEAVY === true }));`;

/** This room as JavaScript; parsers and bundlers say when they are loaded. */
async function projectBuild(project: ScratchProject): Promise<string> {
  const { build } = await import('esbuild');
  const here = (path: string): string => new URL(path, import.meta.url).pathname;
  const directory = project.path('tool/built');
  await project.link('tool/node_modules', here('../../../../node_modules'));
  await build({
    entryPoints: [here('./index.ts')],
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    packages: 'external',
    alias: { '@run-pipeline/core/model': here('../../../core/src/model/index.ts') },
    plugins: [
      {
        name: 'tells',
        setup(setup) {
          setup.onResolve({ filter: /^(?:esbuild|acorn|eslint-scope|@jridgewell\/.*)$/ }, (args) =>
            args.pluginData === 'real'
              ? { path: args.path, external: true }
              : { path: args.path, namespace: 'tells' },
          );
          setup.onLoad({ filter: /.*/, namespace: 'tells' }, (args) => ({
            contents: `globalThis.HEAVY = true; export * from ${JSON.stringify(args.path)};`,
            pluginData: 'real',
            resolveDir: here('.'),
          }));
        },
      },
    ],
  });
  return join(directory, 'index.mjs');
}

test.each([
  [
    'the file itself',
    async (project: ScratchProject) =>
      project.write({ 'pipeline.ts': FILES['pipeline.ts'].replace('x * rate', 'x + rate') }),
  ],
  [
    'a helper',
    async (project: ScratchProject) => project.write({ 'lib/rate.ts': 'export const rate = 4;\n' }),
  ],
  [
    'a file that shadows a helper',
    async (project: ScratchProject) => project.write({ 'lib/rate.js': 'export const rate = 5;\n' }),
  ],
  [
    'an installed version',
    async (project: ScratchProject) =>
      project.write({ 'node_modules/dep/package.json': '{"name":"dep","version":"1.0.1","main":"i.js"}' }),
  ],
  [
    'a package that shadows another',
    async (project: ScratchProject) =>
      project
        .write({ 'lib/node_modules/x/package.json': '{}' })
        .then(() => project.write({ 'lib/rate.ts': 'import "dep"; export const rate = 3;\n' })),
  ],
  [
    'the lockfile',
    async (project: ScratchProject) =>
      project.write({ 'package-lock.json': FILES['package-lock.json'].replace('sha512-a', 'sha512-b') }),
  ],
  [
    'the tsconfig that another extends',
    async (project: ScratchProject) =>
      project.write({ 'base.json': '{"compilerOptions":{"target":"es2020"}}' }),
  ],
])('%s that changes is noticed', async (_what, change) => {
  const project = await settled();
  await both(project);
  await change(project);
  expect((await both(project)).memoised).toBe(0);
  await project.remove();
});

test('a change that keeps size and time is noticed while the time is young', async () => {
  const project = await ScratchProject.create(FILES);
  const now = new Date();
  await utimes(project.path('lib/rate.ts'), now, now);
  const first = await both(project);
  await writeFile(project.path('lib/rate.ts'), 'export const rate = 9;\n');
  await utimes(project.path('lib/rate.ts'), now, now);
  const second = await both(project);
  expect(second.memoised).toBe(0);
  expect(second.packages.get('one')!.manifest.codeHash).not.toBe(
    first.packages.get('one')!.manifest.codeHash,
  );
  await project.remove();
});

test('a touched file is still the same', async () => {
  const project = await settled();
  await both(project);
  await utimes(project.path('lib/rate.ts'), new Date(), new Date());
  expect((await both(project)).memoised).toBe(2);
  await project.remove();
});

test('a link that leads elsewhere is noticed', async () => {
  const project = await settled({
    ...FILES,
    'a/package.json': '{"name":"linked","version":"1.0.0","exports":"./i.ts"}',
    'a/i.ts': 'export const v = 1',
    'b/package.json': '{"name":"linked","version":"1.0.0","exports":"./i.ts"}',
    'b/i.ts': 'export const v = 2',
    'pipeline.ts': FILES['pipeline.ts'].replace("'dep'", "'linked'"),
  });
  await project.link('node_modules/linked', '../a');
  const first = await both(project);
  await unlink(project.path('node_modules/linked'));
  await symlink('../b', project.path('node_modules/linked'));
  const second = await both(project);
  expect(second.memoised).toBe(0);
  expect(second.packages.get('one')!.manifest.codeHash).not.toBe(
    first.packages.get('one')!.manifest.codeHash,
  );
  await project.remove();
});

test('a damaged memo is as if there were none', async () => {
  const project = await settled();
  await both(project);
  const directory = join(project.paths.home, 'cache/packages');
  const [name] = await readdir(directory);
  const text = await readFile(join(directory, name!), 'utf8');
  for (const damaged of [
    '',
    '{',
    text.slice(0, text.length / 2),
    '[]',
    '{"format":1}',
    text.replaceAll('"steps"', '"stops"'),
  ]) {
    await writeFile(join(directory, name!), damaged);
    const result = await both(project);
    expect(result.memoised).toBe(0);
    expect(result.packages.size).toBe(2);
  }
  await project.remove();
});

test('a package that is gone is made again', async () => {
  const project = await settled();
  const first = await both(project);
  await rm(packageFile(project.paths, first.packages.get('one')!.hash));
  const second = await both(project);
  expect(second.memoised).toBe(1);
  expect([...second.packages.keys()].sort()).toEqual(['one', 'two']);
  await project.remove();
});

test('warnings are repeated, and what steps may not share is found, from the memo too', async () => {
  const source = (returned: string) => `import { PipelineController } from 'run-pipeline';
let count = 0;
function one() { count += 1; return import.meta.url }
function two() { return ${returned} }
const pipe = new PipelineController();
pipe.addFunctionStep({ name: 'one', function: one });
pipe.addFunctionStep({ name: 'two', function: two });
`;
  const project = await settled({ 'pipeline.ts': source('count') });
  const alone = async (key: string) =>
    createPackager({ mapToSource: (place) => place })({
      paths: project.paths,
      requests: [await project.functionStep(key)],
    });
  expect((await alone('one')).diagnostics.map((each) => each.code)).toEqual(['import-meta']);
  expect((await alone('two')).diagnostics).toEqual([]);
  const together = await both(project);
  expect(together.memoised).toBe(2);
  expect(together.diagnostics.map((each) => each.code)).toEqual(['import-meta', 'shared-module-state']);
  expect(together.packages.size).toBe(0);
  // Steps that come one after the other, as those of a pipeline function do, are compared as well.
  const packager = createPackager({ mapToSource: (place) => place });
  await packager({ paths: project.paths, requests: [await project.functionStep('one')] });
  const later = await packager({ paths: project.paths, requests: [await project.functionStep('two')] });
  expect(later.diagnostics.map((each) => each.code)).toContain('shared-module-state');
  await project.remove();
});
