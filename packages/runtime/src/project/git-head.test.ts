import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readGitHead } from './git-head.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'git-head-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

function commit(): string {
  git('init', '--initial-branch=trunk');
  writeFileSync(join(directory, 'file'), 'content');
  git('add', '.');
  git('commit', '-m', 'first');
  return git('rev-parse', 'HEAD');
}

test('it is what git says, also below the root, from packed refs, detached, and in a worktree', () => {
  const hash = commit();
  mkdirSync(join(directory, 'below'));
  expect(readGitHead(join(directory, 'below'))).toEqual({ commit: hash, branch: 'trunk' });
  git('pack-refs', '--all');
  expect(readGitHead(directory)).toEqual({ commit: hash, branch: 'trunk' });
  git('worktree', 'add', '-b', 'feature/x', 'other');
  expect(readGitHead(join(directory, 'other'))).toEqual({ commit: hash, branch: 'feature/x' });
  git('checkout', '--detach');
  expect(readGitHead(directory)).toEqual({ commit: hash });
});

test('there is none without a repository or a commit, and damage is no error', () => {
  expect(readGitHead(directory)).toBeUndefined();
  git('init');
  expect(readGitHead(directory)).toBeUndefined();
  writeFileSync(join(directory, '.git', 'HEAD'), 'nonsense');
  expect(readGitHead(directory)).toBeUndefined();
});
