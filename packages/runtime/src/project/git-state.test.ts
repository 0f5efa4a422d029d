import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readGitState } from './git-state.js';

const directories: string[] = [];
afterEach(async () => {
  await Promise.all(directories.splice(0).map(async (each) => rm(each, { recursive: true, force: true })));
});

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'run-pipeline-git-'));
  directories.push(directory);
  return directory;
}

const git = (directory: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.invalid', ...args], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

async function repository(): Promise<string> {
  const directory = await scratch();
  git(directory, 'init', '--initial-branch', 'main');
  await writeFile(join(directory, 'a.txt'), 'one\n');
  git(directory, 'add', '.');
  git(directory, 'commit', '-m', 'first');
  return directory;
}

test('commit, branch and a clean tree; also from a directory within', async () => {
  const directory = await repository();
  await mkdir(join(directory, 'inner'));
  await writeFile(join(directory, 'untracked.txt'), '');
  expect(await readGitState(join(directory, 'inner'))).toEqual({
    commit: git(directory, 'rev-parse', 'HEAD'),
    branch: 'main',
    dirty: false,
  });
});

test('what differs from the commit, staged or not, is the diff', async () => {
  const directory = await repository();
  await writeFile(join(directory, 'a.txt'), 'two\n');
  await writeFile(join(directory, 'b.txt'), 'new\n');
  git(directory, 'add', 'b.txt');
  const state = await readGitState(directory);
  expect(state?.dirty).toBe(true);
  expect(state?.diff).toContain('-one\n+two\n');
  expect(state?.diff).toContain('+new\n');
});

test('a diff is cut at 1 MiB, between characters', async () => {
  const directory = await repository();
  await appendFile(join(directory, 'a.txt'), `${'ä'.repeat(99)}\n`.repeat(8000));
  const { diff = '' } = (await readGitState(directory)) ?? {};
  expect(Buffer.byteLength(diff)).toBeLessThanOrEqual(1 << 20);
  expect(Buffer.byteLength(diff)).toBeGreaterThan((1 << 20) - 4);
  expect(diff).not.toContain('\ufffd');
});

test('no branch is checked out', async () => {
  const directory = await repository();
  git(directory, 'checkout', '--detach');
  expect(await readGitState(directory)).not.toHaveProperty('branch');
});

test.each([
  ['https://user:secret@host.invalid/a/b.git', 'https://host.invalid/a/b.git'],
  ['https://token@host.invalid/a/b.git', 'https://host.invalid/a/b.git'],
  ['https://host.invalid:8443/a.git?private_token=secret', 'https://host.invalid:8443/a.git'],
  ['https://us@er:sec@ret@host.invalid/a.git', 'https://host.invalid/a.git'],
  ['ssh://git:secret@host.invalid/a.git', 'ssh://git@host.invalid/a.git'],
  ['git@host.invalid:a/b.git', 'git@host.invalid:a/b.git'],
  ['../sibling', '../sibling'],
])('the remote %s is told as %s', async (url, told) => {
  const directory = await repository();
  git(directory, 'remote', 'add', 'origin', url);
  git(directory, 'remote', 'add', 'another', 'https://another.invalid/a.git');
  expect((await readGitState(directory))?.remote).toBe(told);
});

test('outside of a repository, before the first commit, without the directory: undefined', async () => {
  const directory = await scratch();
  await writeFile(join(directory, '.git'), 'gitdir: /nowhere');
  expect(await readGitState(directory)).toBeUndefined();
  expect(await readGitState(join(directory, 'absent'))).toBeUndefined();
  const empty = await scratch();
  git(empty, 'init');
  expect(await readGitState(empty)).toBeUndefined();
});
