import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inJavaScript } from '../../rig/javascript.js';
import { elsewhere } from './elsewhere.js';
import { collectGarbage } from '../../rig/engine.js';

const NPM = { 'is-odd': '3.0.1', libsql: '0.5.29', 'yocto-queue': '1.2.1' };

/** CommonJS, native, and one that only the body of the pipeline function uses. */
const LOOP = {
  'pipe.ts': `
import { pipeline, step } from 'run-pipeline';
import isOdd from 'is-odd';
import Database from 'libsql';
import Queue from 'yocto-queue';
import { gate, trace } from './marks.js';

const two = new Database(':memory:').prepare('select 1 + 1 as two').get().two as number;
const half = step(async (n: number) => { trace('half ' + n); if (n === 8) await gate(); return n / 2; });
const last = step(async (numbers: number[]) => { trace('last'); return numbers.map((n) => isOdd(n)); });

export const loop = pipeline(
  { name: 'loop', project: 'elsewhere', parameters: { start: 16 } },
  async ({ start }) => {
    const seen = new Queue<number>();
    for (let n = start; n % two === 0;) {
      n = await half(n);
      seen.enqueue(n);
    }
    return last([...seen]);
  },
);
`,
};

test('a controller with npm imports runs where nothing of its project is, and the next agent continues it', async () => {
  const it = await elsewhere(LOOP, { install: NPM });
  const { id } = await it.launch(['pipe.ts', '--remote']);
  const first = await it.agent();
  await it.reached(id, 'half 8');
  const second = await it.agent();
  first.kill('SIGKILL');
  await second.told('task.start', id as never);
  it.openGate();
  await it.completed(id);
  expect(it.traces()).toEqual(['half 16', 'half 8', 'half 8', 'half 4', 'half 2', 'last']);
  expect(await it.value(id, 'last')).toEqual([false, false, false, true]);
}, 120_000);

/** More than what rides along in documents, so that it is a blob. */
const LONG = 'row\n'.repeat(10_000);

const CLASS = {
  'data/rows.csv': LONG,
  'data/more.csv': 'more',
  'data/empty/x': '',
  'words.txt': 'one two',
  'tool.sh': '#!/bin/sh\necho from the tool\n',
  'src/pipe.ts': `
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Parameter, Pipeline, Step, directory, file, type FileValue } from 'run-pipeline';
import { trace } from '../marks.js';

const words = readFileSync(new URL('../words.txt', import.meta.url), 'utf8').split(' ');

@Pipeline({ name: 'files', project: 'elsewhere', queue: 'default', cache: true })
export class Files {
  @Parameter({ type: 'file' })
  rows = 'data/rows.csv';

  @Parameter({ type: 'directory' })
  all = 'data';

  @Parameter()
  name = 'more';

  @Step({ inputs: ['$<pipeline.rows>'], returns: ['rows'] })
  count(rows: FileValue): { name: string; size: number } {
    trace('count');
    return { name: rows.name, size: readFileSync(rows.path).byteLength };
  }

  @Step({ inputs: ['$<pipeline.all>', file('data/$<pipeline.name>.csv'), directory('data')] })
  list(all: FileValue, more: FileValue, again: FileValue): string[] {
    return [...readdirSync(all.path).sort(), readFileSync(more.path, 'utf8'), String(readdirSync(again.path).length)];
  }

  @Step({ inputs: [file('tool.sh')], assets: ['../words.txt'] })
  run(tool: FileValue): string[] {
    return [...words, execFileSync('/bin/sh', ['-c', tool.path], { encoding: 'utf8' })];
  }
}
`,
};

test('files and directories of a class go with it, as they were, and so do the assets of its steps; here they are the same', async () => {
  const it = await elsewhere(CLASS);
  chmodSync(it.files.path('tool.sh'), 0o755);
  const { id } = await it.launch(['src/pipe.ts', '--remote']);
  // Nothing that the run needs is garbage.
  await collectGarbage(it.project, { dryRun: false, graceMs: 0 });
  await it.agent();
  await it.completed(id);
  expect(await it.value(id, 'count', 'rows')).toEqual({ name: 'rows.csv', size: LONG.length });
  expect(await it.value(id, 'list')).toEqual(['empty', 'more.csv', 'rows.csv', 'more', '3']);
  expect(await it.value(id, 'run')).toEqual(['one', 'two', 'from the tool\n']);
  // The parameters are shown as they were given.
  const [start] = await it.events(id);
  expect(start).toMatchObject({ parameters: { name: 'more' } });
  expect(JSON.stringify(start)).not.toContain(it.project.home);
  // A file has the fingerprint of its content, wherever it is.
  it.moveBack();
  const local = await it.run(['src/pipe.ts', '--local']);
  expect(local.by, local.stderr).toEqual({ cached: ['count', 'list', 'run'] });
});

