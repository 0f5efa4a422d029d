import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { openProject } from '../../packages/runtime/src/engine/open-project.js';
import { storedIdentity, identityOf } from '../../packages/runtime/src/engine/step/values.js';
import { file } from '@run-pipeline/core/define';
import { carryFiles, fileBlobs } from '../../packages/runtime/src/engine/launch/carry-files.js';
import { OWN_FILES, runFiles } from '../../packages/runtime/src/engine/launch/run-files.js';

async function project(files: Readonly<Record<string, string>>) {
  const made = scratch(files);
  const opened = await openProject({ cwd: made.directory, env: {} });
  onTestFinished(() => opened.close());
  return { made, project: opened, elsewhere: { ...opened, fleet: true } };
}

const LONG = 'x'.repeat(100_000);

test('on a fleet a file is what it was when it was carried, whatever lies at its path now', async () => {
  const { made, project: own, elsewhere } = await project({ 'a.csv': LONG });
  const path = made.path('a.csv');
  const before = await identityOf(own, file(path));
  const carried = await carryFiles(own, [{ path, directory: false }]);
  made.write({ 'a.csv': 'changed' });
  const files = runFiles(elsewhere, carried);
  const artifact = files.carried(path, false);
  expect(artifact && storedIdentity(artifact)).toBe(before);
  const copy = await files.place(path, false);
  expect(basename(copy)).toBe('a.csv');
  expect(readFileSync(copy, 'utf8')).toBe(LONG);
  // Whoever passes the copy on passes the file on.
  expect(files.carried(copy, false)).toBe(artifact);
  expect(files.original(copy)).toBe(path);
  // Another process is given the same path: what is made of it as a text stays the same.
  expect(await runFiles(elsewhere, carried).place(path, false)).toBe(copy);
});

test('on one machine a file is read where it is as long as it is there, then as it was carried', async () => {
  const { made, project: own } = await project({ 'a.csv': 'first' });
  const path = made.path('a.csv');
  const carried = await carryFiles(own, [{ path, directory: false }]);
  const files = runFiles(own, carried);
  expect(files.carried(path, false)).toBeUndefined();
  expect(await files.place(path, false)).toBe(path);
  rmSync(path);
  expect(readFileSync(await files.place(path, false), 'utf8')).toBe('first');
});

test('a copy that somebody has changed is made anew', async () => {
  const { made, project: own, elsewhere } = await project({ 'a.csv': LONG });
  const path = made.path('a.csv');
  const carried = await carryFiles(own, [{ path, directory: false }]);
  const copy = await runFiles(elsewhere, carried).place(path, false);
  rmSync(copy);
  writeFileSync(copy, 'not this');
  expect(readFileSync(await runFiles(elsewhere, carried).place(path, false), 'utf8')).toBe(LONG);
});

test('a directory is carried as one; a path that is of another kind, or not there, is left out', async () => {
  const { made, project: own, elsewhere } = await project({ 'data/b.txt': 'b', 'data/tool': 'tool' });
  mkdirSync(made.path('data', 'empty'));
  const carried = await carryFiles(own, [
    { path: made.path('data'), directory: true },
    { path: made.path('data'), directory: false },
    { path: made.path('none'), directory: true },
  ]);
  expect(carried.map(({ path, directory }) => [path, directory])).toEqual([[made.path('data'), true]]);
  const copy = await runFiles(elsewhere, carried).place(made.path('data'), true);
  expect(readFileSync(join(copy, 'b.txt'), 'utf8')).toBe('b');
  expect(statSync(join(copy, 'empty')).isDirectory()).toBe(true);
});

test('files of equal content are one blob; small ones are none', async () => {
  const { made, project: own } = await project({ 'a.csv': LONG, 'b.csv': LONG, 'c.csv': 'small' });
  const carried = await carryFiles(
    own,
    ['a.csv', 'b.csv', 'c.csv'].map((name) => ({ path: made.path(name), directory: false })),
  );
  expect(carried).toHaveLength(3);
  expect(fileBlobs(carried)).toEqual([{ hash: carried[0]!.artifact.record.hash, size: LONG.length }]);
});

test('a run that executes where it was launched looks at its own files', async () => {
  expect(OWN_FILES.carried('/a', false)).toBeUndefined();
  expect(await OWN_FILES.place('/a', false)).toBe('/a');
  expect(OWN_FILES.original('/a')).toBe('/a');
});
