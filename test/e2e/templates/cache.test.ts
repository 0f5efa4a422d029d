import Database from 'libsql';
import { expect, test } from 'vitest';
import { type RunWatched } from '../../rig/command.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { draft, LIVE, taskOf, withState } from '../../rig/templates.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';
import { collectGarbage, readPackage } from '../../rig/engine.js';

const DATA = `import { task, parameter } from './live';
import { scale } from './scale';
task.connect({ seed: 7 });
await task.uploadArtifact('rows', [scale(Number(parameter('size'))), task.getConfiguration('model') ?? null]);
`;
const FILES = {
  ...LIVE,
  'data.ts': DATA,
  'scale.ts': 'export const scale = (size: number): number => size * 10;\n',
};

interface Steps {
  readonly data?: string;
  readonly more?: string;
}
const pipe = ({ data = '', more = '' }: Steps = {}): Record<string, string> => ({
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'cached', project: 'examples', addPipelineTags: true });
pipe.addParameter({ name: 'size', default: 2 });
pipe.addStep({ name: 'data', baseTaskName: 'data', cacheExecutedStep: true, ${data} });
${more}
export default pipe;
`,
});

const makeDraft = (project: Scratch, edit: object = {}) =>
  draft(project, {
    file: 'data.ts',
    name: 'data',
    edit: { parameters: { General: { size: { json: 1 }, unused: { json: 'x' } } }, ...edit },
  });

interface Planned {
  readonly steps: readonly {
    readonly name: string;
    readonly action: string;
    readonly reasons: readonly string[];
  }[];
}

test('what changes the result of a step from a task is a miss that names it, and nothing else is', async () => {
  const project = scratch({ ...FILES, ...pipe() });
  const options = { cwd: project.directory };
  await makeDraft(project);
  const run = (): Promise<RunWatched> => watchRun(['pipe.ts'], options);
  /** `plan` says it before, `why` afterwards. */
  const misses = async (...reasons: readonly string[]): Promise<void> => {
    const plan = await query<Planned>(['plan', 'pipe.ts'], options);
    expect(plan.steps[0]).toEqual({ name: 'data', action: 'run', reasons });
    const { code, ends } = await run();
    expect({ code, status: ends['data']!.status, why: ends['data']!.why }).toEqual({
      code: 0,
      status: 'completed',
      why: reasons,
    });
    expect((await query<{ why: readonly string[] }>(['why', 'latest', 'data'], options)).why).toEqual(
      reasons,
    );
  };
  const hits = async (): Promise<void> => {
    expect((await query<Planned>(['plan', 'pipe.ts'], options)).steps[0]).toMatchObject({ action: 'cached' });
    expect((await run()).by).toEqual({ cached: ['data'] });
  };
  await misses('it has not run before');
  await hits();

  project.write(pipe({ data: `parameterOverride: { 'General/size': 3 }` }));
  await misses('parameter General/size 1 -> 3');
  // From elsewhere, and the same.
  project.write(pipe({ data: `parameterOverride: { 'General/size': '$<pipeline.size>' }` }));
  await misses('parameter General/size 3 -> 2 ($<pipeline.size>)');
  project.write(pipe({ data: `parameterOverride: { 'General/size': 2 }` }));
  await hits();
  // With the value that the task has itself it is the run without an override.
  project.write(pipe({ data: `parameterOverride: { 'General/size': 1 }` }));
  await hits();
  project.write(pipe({ data: `configurationOverrides: { model: { depth: 3 } }` }));
  await misses('configuration model is new');
  project.write(pipe({ data: `parameterOverride: { 'Other/size': null }` }));
  await misses('parameter Other/size is new', 'configuration model was removed');

  // What people find a task by does not count, on the clone or on its base.
  project.write(
    pipe({
      data: `taskOverrides: { name: 'other', project: 'elsewhere', comment: 'c', type: 'qc', tags: ['t'] }, tags: ['u']`,
    }),
  );
  await hits();
  await makeDraft(project, {
    tags: ['new'],
    comment: 'new',
    parameters: { General: { size: { json: 1 }, unused: { json: 'x' } } },
  });
  project.write(pipe());
  await hits();
  await makeDraft(project, { parameters: { General: { size: { json: 1 }, unused: { json: 'y' } } } });
  await misses('parameter General/unused "x" -> "y"');
  // Text that was given on a command line is understood as the type of a default: it is another value.
  await makeDraft(project, {
    parameters: { General: { size: { json: '1', text: true }, unused: { json: 'y' } } },
  });
  await misses('parameter General/size 1 -> "1"');

  project.write({ 'scale.ts': 'export const scale = (size: number): number => size * 100;\n' });
  await hits();
  await makeDraft(project, {
    parameters: { General: { size: { json: '1', text: true }, unused: { json: 'y' } } },
  });
  await misses('`scale` (scale.ts:1) changed');
  expect((await watchRun(['pipe.ts', '--refresh=data'], options)).by).toEqual({ completed: ['data'] });
});

test('a key stands for the overrides, not for what the task has itself', async () => {
  const project = scratch({
    ...FILES,
    ...pipe({ data: `parameterOverride: { 'General/size': '$<pipeline.size>' }` }),
  });
  const options = { cwd: project.directory };
  const keyed = `parameterOverride: { 'General/size': '$<pipeline.size>' }, cacheExecutedStep: { key: (inputs: any) => inputs['General/size'] > 1 }`;
  project.write({ 'pipe.ts': pipe({ data: keyed })['pipe.ts']!.replace('cacheExecutedStep: true, ', '') });
  await makeDraft(project);
  const status = async (size: number) =>
    (await watchRun(['pipe.ts', '--param', `size=${size}`], options)).ends['data']!.status;
  expect(await status(2)).toBe('completed');
  expect(await status(5)).toBe('cached');
  expect(await status(1)).toBe('completed');
  await makeDraft(project, { parameters: { General: { size: { json: 1 }, unused: { json: 'y' } } } });
  expect(await status(5)).toBe('completed');
});

const READER = `pipe.addFunctionStep({
  name: 'reader',
  function: (id: string, seed: number, size: number, url: string) => [id, seed, size, url],
  functionKwargs: { id: '$<data.id>', seed: '$<data.parameters.General/seed>', size: '$<data.parameters.General/size>', url: '$<data.artifacts.rows.url>' },
});`;

test('of a cached step the id is that of the task that was executed, with all that it connected', async () => {
  const project = scratch({
    ...FILES,
    ...pipe({ data: `parameterOverride: { 'General/size': 3 }`, more: READER }),
  });
  const options = { cwd: project.directory };
  await makeDraft(project);
  const first = await watchRun(['pipe.ts'], options);
  expect(first.code).toBe(0);
  const id = `${first.events[0]!.run}.data`;
  const read = async () => query(['get', 'latest', 'reader'], options);
  const values = [id, 7, 3, first.ends['data']!.artifacts[0]!.url];
  expect(await read()).toEqual(values);
  expect(await taskOf(project, id)).toMatchObject({
    tags: ['pipe: cached'],
    parameters: { General: { size: { json: 3 }, seed: { json: 7 }, unused: { json: 'x' } } },
  });

  for (const _ of [1, 2]) {
    const again = await watchRun(['pipe.ts'], options);
    expect(again.ends['data']).toMatchObject({ status: 'cached', task: id });
    expect(await read()).toEqual(values);
    // Its run goes, the task stays as long as the cache knows it.
    await withState(project, (state) => collectGarbage(state, { keepRuns: 1, graceMs: 0, dryRun: false }));
    expect(await taskOf(project, id)).toMatchObject({ status: 'completed', run: undefined });
  }
});

test('gc keeps the package that a task names, and takes that of no task', async () => {
  const project = scratch({ ...FILES, ...pipe() });
  const { id, script } = await makeDraft(project);
  await watchRun(['pipe.ts'], { cwd: project.directory });
  const gc = (policy: object) =>
    withState(project, (state) => collectGarbage(state, { graceMs: 0, dryRun: false, ...policy }));
  const isThere = () =>
    withState(project, async (state) => readPackage(state, script!.package!) !== undefined);
  expect(await gc({ keepRuns: 0 })).toMatchObject({ runs: 1, packages: 0 });
  expect(await isThere()).toBe(true);
  // The draft goes, but not what the cache knows.
  await withState(project, ({ store }) => store.abortTask(id, 'not wanted'));
  expect(await gc({ keepRuns: 0 })).toMatchObject({ packages: 0 });
  expect(await isThere()).toBe(true);
  expect(await gc({ maxAgeMs: 0 })).toMatchObject({ cacheEntries: 1, packages: 1 });
  expect(await isThere()).toBe(false);
});

test('a cached result whose task is gone is a miss with that reason', async () => {
  const project = scratch({ ...FILES, ...pipe() });
  const options = { cwd: project.directory };
  await makeDraft(project);
  const { events } = await watchRun(['pipe.ts'], options);
  const state = new Database(project.path('.run-pipeline', 'state.db'));
  state.prepare('DELETE FROM task_records WHERE id = ?').run(`${events[0]!.run}.data`);
  state.close();
  const { ends } = await watchRun(['pipe.ts'], options);
  expect(ends['data']).toMatchObject({
    status: 'completed',
    why: ['the task that made its cached result has been removed'],
  });
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ cached: ['data'] });
});

test('a step that connects a file as its configuration is not cached, unless the file is an asset', async () => {
  const project = scratch({
    ...pipe(),
    'data.ts': `import { Task } from 'run-pipeline';
