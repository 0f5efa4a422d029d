import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { placedHere } from './placed-here.js';

test('places relative to the root become places relative to where the run was invoked, with their lines', () => {
  const root = mkdtempSync(join(tmpdir(), 'run-pipeline-placed-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'jobs'));
  writeFileSync(join(root, 'jobs', 'a (b).ts'), "line one\nthrow new Error('no');\n");
  const error = {
    name: 'Error',
    message: 'at x (jobs/a.ts:1:1) is text',
    at: 'jobs/a (b).ts:2:7',
    stack: 'at train (jobs/a.ts:2:7)\nat jobs/a.ts:9:1\nat async Model.fit [as run] (lib/b.ts:3:4)',
    cause: { name: 'Error', message: 'inner', at: 'gone.ts:1:1' },
  };
  expect(placedHere(error, { root, cwd: join(root, 'jobs') })).toEqual({
    name: 'Error',
    message: 'at x (jobs/a.ts:1:1) is text',
    at: 'a (b).ts:2:7',
    frame: expect.stringContaining("> 2 │ throw new Error('no');") as string,
    stack: `at train (a.ts:2:7)\nat a.ts:9:1\nat async Model.fit [as run] (${root}/lib/b.ts:3:4)`,
    cause: { name: 'Error', message: 'inner', at: `${root}/gone.ts:1:1` },
  });
  const here = placedHere(error, { root, cwd: root });
  expect([here.at, here.stack]).toEqual([error.at, error.stack]);
  expect(placedHere({ name: 'E', message: 'm', at: 'nonsense' }, { root, cwd: root })).toEqual({
    name: 'E',
    message: 'm',
    at: 'nonsense',
  });
});
