import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isUnchanged, ReadSetRecorder } from './read-set.js';

let directory = '';
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'run-pipeline-read-set-')));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const path = (name: string): string => join(directory, name);

test('nothing changed: unchanged, also after a round trip through JSON', () => {
  writeFileSync(path('a'), '1');
  const reads = new ReadSetRecorder();
  expect(reads.read(path('a'))).toBe('1');
  expect(reads.probe(path('b'))).toBe(false);
  expect(isUnchanged(JSON.parse(JSON.stringify(reads.result())))).toBe(true);
});

test('an edit that keeps size and time is a change', () => {
  writeFileSync(path('a'), '1');
  const { atime, mtime } = statSync(path('a'));
  const reads = new ReadSetRecorder();
  reads.read(path('a'));
  writeFileSync(path('a'), '2');
  utimesSync(path('a'), atime, mtime);
  expect(isUnchanged(reads.result())).toBe(false);
});

test('a touched file is no change', () => {
  writeFileSync(path('a'), '1');
  const reads = new ReadSetRecorder();
  reads.read(path('a'));
  utimesSync(path('a'), 1, 1);
  expect(isUnchanged(reads.result())).toBe(true);
});

test('a file that comes where none was, and one that goes, are changes', () => {
  writeFileSync(path('there'), '');
  const reads = new ReadSetRecorder();
  reads.probe(path('there'));
  reads.probe(path('missing'));
  expect(reads.read(path('unread'))).toBeUndefined();
  expect(isUnchanged(reads.result())).toBe(true);
  writeFileSync(path('missing'), '');
  expect(isUnchanged(reads.result())).toBe(false);
  unlinkSync(path('missing'));
  unlinkSync(path('there'));
  expect(isUnchanged(reads.result())).toBe(false);
});

test('a directory in the place of a file is no file', () => {
  const reads = new ReadSetRecorder();
  reads.probe(path('a'));
  mkdirSync(path('a'));
  expect(isUnchanged(reads.result())).toBe(true);
});

test('a link that points elsewhere is a change', () => {
  for (const name of ['one', 'two']) mkdirSync(path(name));
  symlinkSync(path('one'), path('link'));
  const reads = new ReadSetRecorder();
  reads.link(path('link'));
  expect(isUnchanged(reads.result())).toBe(true);
  unlinkSync(path('link'));
  symlinkSync(path('two'), path('link'));
  expect(isUnchanged(reads.result())).toBe(false);
});
