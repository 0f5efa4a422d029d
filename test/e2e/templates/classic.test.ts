import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fleet } from '../../rig/agents.js';
import { node, type RunWatched } from '../../rig/command.js';
import { repository, scratch, type Scratch } from '../../rig/scratch.js';
import { taskOf, withState } from '../../rig/templates.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

/** ClearML's "pipeline from tasks", as its users would write it. */
const FILES = {
  'step1.ts': `import { writeFileSync } from 'node:fs';
import { Task } from 'run-pipeline';
const task = await Task.init({ project: 'examples', name: 'pipeline step 1 dataset artifact' });
// A path that exists: the file is uploaded.
writeFileSync('dataset.json', JSON.stringify(Array.from({ length: 20 }, (_, index) => ({ x: index, y: index % 2 }))));
await task.uploadArtifact('dataset', 'dataset.json');
console.log('uploaded');
`,
  'step2.ts': `import { readFile } from 'node:fs/promises';
import { StorageManager, Task } from 'run-pipeline';
interface Row { x: number; y: number }
const task = await Task.init({ project: 'examples', name: 'pipeline step 2 process dataset' });
const args = { dataset_url: '', random_state: 42, test_size: 0.2 };
task.connect(args);
const rows = JSON.parse(await readFile(await StorageManager.getLocalCopy(args.dataset_url), 'utf8')) as Row[];
const split = Math.round(rows.length * (1 - args.test_size));
await task.uploadArtifact('X_train', rows.slice(0, split));
await task.uploadArtifact('X_test', rows.slice(split));
task.setProgress(100);
`,
  'step3.ts': `import { Task } from 'run-pipeline';
interface Row { x: number; y: number }
const task = await Task.init({ project: 'examples', name: 'pipeline step 3 train model' });
const args = { dataset_task_id: 'REPLACE_WITH_DATASET_TASK_ID' };
task.connect(args);
await task.executeRemotely();
const dataset = await Task.get<{ X_train: Row[]; X_test: Row[] }>({ id: args.dataset_task_id });
const train = await dataset.artifacts.X_train.get();
const testRows = await dataset.artifacts.X_test.get();
task.logger.reportScalar({ title: 'test', series: 'accuracy', value: testRows.length / (train.length + testRows.length), iteration: 1 });
await task.uploadArtifact('model', { rows: train.length, parent: dataset.id });
`,
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'pipeline demo', project: 'examples', version: '0.0.1', addPipelineTags: false });
pipe.addParameter({ name: 'test_size', default: 0.25 });
pipe.addStep({ name: 'stage_data', baseTaskProject: 'examples', baseTaskName: 'pipeline step 1 dataset artifact', cacheExecutedStep: true });
pipe.addStep({
  name: 'stage_process', parents: ['stage_data'],
  baseTaskProject: 'examples', baseTaskName: 'pipeline step 2 process dataset', cacheExecutedStep: true,
  parameterOverride: { 'General/dataset_url': '$<stage_data.artifacts.dataset.url>', 'General/test_size': '$<pipeline.test_size>' },
  preExecuteCallback: (_pipe, node, parameters) => { console.log('before ' + node.name + ' ' + Object.keys(parameters)); return true; },
  postExecuteCallback: (_pipe, node) => console.log('after ' + node.name + ' ' + node.status),
});
pipe.addStep({
  name: 'stage_train', parents: ['stage_process'],
  baseTaskProject: 'examples', baseTaskName: 'pipeline step 3 train model', cacheExecutedStep: true,
  parameterOverride: { 'General/dataset_task_id': '$<stage_process.id>' },
  monitorMetrics: [['test', 'accuracy']], monitorModels: ['model'],
});
await pipe.start();
`,
};
const NAMES = [
  'pipeline step 1 dataset artifact',
  'pipeline step 2 process dataset',
  'pipeline step 3 train model',
] as const;

const TSX = join(repository, 'node_modules/tsx/dist/cli.mjs');

const create = async (project: Scratch): Promise<void> => {
  for (const [index, name] of NAMES.entries()) {
    const args = ['task', 'create', `step${index + 1}.ts`, '--project', 'examples', '--name', name];
    const { code, stderr } = await runPipeline(args, { cwd: project.directory });
    expect({ code, stderr }).toMatchObject({ code: 0 });
  }
};
const templates = (project: Scratch) =>
  withState(project, ({ store }) => store.findTasks({ project: 'examples' }));

function check(run: RunWatched, testSize: number): void {
  expect([run.code, run.stderr]).toEqual([0, expect.anything()]);
  const id = run.events[0]!.run;
  expect(run.ends['stage_train']).toMatchObject({
    status: 'completed',
    artifacts: [{ name: 'model', preview: expect.stringContaining(`rows: ${20 - 20 * testSize}`) as string }],
  });
  expect(run.events.filter(({ type }) => type === 'run.report' || type === 'run.artifact')).toMatchObject([
    { from: 'stage_train', report: { title: 'test', series: 'accuracy', value: testSize } },
    { from: 'stage_train', artifact: { name: 'model' } },
  ]);
  expect(id).toBeDefined();
}

test('the classic three scripts, as drafts: overridden, executed, cached as far as that is sound', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  await create(project);
  const before = await templates(project);
  expect(before.map(({ status, parameters }) => [status, parameters])).toEqual(
    NAMES.map(() => ['created', {}]),
  );

  const run = await watchRun(['pipe.ts'], options);
  check(run, 0.25);
  const id = run.events[0]!.run;
  expect(run.stderr).toContain('before stage_process General/dataset_url,General/test_size');
  expect(run.stderr).toContain('after stage_process completed');
  expect(await templates(project)).toEqual(before);
  expect(await taskOf(project, `${id}.stage_process`)).toMatchObject({
    name: NAMES[1],
    status: 'completed',
    progress: 100,
    parameters: {
      General: {
        dataset_url: { json: run.ends['stage_data']!.artifacts[0]!.url },
        random_state: { json: 42 },
        test_size: { json: 0.25 },
      },
    },
  });
  // What reads through Task.get is not entered; its parent is a hit and known by the task that was executed.
  expect(run.ends['stage_train']!.why.at(-1)).toMatch(/its result is not cached: .*Task\.get/);
  const again = await watchRun(['pipe.ts'], options);
  check(again, 0.25);
  expect(again.by).toEqual({ cached: ['stage_data', 'stage_process'], completed: ['stage_train'] });
  expect(await query(['get', 'latest', 'stage_train'], options)).toEqual({
    rows: 15,
    parent: `${id}.stage_process`,
  });
  // The task of a cached step is the one that was executed, by whichever name it is asked for.
  const shown = await query(['task', 'show', `${again.events[0]!.run}.stage_process`], options);
  expect(shown).toMatchObject({ id: `${id}.stage_process`, status: 'completed' });
  const changed = await watchRun(['pipe.ts', '--param', 'test_size=0.5'], options);
  check(changed, 0.5);
  expect(changed.ends['stage_process']!.why).toEqual([
    'parameter General/test_size 0.25 -> 0.5 ($<pipeline.test_size>)',
  ]);
});

test('the tasks may also be those that running the scripts by hand left', async () => {
  const project = scratch(FILES);
  const options = { cwd: project.directory };
  for (const script of ['step1.ts', 'step3.ts']) {
    const { code, stderr } = await node([TSX, script], options);
    expect({ script, code, stderr }).toMatchObject({ code: 0 });
  }
  const made = await runPipeline(
    [
      'task',
      'create',
      'step2.ts',
      '--project',
      'examples',
      '--name',
      NAMES[1],
      '--arg',
      'General/test_size=0.9',
    ],
    options,
  );
  expect(made.code).toBe(0);
  const before = await templates(project);
  expect(before.map(({ name, status }) => [name, status])).toEqual([
    [NAMES[1], 'created'],
    [NAMES[2], 'created'],
    [NAMES[0], 'completed'],
  ]);
  check(await watchRun(['pipe.ts'], options), 0.25);
  expect(await templates(project)).toEqual(before);
});

test('on an agent in an empty directory it is the same', async () => {
  const it = await fleet(FILES);
  await create(it.files);
  const before = await templates(it.files);
  await it.agent();
  const run = await watchRun(['pipe.ts', '--queue', 'default'], { cwd: it.files.directory });
  check(run, 0.25);
  for (const event of run.events) if (event.type === 'step.start') expect(event.agent).toBeDefined();
  expect(await templates(it.files)).toEqual(before);
});