test('a controller goes with callbacks that read files, text that names them, and steps from tasks', async () => {
  const it = await elsewhere({
    'rows.csv': 'a,b',
    'script.ts': `
import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'elsewhere', name: 'template' });
const args = task.connect({ n: 1 });
await task.uploadArtifact('made', args.n * 2);
`,
    'pipe.ts': `
import { readFileSync } from 'node:fs';
import { file, PipelineController, type FileValue } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'calls', project: 'elsewhere' });
pipe.addParameter({ name: 'rows', type: 'file', default: 'rows.csv' });
pipe.addFunctionStep({
  name: 'read',
  function: (csv: FileValue, text: string, more: number) => [readFileSync(csv.path, 'utf8'), text, more],
  functionKwargs: { csv: '$<pipeline.rows>', text: 'from $<pipeline.rows>', more: 0 },
  preExecuteCallback: (_pipe, _node, parameters) => {
    parameters['more'] = readFileSync(parameters['csv'] as string, 'utf8').length;
  },
});
pipe.addStep({ name: 'made', baseTaskProject: 'elsewhere', baseTaskName: 'template', parameterOverride: { 'General/n': '$<read.result.2>' } });
pipe.addFunctionStep({ name: 'last', function: (csv: FileValue, made: number) => [readFileSync(csv.path, 'utf8'), made], functionKwargs: { csv: file('rows.csv'), made: '$<made.made>' } });
`,
  });
  await it.command(['task', 'create', 'script.ts', '--project', 'elsewhere', '--name', 'template']);
  const path = it.files.path('rows.csv');
  const { id } = await it.launch(['pipe.ts', '--remote']);
  await it.agent();
  await it.completed(id);
  expect(await it.value(id, 'read')).toEqual(['a,b', `from ${path}`, 3]);
  expect(await it.value(id, 'last')).toEqual(['a,b', 6]);
});

test('the body of a pipeline function reads the files that it is given, also on the next agent', async () => {
  const it = await elsewhere({
    'sub/rows.csv': '1\n2\n3',
    'pipe.ts': `
import { readdirSync, readFileSync } from 'node:fs';
import { parameter, pipeline, step, type FileValue } from 'run-pipeline';
import { gate, trace } from './marks.js';
const add = step(async (n: number, csv: FileValue, path: string) => {
  trace('add ' + n);
  if (n === 2) await gate();
  return [n + readFileSync(csv.path, 'utf8').length, csv.name, path === csv.path];
});
export const reads = pipeline(
  { name: 'reads', project: 'elsewhere', parameters: { rows: parameter({ type: 'file', default: 'sub/rows.csv' }), all: parameter({ type: 'directory' }) } },
  async ({ rows, all }) => {
    const seen = readdirSync(all.path).includes('rows.csv');
    for (const line of readFileSync(rows.path, 'utf8').split('\\n')) await add(Number(line), rows, String(rows.path));
    return seen;
  },
);
`,
  });
  const { id } = await it.launch(['pipe.ts', '--remote', '--param', 'all=sub']);
  const first = await it.agent();
  await it.reached(id, 'add 2');
  const second = await it.agent();
  first.kill('SIGKILL');
  await second.told('task.start', id as never);
  it.openGate();
  await it.completed(id);
  expect(it.traces()).toEqual(['add 1', 'add 2', 'add 2', 'add 3']);
  expect(await it.value(id, 'add')).toEqual([6, 'rows.csv', false]);
});

