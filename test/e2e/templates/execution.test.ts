import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Controller } from '../../rig/crash.js';
import { scratch, type Scratch } from '../../rig/scratch.js';
import { draft, LIVE, taskOf, withState } from '../../rig/templates.js';
import { TRACE } from '../../rig/steps.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const FILES = { ...LIVE, ...TRACE };
const pipe = (steps: string): Record<string, string> => ({
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
import { trace } from './trace';
const pipe = new PipelineController({ name: 'executed', project: 'examples' });
pipe.addParameter({ name: 'lr', default: 0.5 });
${steps}
export default pipe;
`,
});
const traced = (project: Scratch): readonly string[] =>
  existsSync(project.path('trace.txt'))
    ? readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n')
    : [];
const artifactsOf = (project: Scratch, id: string) =>
  withState(project, async ({ store }) =>
    (await store.readTaskArtifacts(id as never)).map(({ record }) => record.name),
  );

/** Fails as often as the file says, and uploads another artifact each time. */
const FLAKY = `import { task, parameter } from './live';
import { trace } from './trace';
trace('attempt ' + task.attempt);
await task.setProgress(task.attempt * 10);
await task.uploadArtifact('of_' + task.attempt, task.attempt);
if (task.attempt <= Number(parameter('failures') ?? 0)) throw new RangeError('attempt ' + task.attempt);
`;

test('a failing step is executed again as often as asked; the record is that of the last attempt', async () => {
  const project = scratch({ ...FILES, 'flaky.ts': FLAKY });
  const options = { cwd: project.directory };
  await draft(project, { file: 'flaky.ts', name: 'flaky' });
  project.write(
    pipe(
      `pipe.addStep({ name: 'flaky', baseTaskName: 'flaky', retryOnFailure: 2, parameterOverride: { 'General/failures': 2 } });`,
    ),
  );
  const run = await watchRun(['pipe.ts'], options);
  expect(run.ends['flaky']).toMatchObject({ status: 'completed', attempt: 3, artifacts: [{ name: 'of_3' }] });
  const id = `${run.events[0]!.run}.flaky`;
  expect(await taskOf(project, id)).toMatchObject({
    status: 'completed',
    attempt: 3,
    progress: 30,
    error: undefined,
  });
  expect(await artifactsOf(project, id)).toEqual(['of_3']);
  expect(traced(project)).toEqual(['attempt 1', 'attempt 2', 'attempt 3']);

  project.write(
    pipe(`pipe.addStep({ name: 'flaky', baseTaskName: 'flaky', parameterOverride: { 'General/failures': 9 },
  retryOnFailure: (_pipe, node, retries) => { trace([node.name, node.status, node.attempt, node.baseTaskId !== undefined, retries].join(' ')); return retries < 1; } });
pipe.addStep({ name: 'after', baseTaskName: 'flaky', parents: ['flaky'] });
pipe.addStep({ name: 'beside', baseTaskName: 'flaky' });`),
  );
  const failed = await watchRun(['pipe.ts', '--concurrency', '1'], options);
  expect(failed).toMatchObject({
    code: 1,
    by: { failed: ['flaky'], skipped: ['after'], completed: ['beside'] },
  });
  expect(failed.ends['flaky']!.error).toMatchObject({
    name: 'RangeError',
    message: 'attempt 2',
    at: 'flaky.ts:6:63',
  });
  const broken = `${failed.events[0]!.run}.flaky`;
  expect(await taskOf(project, broken)).toMatchObject({
    status: 'failed',
    attempt: 2,
    error: { name: 'RangeError', message: 'attempt 2' },
  });
  expect(await artifactsOf(project, broken)).toEqual(['of_2']);
  expect(traced(project).filter((line) => line.startsWith('flaky'))).toEqual([
    'flaky running 1 true 0',
    'flaky running 2 true 1',
  ]);
});

test('a step that takes too long is aborted, a busy one too; children may run with the values of their own task', async () => {
  const project = scratch({
    ...FILES,
    'busy.ts': `import './live';\nfor (;;);\n`,
    'child.ts': `import { task } from './live';\nawait task.uploadArtifact('given', task.getParameters());\n`,
    ...pipe(`
pipe.addStep({ name: 'busy', baseTaskName: 'busy', timeLimit: 1, continueBehaviour: { continueOnAbort: true, skipChildrenOnAbort: false } });
pipe.addStep({ name: 'child', baseTaskName: 'child', parameterOverride: {
  'General/rows': '$<busy.rows>', 'General/url': '$<busy.artifacts.rows.url>', 'General/lr': '$<busy.parameters.General/lr>', 'General/all': ['$<busy.rows>', 1] } });
pipe.addStep({ name: 'skipped', baseTaskName: 'busy', timeLimit: 1, parents: ['child'], preExecuteCallback: () => false });`),
  });
  await draft(project, { file: 'busy.ts', name: 'busy' });
  await draft(project, {
    file: 'child.ts',
    name: 'child',
    edit: { parameters: { General: { rows: { json: 'default' } } } },
  });
  const run = await watchRun(['pipe.ts'], { cwd: project.directory, env: { RUN_PIPELINE_GRACE_MS: '200' } });
  expect(run).toMatchObject({
    code: 0,
    by: { aborted: ['busy'], completed: ['child'], skipped: ['skipped'] },
  });
  expect(run.ends['busy']!.error).toMatchObject({ code: 'timeout' });
  const id = run.events[0]!.run;
  expect(await taskOf(project, `${id}.busy`)).toMatchObject({
    status: 'aborted',
    error: { code: 'timeout' },
  });
  expect((await taskOf(project, `${id}.child`)).parameters).toMatchObject({
    General: { rows: { json: 'default' }, all: { json: [null, 1] } },
  });
  expect(Object.keys((await taskOf(project, `${id}.child`)).parameters['General']!)).toEqual(['rows', 'all']);
});

test('fields of the clone are overridden, with references in text, and nothing of the task itself changes', async () => {
  const project = scratch({
    ...FILES,
    'data.ts': `import { task } from './live';
await task.uploadArtifact('told', [task.name, task.project, task.type, task.tags, task.getConfiguration('model')]);\n`,
    ...pipe(`
pipe.addFunctionStep({ name: 'made', function: () => ({ layers: [3, 4], day: 'monday' }) });
pipe.addStep({
  name: 'data', baseTaskName: 'data', tags: ['step'],
  configurationOverrides: { model: '$<made.result.layers>', text: 'depth: $<pipeline.lr>' },
  taskOverrides: { name: 'trained with $<pipeline.lr>', project: 'clones', comment: '$<made.result.day>', type: 'training', tags: ['$<pipeline.lr>', 'x'] },
});`),
  });
  const options = { cwd: project.directory };
  const base = await draft(project, {
    file: 'data.ts',
    name: 'data',
    edit: { tags: ['base'], comment: 'as it was' },
  });
  const run = await watchRun(['pipe.ts'], options);
  expect(run.code).toBe(0);
  expect(await taskOf(project, `${run.events[0]!.run}.data`)).toMatchObject({
    name: 'trained with 0.5',
    project: 'clones',
    comment: 'monday',
    type: 'training',
    tags: ['0.5', 'x', 'step'],
    configurations: { model: { json: [3, 4] }, text: { json: 'depth: 0.5' } },
  });
  expect(await query(['get', 'latest', 'data'], options)).toEqual([
    'trained with 0.5',
    'clones',
    'training',
    ['0.5', 'x', 'step'],
    [3, 4],
  ]);
  expect(await taskOf(project, base.id)).toEqual(base);
});

test('cloneBaseTask: false executes the draft itself, once', async () => {
  const project = scratch({
    ...FILES,
    'data.ts': `import { task } from './live';\nawait task.uploadArtifact('own', task.id);\n`,
    ...pipe(`pipe.addStep({ name: 'data', baseTaskName: 'data', cloneBaseTask: false, cacheExecutedStep: true, parameterOverride: { 'General/lr': '$<pipeline.lr>' } });
pipe.addFunctionStep({ name: 'reader', function: (id: string, lr: number) => [id, lr], functionKwargs: { id: '$<data.id>', lr: '$<data.parameters.General/lr>' } });`),
  });
  const options = { cwd: project.directory };
  const base = await draft(project, { file: 'data.ts', name: 'data' });
  const run = await watchRun(['pipe.ts'], options);
  expect(run).toMatchObject({ code: 0, by: { completed: ['data', 'reader'] } });
  const id = run.events[0]!.run;
  expect(run.ends['data']).toMatchObject({ task: base.id, artifacts: [{ preview: `"${base.id}"` }] });
  expect(run.events.find((event) => event.type === 'step.start')).toMatchObject({
    step: 'data',
    task: base.id,
  });
  expect(await query(['get', 'latest', 'reader'], options)).toEqual([base.id, 0.5]);
  expect(await taskOf(project, base.id)).toMatchObject({
    status: 'completed',
    run: id,
    step: 'data',
    parent: undefined,
    parameters: { General: { lr: { json: 0.5 } } },
  });
  expect(await withState(project, ({ store }) => store.readTask(`${id}.data` as never))).toBeUndefined();
  // It is a step of a run now, so no name leads to it; and by its id it is no draft any more.
  const again = await runPipeline(['pipe.ts'], options);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('there is no task "data"')]);
  project.write({
    'pipe.ts': pipe('')['pipe.ts']!.replace(
      'export',
      `pipe.addStep({ name: 'data', baseTaskId: '${base.id}', cloneBaseTask: false });\nexport`,
    ),
  });
  const byId = await runPipeline(['pipe.ts'], options);
  expect([byId.code, byId.stderr]).toEqual([
    2,
    expect.stringContaining('is completed, and cloneBaseTask: false'),
  ]);
});

test('a missing artifact fails the run, and says what there is; a file is passed by its url', async () => {
  const project = scratch({
    ...FILES,
    'data.ts': `import { task } from './live';\nawait task.uploadArtifact('dataset', 'data.ts');\n`,
    ...pipe(`pipe.addStep({ name: 'data', baseTaskName: 'data' });
pipe.addStep({ name: 'a', baseTaskName: 'data', parameterOverride: { 'General/rows': '$<data.datset>' } });`),
  });
  const options = { cwd: project.directory };
  await draft(project, { file: 'data.ts', name: 'data' });
  const wrong: readonly (readonly [string, RegExp])[] = [
    [
      `'$<data.datset>'`,
      /a failed: \$<data\.datset> cannot be resolved: step data has no artifact "datset" \(did you mean "dataset"\?\): it has dataset/,
    ],
    [`'$<data.artifacts.datset.url>'`, /step data has no artifact "datset" \(did you mean "dataset"\?\)/],
    [`'$<data.result>'`, /step data has no artifact "result": it has dataset/],
    [`'$<data.parameters.General/lr>'`, /step data has no parameter "General\/lr"/],
    [
      `'$<data.dataset>'`,
      /parameterOverride\["General\/rows"\]: \$<data\.dataset> is a file, and a parameter of a task is a value/,
    ],
  ];
  for (const [reference, message] of wrong) {
    project.write({
      'pipe.ts': pipe(`pipe.addStep({ name: 'data', baseTaskName: 'data' });
pipe.addStep({ name: 'a', baseTaskName: 'data', parameterOverride: { 'General/rows': ${reference} } });`)[
        'pipe.ts'
      ]!,
    });
    const run = await watchRun(['pipe.ts'], options);
    expect(run).toMatchObject({ code: 1, by: { completed: ['data'], failed: ['a'] } });
    expect(run.stderr).toMatch(message);
  }
  project.write(
    pipe(`pipe.addStep({ name: 'data', baseTaskName: 'data' });
pipe.addStep({ name: 'a', baseTaskName: 'data', parameterOverride: { 'General/url': '$<data.artifacts.dataset.url>' } });`),
  );
  expect((await watchRun(['pipe.ts'], options)).code).toBe(0);
});

test('a step that was about to start when its run was stopped leaves no draft behind', async () => {
  const project = scratch({
    ...FILES,
    'slow.ts': `import './live';\nimport { trace } from './trace';\ntrace('slow');\nawait new Promise((done) => setTimeout(done, 60_000));\n`,
    ...pipe(
      `pipe.addStep({ name: 'one', baseTaskName: 'slow' });\npipe.addStep({ name: 'two', baseTaskName: 'slow' });`,
    ),
  });
  await draft(project, { file: 'slow.ts', name: 'slow' });
  const controller = new Controller(['pipe.ts', '--concurrency', '1'], {
    cwd: project.directory,
    env: { RUN_PIPELINE_GRACE_MS: '200' },
  });
  const start = await controller.printed((event) => event.type === 'step.start');
  controller.kill('SIGINT');
  expect((await controller.ended).code).toBe(130);
  for (const step of ['one', 'two'])
    expect(await taskOf(project, `${start!.run}.${step}`)).toMatchObject({ status: 'aborted' });
});
