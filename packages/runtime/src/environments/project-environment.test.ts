import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TaskPackage } from '@run-pipeline/core/model';
import { materialisePackage, readLock } from '../package/index.js';
import { ScratchProject } from '../package/scratch-project.test-support.js';
import { closedPort, Scratch } from './environment-rig.test-support.js';
import { provideEnvironment } from './provide-environment.js';

const execute = promisify(execFile);

/** A real project with real packages: CommonJS, and native with prebuilt parts. */
let project: ScratchProject;
let task: TaskPackage;
const scratches: Scratch[] = [];

beforeAll(async () => {
  project = await ScratchProject.create({
    'package.json': JSON.stringify({
      name: 'scratch',
      version: '0.0.0',
      type: 'module',
      dependencies: { 'is-odd': '3.0.1', libsql: '0.5.29' },
    }),
    'pipeline.ts': `import { PipelineController } from 'run-pipeline';
      import isOdd from 'is-odd';
      import Database from 'libsql';
      function one(n: number) { return [isOdd(n), new Database(':memory:').prepare('select 1 + 1 as two').get().two] }
      const pipe = new PipelineController();
      pipe.addFunctionStep({ name: 'one', function: one });`,
  });
  await execute('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: project.paths.root,
  });
  task = await packaged();
}, 120_000);
afterAll(async () => project.remove());
afterEach(async () => {
  for (const each of scratches.splice(0)) await rm(each.directory, { recursive: true, force: true });
});

async function packaged(): Promise<TaskPackage> {
  const result = await project.package([await project.functionStep('one')]);
  expect(result.diagnostics).toEqual([]);
  return result.packages.get('one')!;
}

async function scratch(): Promise<Scratch> {
  const made = await Scratch.create();
  scratches.push(made);
  return made;
}

const lockOf = ({ hash }: TaskPackage): string => readLock(project.paths, hash)!;

/** As this machine is set up: the packages come from its registry. */
const machine = { ...process.env };

test('a package with a CommonJS and a native dependency runs in an empty directory', async () => {
  const place = await scratch();
  const request = place.request({ lock: lockOf(task), manifest: task.manifest, env: machine });
  const { root, origin } = await provideEnvironment(request);
  expect(origin).toBe('cache');
  const { file } = await materialisePackage({ paths: project.paths, package: task, modules: root });
  expect(await readFile(file, 'utf8')).not.toContain(`${project.paths.root}/node_modules`);
  const program = `const { default: one } = await import(${JSON.stringify(file)}); console.log(JSON.stringify(one(3)))`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', program], {
    cwd: place.directory,
  });
  expect(JSON.parse(stdout)).toEqual([true, 2]);
}, 60_000);

test('what the project has installed is used when it is what the package was made with', async () => {
  const place = await scratch();
  const root = project.paths.root;
  const request = place.request({
    lock: lockOf(task),
    manifest: task.manifest,
    project: root,
    registry: await closedPort(),
  });
  expect(await provideEnvironment(request)).toEqual({ root, origin: 'project' });
  expect(await provideEnvironment(request)).toEqual({ root, origin: 'project' });
  const { file } = await materialisePackage({ paths: project.paths, package: task, modules: root });
  expect(await readFile(file, 'utf8')).toContain(`${root}/node_modules/is-odd`);
  // Another version deep in the closure, as an installation in between would leave it.
  const json = join(root, 'node_modules/is-number/package.json');
  const before = await readFile(json, 'utf8');
  await writeFile(json, before.replace('"6.0.0"', '"6.0.1"'));
  try {
    await expect(provideEnvironment(request)).rejects.toMatchObject({ code: 'environment-install' });
  } finally {
    await writeFile(json, before);
  }
});

test('a package that was edited where it lies runs in its project, and nowhere else', async () => {
  const place = await scratch();
  const root = project.paths.root;
  const file = join(root, 'node_modules/is-number/index.js');
  const before = await readFile(file, 'utf8');
  await writeFile(file, `${before}\n// edited`);
  try {
    const edited = await packaged();
    const { manifest } = edited;
    expect(manifest.closureHash).not.toBe(task.manifest.closureHash);
    const request = place.request({ lock: lockOf(edited), manifest, project: root, env: machine });
    expect(await provideEnvironment(request)).toHaveProperty('origin', 'project');
    await expect(provideEnvironment({ ...request, project: undefined })).rejects.toMatchObject({
      code: 'environment-source',
      message: expect.stringMatching(/^the package is-number@6\.0\.0 cannot be installed here: its files/),
    });
    // Edited once more, after the package was made: the project is not what the step was packaged with.
    await writeFile(file, `${before}\n// edited again`);
    await expect(provideEnvironment(request)).rejects.toHaveProperty('code', 'environment-source');
  } finally {
    await writeFile(file, before);
  }
});

test('packages of a project without package-lock.json are compared by their content', async () => {
  const place = await scratch();
  await rm(join(project.paths.root, 'package-lock.json'));
  const unlocked = await packaged();
  const { manifest } = unlocked;
  expect(manifest.closure.every((entry) => entry.integrity?.startsWith('content:'))).toBe(true);
  const request = place.request({ lock: lockOf(unlocked), manifest, env: machine });
  const { origin } = await provideEnvironment(request);
  expect(origin).toBe('cache');
});
