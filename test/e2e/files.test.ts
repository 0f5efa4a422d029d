import { mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { query, runPipeline, watchRun } from '../rig/warm.js';

const FILES = {
  ...TRACE,
  'data/rows.csv': 'a,b\n1,2\n',
  'data/tree/one.txt': 'one',
  'data/tree/deep/two.txt': 'two',
  'pipe.ts': `
import { readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Parameter, Pipeline, PipelineController, Step, directory, file, pipeline, parameter, step, type FileValue } from 'run-pipeline';
const shown = (value: FileValue) => ({ ...value, path: basename(value.path), sha256: value.sha256.length });
const tree = (path: string): unknown => Object.fromEntries(readdirSync(path, { withFileTypes: true }).map((entry) =>
  [entry.name, entry.isDirectory() ? tree(join(path, entry.name)) : readFileSync(join(path, entry.name), 'utf8')]));
@Pipeline({ name: 'class', cache: true })
export class Class {
  @Parameter({ type: 'file', description: 'rows' }) data = 'data/rows.csv';
  @Parameter({ type: 'directory' }) folder = 'data/tree';
  @Step({ inputs: ['$<pipeline.data>'] } as never) read(value: FileValue): object { return { ...shown(value), text: readFileSync(value.path, 'utf8') }; }
  @Step({ inputs: [file('data/rows.csv'), directory('data/tree')] } as never) literal(one: FileValue, all: FileValue): unknown { return [readFileSync(one.path, 'utf8'), tree(all.path)]; }
  @Step({ inputs: ['$<pipeline.folder>'] } as never) walk(value: FileValue): unknown { return tree(value.path); }
  @Step({ inputs: ['data/rows.csv'] }) text(path: string): string { return path; }
  @Step({ returns: ['report', 'site'] }) make(): { report: unknown; site: unknown } {
    mkdirSync('out/site/sub', { recursive: true });
    writeFileSync('out/report.md', '# report');
    writeFileSync('out/site/index.html', '<p>');
    writeFileSync('out/site/sub/a.bin', new Uint8Array([0, 255]));
    return { report: file('out/report.md'), site: directory('out/site') };
  }
  @Step({ inputs: ['$<make.report>', '$<make.site>'] } as never) take(report: FileValue, site: FileValue): unknown {
    return [basename(report.path), report.size, readFileSync(report.path, 'utf8'), tree(site.path)];
  }
}
export const controller = new PipelineController({ name: 'controller' })
  .addParameter({ name: 'data', type: 'file', default: 'data/rows.csv' })
  .addFunctionStep({ name: 'read', function: (value: FileValue) => readFileSync(value.path, 'utf8'), functionKwargs: { value: '$<pipeline.data>' }, cacheExecutedStep: true } as never);
const read = step({ cache: true }, (value: unknown) => readFileSync((value as FileValue).path, 'utf8'));
export const calls = pipeline({ name: 'calls', parameters: { data: parameter({ type: 'file', default: 'data/rows.csv' }) } }, ({ data }) => {
  read(data);
  read(file('data/tree/one.txt'));
});
`,
};
const TREE = { deep: { 'two.txt': 'two' }, 'one.txt': 'one' };

test('files and directories are values: read from where the user is, hashed by content, carried on', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  const run = await watchRun(['pipe.ts#Class'], options);
  expect(run.by).toEqual({ completed: ['literal', 'make', 'read', 'take', 'text', 'walk'] });
  const got = async (name: string): Promise<unknown> => query(['get', 'latest', name], options);
  expect(await got('read')).toEqual({
    path: 'rows.csv',
    name: 'rows.csv',
    size: 8,
    sha256: 64,
    text: 'a,b\n1,2\n',
  });
  expect(await got('literal')).toEqual(['a,b\n1,2\n', TREE]);
  expect(await got('take')).toEqual([
    'report.md',
    8,
    '# report',
    { 'index.html': '<p>', sub: { 'a.bin': '\u0000\ufffd' } },
  ]);
  const types = run.ends['make']!.artifacts.map(({ name, type, size }) => [name, type, size > 0]);
  expect(types).toEqual([
    ['report', 'file', true],
    ['site', 'directory', true],
  ]);

  // Touched: the same content. Edited, at the same path and with the same size: another value.
  utimesSync(project.path('data/rows.csv'), new Date(), new Date());
  expect((await watchRun(['pipe.ts#Class'], options)).by.completed).toBeUndefined();
  project.write({ 'data/rows.csv': 'a,b\n1,3\n' });
  const edited = await watchRun(['pipe.ts#Class'], options);
  expect(edited.by.completed).toEqual(['literal', 'read']);
  expect(edited.ends['read']!.why.join()).toMatch(/data.*rows\.csv/);
  project.write({ 'data/tree/deep/two.txt': 'TWO' });
  expect((await watchRun(['pipe.ts#Class'], options)).by.completed).toEqual(['literal', 'walk']);
  // A directory holds names as well as contents.
  renameSync(project.path('data/tree/one.txt'), project.path('data/tree/uno.txt'));
  expect((await watchRun(['pipe.ts#Class'], options)).by.completed).toEqual(['literal', 'walk']);
});

test('a path on the command line counts from the invoking directory, and another name is another value', async () => {
  const project = scratch(FILES);
  mkdirSync(project.path('below'));
  writeFileSync(project.path('below/mine.csv'), 'mine');
  writeFileSync(project.path('below/other.csv'), 'mine');
  const options = { cwd: project.path('below') };
  const run = await watchRun(['../pipe.ts#controller', '--param', 'data=mine.csv'], options);
  expect(run.by).toEqual({ completed: ['read'] });
  expect(await query(['get', 'latest', 'read'], options)).toBe('mine');
  const renamed = await watchRun(['../pipe.ts#controller', '--param', 'data=other.csv'], options);
  expect(renamed.by).toEqual({ completed: ['read'] });
  const absolute = await watchRun(
    ['pipe.ts#controller', '--param', `data=${project.path('below/mine.csv')}`],
    {
      cwd: project.directory,
    },
  );
  expect(absolute.by).toEqual({ cached: ['read'] });
});

test('files in a pipeline function', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  await watchRun(['pipe.ts#calls'], options);
  expect(await query(['get', 'latest', 'read'], options)).toBe('a,b\n1,2\n');
  expect(await query(['get', 'latest', 'read_1'], options)).toBe('one');
  project.write({ 'data/rows.csv': 'new' });
  expect((await watchRun(['pipe.ts#calls'], options)).by).toEqual({
    cached: ['read_1'],
    completed: ['read'],
  });
});

test('a file that is not there, or is a directory, is an error that names it', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  for (const [path, message] of [
    ['data/missing.csv', 'there is no file data/missing.csv'],
    ['data/tree', 'data/tree is a directory, and the parameter takes a file'],
  ] as const) {
    const run = await runPipeline(['pipe.ts#controller', '--param', `data=${path}`], options);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(`--param data: ${message}`)]);
  }
});
