import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TaskPackage } from '@run-pipeline/core/model';
import { materialisePackage, readLock } from '../package/index.js';
import { ScratchProject } from '../package/scratch-project.test-support.js';
import { Registry, Scratch } from './environment-rig.test-support.js';
import { provideEnvironment } from './provide-environment.js';

/*
 * However a project has its packages (workspaces, overrides, aliases, another package manager), the lock
 * of a step's package is one that `npm ci` takes, and the step finds there what it found in the project.
 */
const execute = promisify(execFile);

let registry: Registry;
let project: ScratchProject;
let scratch: Scratch;

/** `exports` of a package tell what it is and what it finds. */
const published = (
  name: string,
  version: string,
  more: Record<string, unknown> = {},
): Record<string, string> => {
  const needs = Object.keys({
    ...(more['dependencies'] as object),
    ...(more['peerDependencies'] as object),
    ...(more['optionalDependencies'] as object),
  });
  return {
    'package.json': JSON.stringify({ name, version, main: 'index.js', ...more }),
    'index.js': `const find = (name) => { try { return require(name).tree } catch { return name + ' is missing' } };
      exports.tree = ${JSON.stringify(`${name}@${version}`)} + [${needs.map((each) => `find('${each}')`).join(',')}].map((each) => '(' + each + ')').join('')`,
  };
};

beforeAll(async () => {
  registry = await new Registry().start();
  await registry.publish(published('leaf', '1.0.0'));
  await registry.publish(published('leaf', '2.0.0'));
  await registry.publish(published('tree', '1.0.0', { dependencies: { leaf: '^1.0.0' } }));
  await registry.publish(published('tree', '2.0.0', { dependencies: { leaf: '^2.0.0' } }));
  await registry.publish(published('@own/plugin', '1.0.0', { peerDependencies: { leaf: '^2.0.0' } }));
  await registry.publish(published('for-other', '1.0.0', { os: ['no-such-system'] }));
  await registry.publish(published('for-this', '1.0.0', { os: [process.platform] }));
  await registry.publish(
    published('native', '1.0.0', { optionalDependencies: { 'for-other': '1.0.0', 'for-this': '1.0.0' } }),
  );
  await registry.publish({
    ...published('bundler', '1.0.0', { dependencies: { kept: '1.0.0' }, bundleDependencies: ['kept'] }),
    'node_modules/kept/package.json': JSON.stringify({ name: 'kept', version: '1.0.0', main: 'index.js' }),
    'node_modules/kept/index.js': "exports.tree = 'kept@1.0.0'",
  });
});
afterAll(async () => registry.stop());
beforeEach(async () => {
  scratch = await Scratch.create();
});
afterEach(async () => {
  await project.remove();
  await rm(scratch.directory, { recursive: true, force: true });
});

const step = (imports: string, body: string): string => `import { PipelineController } from 'run-pipeline';
  ${imports}
  function one() { return ${body} }
  const pipe = new PipelineController();
  pipe.addFunctionStep({ name: 'one', function: one });`;

const manifest = (more: object): string =>
  JSON.stringify({ name: 'scratch', version: '0.0.0', type: 'module', private: true, ...more });

async function create(files: Readonly<Record<string, string>>): Promise<void> {
  project = await ScratchProject.create({ '.npmrc': `registry=${registry.url}\n`, ...files });
}

async function npm(...args: readonly string[]): Promise<void> {
  await execute('npm', [...args, '--no-audit', '--no-fund'], { cwd: project.paths.root });
}

async function packaged(file = 'pipeline.ts'): Promise<TaskPackage> {
  const result = await project.package([await project.functionStep('one', { file })]);
  expect(result.diagnostics.filter((each) => each.severity === 'error')).toEqual([]);
  return result.packages.get('one')!;
}

/** Installs the package's lock elsewhere, takes the project's packages away, and runs the step. */
async function runElsewhere(task: TaskPackage): Promise<unknown> {
  const lock = readLock(project.paths, task.hash);
  const request = scratch.request({ lock, manifest: task.manifest, registry: registry.url });
  const { root, origin } = await provideEnvironment(request);
  expect(origin).toBe('cache');
  const { file } = await materialisePackage({ paths: project.paths, package: task, modules: root });
  expect(await readFile(file, 'utf8')).not.toContain(
    `${pathToFileURL(project.paths.root).href}/node_modules`,
  );
  const program = `const { default: one } = await import(${JSON.stringify(file)}); console.log(JSON.stringify(one()))`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', program], {
    cwd: scratch.directory,
  });
  return JSON.parse(stdout);
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly [more: string]: unknown }>
  >;
}
const lockOf = (task: TaskPackage): Lock => JSON.parse(readLock(project.paths, task.hash)!) as Lock;

