import type { StepStart } from '@run-pipeline/core/model';
import { expect, test } from 'vitest';
import { fleet } from '../../rig/agents.js';
import { draft, LIVE, taskOf } from '../../rig/templates.js';
import { watchRun } from '../../rig/warm.js';

const FILES = {
  ...LIVE,
  'data.ts': `import { task, parameter } from './live';
await task.setProgress(50);
await task.addTags('told');
task.connect({ size: 0, seed: 7 });
task.logger.reportSingleValue('rows', Number(parameter('size')));
await task.uploadArtifact('rows', Array.from({ length: Number(parameter('size')) }, (_, index) => index));
console.log('on an agent');
`,
  'pipe.ts': `import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'queued', project: 'examples' });
pipe.addStep({ name: 'data', baseTaskName: 'data', cacheExecutedStep: true, parameterOverride: { 'General/size': 3 }, monitorMetrics: ['rows'],
  postExecuteCallback: (_pipe, node) => console.log([node.name, node.status, node.queue, node.baseTaskId].join(' ')) });
pipe.addStep({ name: 'sum', baseTaskName: 'data', parameterOverride: { 'General/size': '$<data.rows.2>' }, parents: ['data'] });
pipe.addFunctionStep({ name: 'reader', function: (rows: number[], seed: number) => rows.length * seed, functionKwargs: { rows: '$<data.rows>', seed: '$<data.parameters.General/seed>' } });
export default pipe;
`,
};

test('on an agent a step from a task is what it is here', async () => {
  const it = await fleet(FILES);
  const base = await draft(it.files, { file: 'data.ts', name: 'data' });
  const agent = await it.agent();
  const options = { cwd: it.files.directory };
  const run = await watchRun(['pipe.ts', '--queue', 'default'], options);
  expect(run).toMatchObject({ code: 0, by: { completed: ['data', 'reader', 'sum'] } });
  const id = run.events[0]!.run;
  const starts = run.events.filter(
    (event): event is StepStart & (typeof run.events)[number] => event.type === 'step.start',
  );
  expect(starts.map(({ step, agent: by }) => [step, by !== undefined])).toEqual(
    expect.arrayContaining([
      ['data', true],
      ['sum', true],
      ['reader', true],
    ]),
  );
  expect(run.ends['data']).toMatchObject({ artifacts: [{ name: 'rows', preview: '[0, 1, 2]' }] });
  expect(run.ends['sum']).toMatchObject({ artifacts: [{ name: 'rows', preview: '[0, 1]' }] });
  expect(run.ends['reader']).toMatchObject({ artifacts: [{ preview: '21' }] });
  expect(run.stderr).toContain('on an agent');
  expect(run.stderr).toContain(`data completed default ${base.id}`);
  expect(run.events.filter(({ type }) => type === 'run.report')).toMatchObject([
    { from: 'data', report: { name: 'rows', value: 3 } },
  ]);
  expect(await taskOf(it.files, `${id}.data`)).toMatchObject({
    status: 'completed',
    parent: base.id,
    run: id,
    step: 'data',
    queue: 'default',
    progress: 50,
    tags: ['told'],
    parameters: { General: { size: { json: 3 }, seed: { json: 7 } } },
  });
  expect(await taskOf(it.files, base.id)).toEqual(base);
  expect(
    (await it.project.store.readTaskArtifacts(`${id}.data` as never)).map(({ record }) => record.name),
  ).toEqual(['rows']);
  // What an agent executed is a hit for a run that executes itself.
  agent.kill('SIGTERM');
  await agent.ended;
  const again = await watchRun(['pipe.ts'], options);
  expect(again).toMatchObject({ code: 0, by: { cached: ['data'] } });
  expect(again.ends['data']).toMatchObject({ task: `${id}.data` });
});

test('left to an agent with its controller, a run clones the tasks that there were when it was left', async () => {
  const it = await fleet(FILES);
  const base = await draft(it.files, { file: 'data.ts', name: 'data' });
  await it.agent(['--queue', 'default', 'services']);
  const options = { cwd: it.files.directory };
  const run = await watchRun(['pipe.ts', '--remote', '--queue', 'default'], options);
  expect({ code: run.code, by: run.by, stderr: run.stderr }).toMatchObject({
    code: 0,
    by: { completed: ['data', 'reader', 'sum'] },
  });
  const id = run.events[0]!.run;
  expect(await taskOf(it.files, `${id}.data`)).toMatchObject({
    status: 'completed',
    parent: base.id,
    run: id,
  });
  expect(run.events.filter(({ type }) => type === 'run.report')).toMatchObject([{ from: 'data' }]);
  expect(await taskOf(it.files, base.id)).toEqual(base);
});
