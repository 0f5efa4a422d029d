import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { node } from '../rig/command.js';
import { scratch, type Scratch } from '../rig/scratch.js';
import { TRACE } from '../rig/steps.js';
import { query, runPipeline, watchRun } from '../rig/warm.js';

const traced = (project: Scratch): readonly string[] =>
  existsSync(project.path('trace.txt'))
    ? readFileSync(project.path('trace.txt'), 'utf8').trim().split('\n')
    : [];

const LIVE = {
  ...TRACE,
  'pipe.js': `
import { PipelineController } from 'run-pipeline';
import { appendFileSync } from 'node:fs';
const pipe = new PipelineController({ name: 'live' });
const tell = (node) => appendFileSync('trace.txt', node.name + ': ' + [pipe.getProcessedNodes(), pipe.getRunningNodes()]
  .map((nodes) => nodes.map(({ name, status, attempt }) => name + ' ' + status + ' ' + attempt).join(', ')).join(' | ') + '\\n');
pipe.addFunctionStep({ name: 'a', function: () => 1, statusChangeCallback: (_pipe, node) => { if (node.status === 'running') tell(node); } });
pipe.addFunctionStep({ name: 'b', function: (n) => n, functionKwargs: { n: '$<a.result>' }, preExecuteCallback: (_pipe, node) => tell(node) });
const run = await pipe.start();
const [first] = pipe.getProcessedNodes();
appendFileSync('trace.txt', [pipe.getProcessedNodes().length, pipe.getRunningNodes().length, first.executed === run.id + '.a', pipe.isSuccessful()].join(' ') + '\\n');
`,
};

test.each([
  ['run-pipeline', (project: Scratch) => runPipeline(['pipe.js'], { cwd: project.directory })],
  ['node', (project: Scratch) => node(['pipe.js'], { cwd: project.directory })],
])('by %s: callbacks see the nodes of the run as they are', async (_by, start) => {
  const project = scratch(LIVE);
  const { code, stderr } = await start(project);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [, before, after] = traced(project);
  expect([before, after]).toEqual(['b: a completed 1 | ', '2 0 true true']);
});

const TEMPLATES = {
  'pipe.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'from tasks', project: 'examples' });
pipe.addStep({ name: 'stage_data', baseTaskName: 'pipeline step 1 dataset artifact' });
pipe.addStep({
  name: 'stage_process',
  baseTaskName: 'pipeline step 2 process dataset',
  parameterOverride: { 'General/dataset_url': '$<stage_data.artifacts.dataset.url>', 'General/test_size': 0.25 },
});
pipe.addFunctionStep({ name: 'count', function: (rows: unknown) => [rows].length, functionKwargs: { rows: '$<stage_process.X_train>' } });
export default pipe;
`,
  'wrong.ts': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'wrong' });
pipe.addStep({
  name: 'stage_data',
  baseTaskName: 'x',
  parameterOverride: { dataset_url: 'y' } as never,
});
export default pipe;
`,
};

test('steps from tasks are steps of the graph', async () => {
  const project = scratch(TEMPLATES);
  expect(await query(['graph', 'pipe.ts', '--format', 'json'], { cwd: project.directory })).toEqual({
    nodes: [
      { name: 'stage_data', parents: [] },
      { name: 'stage_process', parents: ['stage_data'] },
      { name: 'count', parents: ['stage_process'] },
    ],
  });
});

test('a mistake in an override is told with its place, and nothing runs', async () => {
  const project = scratch(TEMPLATES);
  const { code, stderr } = await runPipeline(['wrong.ts'], { cwd: project.directory });
  expect(code).toBe(2);
  expect(stderr).toMatch(/overrides the parameter "dataset_url" without saying its section/);
  expect(stderr).toMatch(/wrong\.ts:4:6/);
  expect(stderr).toMatch(/Write "General\/dataset_url"/);
  expect(await query(['runs'], { cwd: project.directory })).toEqual([]);
});

test.each(['run-pipeline', 'node'])(
  'by %s: a step that is to go to a queue and has none is told, and nothing runs',
  async (by) => {
    const project = scratch({
      ...TRACE,
      'pipe.js': `
import { PipelineController } from 'run-pipeline';
const pipe = new PipelineController({ name: 'queues' });
pipe.addFunctionStep({ name: 'a', function: () => 1, executionQueue: 'gpu' });
pipe.addFunctionStep({ name: 'b', function: () => 1 });
await pipe.startLocally({ runPipelineStepsLocally: false });
`,
    });
    const options = { cwd: project.directory };
    const { code, stderr } =
      by === 'node' ? await node(['pipe.js'], options) : await runPipeline(['pipe.js'], options);
    expect(code).not.toBe(0);
    if (by === 'run-pipeline') expect(code).toBe(2);
    expect(stderr).toMatch(/the step b of queues has no queue to go to/);
    expect(await query(['runs'], options)).toEqual([]);
  },
);

test('a function decides how often a failed step is executed again', async () => {
  const project = scratch({
    ...TRACE,
    'pipe.ts': `
import { PipelineController } from 'run-pipeline';
import { trace } from './trace';
const pipe = new PipelineController({ name: 'again' });
pipe.addFunctionStep({
  name: 'flaky',
  function: (): number => { throw new Error('no rows'); },
  retryOnFailure: (running, node, retries) => {
    trace([running.name, node.name, node.attempt, retries].join(' '));
    return retries < 1;
  },
});
export default pipe;
`,
  });
  const run = await watchRun(['pipe.ts'], { cwd: project.directory });
  expect(run.ends['flaky']).toMatchObject({ status: 'failed', attempt: 2 });
  expect(traced(project)).toEqual(['again flaky 1 0', 'again flaky 2 1']);
  expect(run.stderr).not.toMatch(/1001/);
});