test('what did not come along is named, at its place in the source, with what to do', async () => {
  const it = await elsewhere({
    'words.txt': 'one two',
    'late.txt': 'late',
    'top.ts': `
import { readFileSync } from 'node:fs';
import { pipeline, step } from 'run-pipeline';
const words = readFileSync(new URL('./words.txt', import.meta.url), 'utf8');
const one = step(async () => words);
export const top = pipeline({ name: 'top', project: 'elsewhere' }, async () => one());
`,
    'body.ts': `
import { readFileSync } from 'node:fs';
import { file, pipeline, step } from 'run-pipeline';
const one = step(async (csv: unknown) => csv);
export const reads = pipeline({ name: 'reads', project: 'elsewhere' }, async () => readFileSync('late.txt', 'utf8'));
export const gives = pipeline({ name: 'gives', project: 'elsewhere' }, async () => one(file('late.txt')));
export const fails = pipeline({ name: 'fails', project: 'elsewhere' }, async () => {
  throw new Error('not today');
});
`,
  });
  const top = await it.launch(['top.ts', '--remote'], { stay: true });
  const reads = await it.launch(['body.ts#reads', '--remote'], { stay: true });
  const fails = await it.launch(['body.ts#fails', '--remote'], { stay: true });
  const gives = await it.launch(['body.ts#gives', '--remote']);
  await it.agent();
  expect(await it.ended(top.id)).toMatchObject({ status: 'failed' });
  expect((await it.events(top.id)).at(-1)).toMatchObject({
    error: {
      code: 'file-elsewhere',
      message: expect.stringContaining(it.files.path('words.txt')) as string,
      at: expect.stringMatching(/top\.ts:4:15$/) as string,
    },
  });
  expect(await it.ended(reads.id)).toMatchObject({ status: 'failed' });
  expect((await it.events(reads.id)).at(-1)).toMatchObject({
    error: { code: 'file-elsewhere', message: expect.stringContaining(it.files.path('late.txt')) as string },
  });
  expect(await it.ended(gives.id)).toMatchObject({ status: 'failed' });
  expect((await it.events(gives.id)).find(({ type }) => type === 'step.end')).toMatchObject({
    error: {
      code: 'file-elsewhere',
      message: expect.stringContaining('file("late.txt") is not on this machine') as string,
    },
  });
  // Of any error the line of the source is shown, which is not there.
  expect(await it.ended(fails.id)).toMatchObject({ status: 'failed' });
  expect((await it.events(fails.id)).at(-1)).toMatchObject({
    error: {
      message: 'not today',
      at: 'body.ts:8:9',
      frame: expect.stringContaining("throw new Error('not today');") as string,
    },
  });
});

const DRAFT = {
  'rows.csv': LONG,
  'other.csv': 'other',
  'fixed.csv': 'fixed',
  'program.ts': `
import { readFileSync } from 'node:fs';
import { file, PipelineController, type FileValue } from 'run-pipeline';
const pipe = new PipelineController({ name: 'drafted', project: 'elsewhere' });
pipe.addParameter({ name: 'rows', type: 'file', default: 'rows.csv' });
pipe.addParameter({ name: 'more', type: 'file', default: 'rows.csv' });
pipe.addFunctionStep({
  name: 'both',
  function: (a: FileValue, b: FileValue, c: FileValue) => [a, b, c].map(({ path }) => readFileSync(path, 'utf8').length),
  functionKwargs: { a: '$<pipeline.rows>', b: '$<pipeline.more>', c: file('fixed.csv') },
});
const draft = await pipe.createDraft();
await draft.setParameter('more', 'other.csv');
await PipelineController.enqueue(draft);
console.log(draft.id);
`,
};

test('a draft that a program enqueues goes with the files that it names then; so does a clone of it', async () => {
  const it = await elsewhere(await inJavaScript(DRAFT));
  const id = (await it.program('program.js')).trim();
  await it.agent();
  await it.completed(id as never);
  expect(await it.value(id as never, 'both')).toEqual([LONG.length, 5, 5]);
  // Nothing of the project is here: what the run was launched with is.
  const clone = (await it.command(['task', 'clone', id, '--queue', 'services'])).trim();
  await it.completed(clone as never);
  expect(await it.value(clone as never, 'both')).toEqual([LONG.length, 5, 5]);
});

test('a program leaves a pipeline function to agents: its steps have the names of their variables there, too', async () => {
  const it = await elsewhere({
    'rows.csv': 'a,b',
    ...(await inJavaScript({
      'program.ts': `
import { readFileSync } from 'node:fs';
import { parameter, pipeline, run, step, type FileValue } from 'run-pipeline';
const read = step(async (csv: FileValue) => readFileSync(csv.path, 'utf8'));
const double = step(async (text: string) => text + text);
const both = pipeline(
  { name: 'both', project: 'elsewhere', parameters: { rows: parameter({ type: 'file', default: 'rows.csv' }) } },
  async ({ rows }) => double(read(rows)),
);
await run(both, { remote: 'services', queue: 'default', output: 'quiet' });
`,
    })),
  });
  const { id } = await it.startAndKill('program.js');
  await it.agent();
  await it.completed(id);
  expect(await it.value(id, 'read')).toBe('a,b');
  expect(await it.value(id, 'double')).toBe('a,ba,b');
});

test('the code of a controller that is not what was launched is not evaluated', async () => {
  const it = await elsewhere({
    'pipe.ts': `
import { pipeline, step } from 'run-pipeline';
import { trace } from './marks.js';
trace('evaluated');
const one = step(async () => 1);
export const small = pipeline({ name: 'small', project: 'elsewhere' }, async () => one());
`,
  });
  const { id } = await it.launch(['pipe.ts', '--remote']);
  const before = it.traces().length;
  it.damageValues('evaluated', 'Evaluated');
  await it.agent();
  expect(await it.ended(id)).toMatchObject({ status: 'failed' });
  expect((await it.events(id)).at(-1)).toMatchObject({ error: { code: 'launch-damaged' } });
  expect(it.traces()).toHaveLength(before);
});