test('nested versions and peers, with packages that the project only develops with', async () => {
  await create({
    'package.json': manifest({ devDependencies: { tree: '1.0.0', leaf: '2.0.0', '@own/plugin': '1.0.0' } }),
    'pipeline.ts': step(
      "import a from 'tree'; import b from 'leaf'; import c from '@own/plugin';",
      '[a.tree, b.tree, c.tree]',
    ),
  });
  await npm('install');
  const task = await packaged();
  expect(Object.keys(lockOf(task).packages)).toContain('node_modules/tree/node_modules/leaf');
  expect(await runElsewhere(task)).toEqual([
    'tree@1.0.0(leaf@1.0.0)',
    'leaf@2.0.0',
    '@own/plugin@1.0.0(leaf@2.0.0)',
  ]);
});

test('versions that no range allows: overrides, and peers that were forced', async () => {
  await create({
    'package.json': manifest({
      dependencies: { tree: '1.0.0', leaf: '1.0.0', '@own/plugin': '1.0.0' },
      overrides: { tree: { leaf: '2.0.0' } },
    }),
    'pipeline.ts': step("import a from 'tree'; import c from '@own/plugin';", '[a.tree, c.tree]'),
  });
  await npm('install', '--legacy-peer-deps');
  expect(await runElsewhere(await packaged())).toEqual([
    'tree@1.0.0(leaf@2.0.0)',
    '@own/plugin@1.0.0(leaf@1.0.0)',
  ]);
});

test('another name, optional packages of other platforms, and what a package brings along in its own archive', async () => {
  await create({
    'package.json': manifest({
      dependencies: { old: 'npm:tree@1.0.0', tree: '2.0.0', native: '1.0.0', bundler: '1.0.0' },
    }),
    'pipeline.ts': step(
      "import a from 'old'; import b from 'tree'; import c from 'native'; import d from 'bundler';",
      '[a.tree, b.tree, c.tree, d.tree]',
    ),
  });
  await npm('install');
  const task = await packaged();
  // Optional packages of all platforms are in the lock; those of this one are installed.
  expect(lockOf(task).packages['node_modules/for-other']).toMatchObject({
    optional: true,
    os: ['no-such-system'],
  });
  const expected = [
    'tree@1.0.0(leaf@1.0.0)',
    'tree@2.0.0(leaf@2.0.0)',
    'native@1.0.0(for-other is missing)(for-this@1.0.0)',
    'bundler@1.0.0(kept@1.0.0)',
  ];
  expect(await project.run(task)).toEqual(expected);
  expect(await runElsewhere(task)).toEqual(expected);
});

test('two versions of two workspaces in one step, also when packages and lockfile lie above the project', async () => {
  await create({
    'package.json': manifest({ workspaces: ['packages/*'], dependencies: { tree: '2.0.0' } }),
    'packages/inner/package.json': manifest({
      name: 'inner',
      dependencies: { tree: '1.0.0', bundler: '1.0.0' },
      exports: './index.ts',
    }),
    'packages/inner/index.ts':
      "import a from 'tree'; import b from 'bundler'; export const inner = a.tree + ' ' + b.tree;",
    'pipeline.ts': step("import a from 'tree'; import { inner } from 'inner';", '[a.tree, inner]'),
    'packages/inner/pipeline.ts': step("import { inner } from './index.js';", 'inner'),
  });
  await npm('install');
  const inner = 'tree@1.0.0(leaf@1.0.0) bundler@1.0.0(kept@1.0.0)';
  const task = await packaged();
  expect(await project.run(task)).toEqual(['tree@2.0.0(leaf@2.0.0)', inner]);
  expect(await runElsewhere(task)).toEqual(['tree@2.0.0(leaf@2.0.0)', inner]);

  const above = project;
  const root = above.path('packages/inner');
  project = Object.assign(Object.create(ScratchProject.prototype) as ScratchProject, {
    paths: { cwd: root, root, home: join(root, '.run-pipeline') },
    packager: above.packager,
    remove: async () => above.remove(),
  });
  const below = await packaged();
  expect(await project.run(below)).toEqual(inner);
  expect(await runElsewhere(below)).toEqual(inner);
});