import { currentTask } from 'run-pipeline';
import { readFileSync } from 'node:fs';
const task = await Task.init({ project: 'examples', name: 'data' });
const file = task.getParameter('asset') === true ? currentTask().assetPath('labels.txt') : 'labels.txt';
await task.uploadArtifact('rows', readFileSync(task.connectConfiguration(file, { name: 'labels' }), 'utf8'));
`,
    'labels.txt': 'a',
  });
  const options = { cwd: project.directory };
  const create = [
    'task',
    'create',
    'data.ts',
    '--project',
    'examples',
    '--name',
    'data',
    '--asset',
    'labels.txt',
  ];
  expect((await runPipeline(create, options)).code).toBe(0);
  expect((await watchRun(['pipe.ts'], options)).ends['data']!.why).toEqual([
    'it has not run before',
    'its result is not cached: connectConfiguration reads labels.txt, which may change',
  ]);
  project.write({ 'labels.txt': 'b' });
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ completed: ['data'] });
  expect(await query(['get', 'latest', 'data.rows'], options)).toBe('b');
  project.write(pipe({ data: `parameterOverride: { 'General/asset': true }` }));
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ completed: ['data'] });
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ cached: ['data'] });
  expect(await query(['get', 'latest', 'data.rows'], options)).toBe('a');
  // A text from outside is an input like any other.
  project.write(pipe({ data: `configurationOverrides: { labels: 'c' }` }));
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ completed: ['data'] });
  expect((await watchRun(['pipe.ts'], options)).by).toEqual({ cached: ['data'] });
});
