import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isRunPipelineError } from '@run-pipeline/core/model';
import { existsSync, readFileSync } from 'node:fs';
import { ensureHome } from './home.js';
import { resolvePaths } from './paths.js';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** Names that end in `/` are directories. */
function tree(files: Readonly<Record<string, string>>): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-paths-')));
  made.push(directory);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, content);
  }
  return directory;
}

const relativePaths = (directory: string, cwd: string, env = {}): { root: string; home: string } => {
  const paths = resolvePaths({ cwd: join(directory, cwd), env });
  return { root: paths.root.replace(directory, '.'), home: paths.home.replace(directory, '.') };
};

test('the nearest .run-pipeline/ above the current directory is the home', () => {
  const directory = tree({
    '.run-pipeline/': '',
    'a/.run-pipeline/': '',
    'a/b/c/': '',
    'a/b/package.json': '{}',
  });
  expect(relativePaths(directory, 'a/b/c')).toEqual({ root: './a', home: './a/.run-pipeline' });
});

test('a file named .run-pipeline is not a home', () => {
  const directory = tree({ 'package.json': '{}', 'a/.run-pipeline': '' });
  expect(relativePaths(directory, 'a').home).toBe('./.run-pipeline');
});

test.each([
  ['npm', { 'package.json': '{"workspaces":["packages/*"]}' }],
  ['yarn', { 'package.json': '{"workspaces":{"packages":["./packages/{a,b}/"]}}' }],
  [
    'pnpm',
    {
      'package.json': '{}',
      'pnpm-workspace.yaml': '# all\npackages:\n  - "apps/**"\n  - packages/* # these\nother: 1\n',
    },
  ],
])('a member of a workspace (%s) has the home beside the root package.json', (_, root) => {
  const directory = tree({ ...root, 'packages/a/package.json': '{}', 'packages/a/src/': '' });
  expect(relativePaths(directory, 'packages/a/src')).toEqual({ root: '.', home: './.run-pipeline' });
});

test('a package that the workspace does not cover has a home of its own', () => {
  const directory = tree({
    'package.json': '{"workspaces":["packages/*","!packages/x"]}',
    'other/package.json': '{}',
    'packages/x/package.json': '{}',
  });
  expect(relativePaths(directory, 'other').root).toBe('./other');
  expect(relativePaths(directory, 'packages/x').root).toBe('./packages/x');
});

test('the outermost workspace that covers the directory wins', () => {
  const directory = tree({
    'package.json': '{"workspaces":["apps/**"]}',
    'apps/inner/package.json': '{"workspaces":["lib"]}',
    'apps/inner/lib/package.json': '{}',
  });
  expect(relativePaths(directory, 'apps/inner/lib').root).toBe('.');
});

test('without any package.json the home is in the current directory', () => {
  const directory = tree({ 'a/': '' });
  expect(relativePaths(directory, 'a')).toEqual({ root: './a', home: './a/.run-pipeline' });
});

test('a broken package.json is no workspace', () => {
  const directory = tree({ 'package.json': '{', 'a/package.json': '{}' });
  expect(relativePaths(directory, 'a').root).toBe('./a');
});

test('RUN_PIPELINE_HOME overrides, relative to the current directory', () => {
  const directory = tree({ '.run-pipeline/': '', 'package.json': '{}', 'a/': '' });
  expect(relativePaths(directory, 'a', { RUN_PIPELINE_HOME: '../elsewhere' })).toEqual({
    root: '.',
    home: './elsewhere',
  });
});

test('the home ignores itself and is made with what is above it', () => {
  const directory = tree({});
  const paths = { cwd: directory, root: directory, home: join(directory, 'x/y/.run-pipeline') };
  ensureHome(paths);
  ensureHome(paths);
  expect(readFileSync(join(paths.home, '.gitignore'), 'utf8')).toBe('*\n');
  expect(existsSync(join(paths.home, 'blobs'))).toBe(true);
});

test('a home that cannot be made is a store error that says what, why and what next', () => {
  const directory = tree({ file: '' });
  try {
    ensureHome({ cwd: directory, root: directory, home: join(directory, 'file/home') });
    expect.unreachable();
  } catch (error) {
    expect(isRunPipelineError(error) && [error.kind, error.code]).toEqual(['store', 'home-not-writable']);
    expect(String(error)).toContain('a file is in the way');
    expect((error as { help: string }).help).toContain('RUN_PIPELINE_HOME');
  }
});
