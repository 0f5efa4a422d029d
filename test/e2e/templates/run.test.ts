import { expect, test } from 'vitest';
import { scratch } from '../../rig/scratch.js';
import { draft, LIVE, taskOf } from '../../rig/templates.js';
import { watchRun } from '../../rig/warm.js';

const FILES = {
  ...LIVE,
  'data.ts': `import { task } from './live';
await task.uploadArtifact('dataset', [1, 2, 3, 4]);
console.log('staged');
`,
  'process.ts': `import { task, parameter } from './live';
console.log(parameter('dataset_url'), parameter('test_size'));
await task.uploadArtifact('X_train', [parameter('test_size'), String(parameter('dataset_url')).slice(0, 18)]);
`,
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'from tasks', project: 'examples' });
pipe.addStep({ name: 'stage_data', baseTaskName: 'step 1', cacheExecutedStep: true });
pipe.addStep({
  name: 'stage_process',
  baseTaskName: 'step 2',
  cacheExecutedStep: true,
  parameterOverride: { 'General/dataset_url': '$<stage_data.artifacts.dataset.url>', 'General/test_size': 0.25 },
});
pipe.addFunctionStep({ name: 'count', function: (rows: unknown[], id: string) => [...rows, id], functionKwargs: { rows: '$<stage_process.X_train>', id: '$<stage_process.id>' } });
await pipe.start();
`,
};

test('a step from a task executes a clone with the overrides, and the task stays as it is', async () => {
  const project = scratch(FILES);
  const one = await draft(project, { file: 'data.ts', name: 'step 1' });
  const parameters = { General: { test_size: { json: 0.2 }, random_state: { json: 42 } } };
  const two = await draft(project, {
    file: 'process.ts',
    name: 'step 2',
    edit: { parameters, tags: ['base'] },
  });
  const run = await watchRun(['pipe.ts'], { cwd: project.directory });
  expect(run).toMatchObject({ code: 0, by: { completed: ['count', 'stage_data', 'stage_process'] } });

  const id = run.events[0]!.run;
  const dataset = run.ends['stage_data']!.artifacts[0]!;
  expect(run.ends['count']!.artifacts[0]!.preview).toBe(
    `[0.25, "${dataset.url.slice(0, 18)}", "${id}.stage_process"]`,
  );
  expect(await taskOf(project, one.id)).toEqual(one);
  expect(await taskOf(project, two.id)).toEqual(two);
  expect(await taskOf(project, `${id}.stage_process`)).toMatchObject({
    project: 'examples',
    name: 'step 2',
    status: 'completed',
    parent: two.id,
    run: id,
    step: 'stage_process',
    tags: ['base'],
    attempt: 1,
    script: two.script,
    parameters: {
      General: { test_size: { json: 0.25 }, random_state: { json: 42 }, dataset_url: { json: dataset.url } },
    },
  });

  const again = await watchRun(['pipe.ts'], { cwd: project.directory });
  expect(again).toMatchObject({
    code: 0,
    by: { cached: ['stage_data', 'stage_process'], completed: ['count'] },
  });
  expect(again.ends['stage_process']).toMatchObject({ cachedFrom: id, task: `${id}.stage_process` });
  expect(again.ends['count']!.artifacts).toMatchObject([{ hash: run.ends['count']!.artifacts[0]!.hash }]);
});

test('the graph that the controller tells is the one that runs', async () => {
  const project = scratch({ ...FILES, 'pipe.ts': FILES['pipe.ts'].replace('await pipe.start', DAG) });
  await draft(project, { file: 'data.ts', name: 'step 1' });
  await draft(project, { file: 'process.ts', name: 'step 2' });
  const run = await watchRun(['pipe.ts'], { cwd: project.directory });
  const [first] = run.events;
  const dag = /^dag (.*)$/m.exec(run.stderr)?.[1];
  expect(first?.type === 'run.start' && first.steps).toEqual(JSON.parse(dag!));
});
const DAG = `console.log('dag ' + JSON.stringify([...pipe.getPipelineDag().values()]));\nawait pipe.start`;
