import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Workspace } from './rig.js';

const PIPELINE = `
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pipeline, Step, directory, file, text, each, PipelineController } from 'run-pipeline';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'get-'));

@Pipeline({ name: 'kinds', project: 'examples' })
export class Kinds {
  @Step({ returns: ['report'] })
  asFile() {
    const path = join(scratch(), 'report.csv');
    writeFileSync(path, 'a,b\\n1,2\\n');
    return file(path);
  }
  @Step({ returns: ['tree'] })
  asDirectory() {
    const path = join(scratch(), 'tree');
    mkdirSync(join(path, 'inner'), { recursive: true });
    writeFileSync(join(path, 'inner/leaf.txt'), 'leaf');
    return directory(path);
  }
  @Step({ returns: ['raw'] })
  asBytes() {
    return new Uint8Array([0, 255, 27, 91, 50, 74]);
  }
  @Step({ returns: ['note'] })
  asText() {
    return text('hello\\nworld\\n');
  }
  @Step({ returns: ['map', 'plain'] })
  asValues() {
    return { map: new Map([['a', new Date(0)]]), plain: { list: [1, 'two', null] } };
  }
}
`;

test('get gives values as JSON, and files, directories and bytes exactly', async () => {
  const workspace = new Workspace({ 'pipe.ts': PIPELINE });
  expect(await workspace.run(['pipe.ts'])).toMatchObject({ code: 0 });
  expect(await workspace.json('get', 'latest', 'asValues.plain')).toEqual({ list: [1, 'two', null] });
  expect(await workspace.json('get', 'latest', 'asValues.map')).toMatchObject({
    json: expect.anything() as unknown,
    meta: expect.anything() as unknown,
  });
  expect((await workspace.run(['get', 'latest', 'asValues.map'])).stdout).toContain('Map(1)');
  expect((await workspace.run(['get', 'latest', 'asText.note'])).stdout).toBe('hello\nworld\n');

  for (const [reference, path] of [
    ['asFile.report', 'out.csv'],
    ['asBytes.raw', 'out.bin'],
    ['asText.note', 'out.txt'],
    ['asValues.plain', 'out.json'],
  ] as const) {
    expect(await workspace.run(['get', 'latest', reference, '-o', path])).toMatchObject({
      code: 0,
      stdout: '',
    });
  }
  expect(readFileSync(workspace.path('out.csv'), 'utf8')).toBe('a,b\n1,2\n');
  expect([...readFileSync(workspace.path('out.bin'))]).toEqual([0, 255, 27, 91, 50, 74]);
  expect(readFileSync(workspace.path('out.txt'), 'utf8')).toBe('hello\nworld\n');
  expect(JSON.parse(readFileSync(workspace.path('out.json'), 'utf8'))).toEqual({ list: [1, 'two', null] });

  expect(await workspace.run(['get', 'latest', 'asDirectory.tree', '-o', 'tree'])).toMatchObject({ code: 0 });
  expect(readFileSync(workspace.path('tree/inner/leaf.txt'), 'utf8')).toBe('leaf');
  expect(await workspace.run(['get', 'latest', 'asDirectory', '-o', 'tree'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('exists already') as string,
  });
  expect(await workspace.run(['get', 'latest', 'asDirectory.tree'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('-o PATH') as string,
  });
  expect(existsSync(workspace.path('tree/inner/inner'))).toBe(false);
});

test('a step or artifact that is not there is a usage error that names the near ones', async () => {
  const workspace = new Workspace({ 'pipe.ts': PIPELINE });
  await workspace.run(['pipe.ts']);
  expect(await workspace.run(['get', 'latest', 'asFil.report'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('asFile') as string,
  });
  expect(await workspace.run(['get', 'latest', 'asValues.mop'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('map') as string,
  });
  expect(await workspace.run(['get', 'latest', 'asValues'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('asValues.plain') as string,
  });
});

test('a damaged artifact is an error of its own, exit code 4, and never printed', async () => {
  const workspace = new Workspace({
    'pipe.ts': `
import { Pipeline, Step } from 'run-pipeline';
@Pipeline({ name: 'big', project: 'examples' })
export class Big {
  @Step() big(): string { return 'x'.repeat(100_000); }
}
`,
  });
  await workspace.run(['pipe.ts']);
  const { readdirSync, statSync, writeFileSync, chmodSync } = await import('node:fs');
  const blobs = readdirSync(workspace.path('.run-pipeline/blobs'), { recursive: true }) as string[];
  for (const name of blobs) {
    const path = workspace.path(`.run-pipeline/blobs/${name}`);
    if (!statSync(path).isFile() || statSync(path).size < 50_000) continue;
    chmodSync(path, 0o644);
    writeFileSync(path, 'y'.repeat(100_000));
  }
  const { code, stdout, stderr } = await workspace.run(['get', 'latest', 'big']);
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
  expect(stderr).toMatch(/damaged/);
});

test('graph draws in every format, and says when it cannot', async () => {
  const workspace = new Workspace({
    'pipe.ts': PIPELINE,
    'body.ts': `
import { pipeline, step } from 'run-pipeline';
const one = step({ name: 'one' }, () => 1);
export const body = pipeline({ name: 'body', project: 'examples' }, () => one());
`,
  });
  expect((await workspace.run(['graph', 'pipe.ts'])).stdout).toMatch(/^flowchart /);
  expect((await workspace.run(['graph', 'pipe.ts', '-f', 'dot'])).stdout).toMatch(/^digraph/);
  expect(await workspace.run(['graph', 'pipe.ts', '--format=svg', '-o', 'graph.svg'])).toMatchObject({
    code: 0,
    stdout: '',
  });
  expect(readFileSync(workspace.path('graph.svg'), 'utf8')).toContain('<svg');
  expect(await workspace.json('graph', 'pipe.ts')).toMatchObject({
    nodes: [{ name: 'asFile', parents: [] }, {}, {}, {}, {}],
  });
  expect(await workspace.run(['graph', 'body.ts'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('pipeline function') as string,
  });
  expect(await workspace.run(['body.ts', '--only', 'one'])).toMatchObject({ code: 2 });
});