/** As pnpm lays packages out: each in a place of its own, with links to what it needs. */
async function asPnpm(): Promise<void> {
  const modules = project.path('node_modules');
  const store = join(modules, '.pnpm');
  const move = async (from: string, name: string, needs: readonly string[]): Promise<void> => {
    const json = JSON.parse(await readFile(join(modules, from, 'package.json'), 'utf8')) as {
      version: string;
    };
    const place = join(store, `${name.replace('/', '+')}@${json.version}`, 'node_modules');
    await mkdir(join(place, dirname(name)), { recursive: true });
    await cp(join(modules, from), join(place, name), { recursive: true });
    await rm(join(place, name, 'node_modules'), { recursive: true, force: true });
    for (const each of needs)
      await symlink(join(store, each), join(place, each.replace(/^.*node_modules\//, '')));
  };
  await move('tree/node_modules/leaf', 'leaf', []);
  await move('leaf', 'leaf', []);
  await move('tree', 'tree', ['leaf@1.0.0/node_modules/leaf']);
  await move('@own/plugin', '@own/plugin', ['leaf@2.0.0/node_modules/leaf']);
  await rename(store, project.path('store'));
  await rm(modules, { recursive: true });
  await mkdir(join(modules, '@own'), { recursive: true });
  await rename(project.path('store'), store);
  await symlink(join(store, 'tree@1.0.0/node_modules/tree'), join(modules, 'tree'));
  await symlink(join(store, '@own+plugin@1.0.0/node_modules/@own/plugin'), join(modules, '@own/plugin'));
  await rm(project.path('package-lock.json'));
}

test("pnpm's layout becomes one of npm's, and the contents are compared", async () => {
  await create({
    'package.json': manifest({ dependencies: { tree: '1.0.0', leaf: '2.0.0', '@own/plugin': '1.0.0' } }),
    'pipeline.ts': step("import a from 'tree'; import c from '@own/plugin';", '[a.tree, c.tree]'),
  });
  await npm('install');
  await asPnpm();
  const task = await packaged();
  const expected = ['tree@1.0.0(leaf@1.0.0)', '@own/plugin@1.0.0(leaf@2.0.0)'];
  expect(await project.run(task)).toEqual(expected);
  expect(await runElsewhere(task)).toEqual(expected);
});

test('what is installed counts, not what a lockfile says that is out of date', async () => {
  await create({
    'package.json': manifest({ dependencies: { leaf: '1.0.0' } }),
    'pipeline.ts': step("import a from 'leaf';", 'a.tree'),
  });
  await npm('install');
  const lockfile = await readFile(project.path('package-lock.json'), 'utf8');
  await npm('install', '--no-save', 'leaf@2.0.0');
  expect(await readFile(project.path('package-lock.json'), 'utf8')).toBe(lockfile);
  const task = await packaged();
  expect(task.manifest.closure).toMatchObject([{ name: 'leaf', version: '2.0.0' }]);
  expect(await runElsewhere(task)).toBe('leaf@2.0.0');
});

test('a package from a commit is installed from that commit', async () => {
  await create({ 'package.json': manifest({}), 'pipeline.ts': step("import a from 'from-git';", 'a.tree') });
  const repository = await realpath(scratch.directory).then((each) => join(each, 'from-git'));
  await mkdir(repository);
  await project.write({ 'from-git/package.json': '' });
  for (const [name, text] of Object.entries(
    published('from-git', '1.0.0', { dependencies: { leaf: '1.0.0' } }),
  )) {
    await project.write({ [`from-git/${name}`]: text });
  }
  await cp(project.path('from-git'), repository, { recursive: true });
  const git = async (...args: readonly string[]): Promise<void> => {
    await execute('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.invalid', ...args], { cwd: repository });
  };
  await git('init', '--initial-branch', 'main');
  await git('add', '.');
  await git('commit', '-m', 'first');
  await npm('install', '--save', `git+file://${repository}`);
  expect(await runElsewhere(await packaged())).toBe('from-git@1.0.0(leaf@1.0.0)');
});

test('a package that is only a file here is named', async () => {
  await create({
    'package.json': manifest({}),
    'pipeline.ts': step("import a from 'packed';", 'a.tree'),
    'packed/package.json': published('packed', '1.0.0')['package.json']!,
    'packed/index.js': published('packed', '1.0.0')['index.js']!,
  });
  await execute('npm', ['pack', './packed'], { cwd: project.paths.root });
  await npm('install', './packed-1.0.0.tgz');
  await expect(runElsewhere(await packaged())).rejects.toMatchObject({
    code: 'environment-source',
    message:
      'the package packed@1.0.0 cannot be installed here: the project installs it from a file (packed-1.0.0.tgz)',
  });
});
