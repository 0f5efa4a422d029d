import { expect, test } from 'vitest';
import type { RunEvent } from '@run-pipeline/core/model';
import { type RunWatched } from '../../rig/command.js';
import { scratch } from '../../rig/scratch.js';
import { draft, LIVE } from '../../rig/templates.js';
import { query, runPipeline, watchRun } from '../../rig/warm.js';

const TRAIN = `import { task } from './live';
const { logger } = task;
for (let iteration = 0; iteration < 3; iteration += 1) {
  logger.reportScalar({ title: 'test', series: 'accuracy', iteration, value: 0.5 + iteration / 10 });
  logger.reportScalar({ title: 'test', series: 'loss', iteration, value: 1 - iteration / 10 });
}
logger.reportSingleValue('seconds', 1);
logger.reportSingleValue('seconds', 2);
await task.uploadArtifact('model', { weights: [1, 2] });
`;
const FILES = { ...LIVE, 'train.ts': TRAIN };
const MONITORS = `monitorMetrics: [['test', 'accuracy'], [['test', 'loss'], ['train', 'error']], 'seconds'],
  monitorArtifacts: [['model', 'best model']]`;

const shown = ({ events }: RunWatched): readonly RunEvent[] =>
  events.filter(({ type }) => type === 'run.report' || type === 'run.artifact');
const point = (title: string, series: string, iteration: number, value: number) => ({
  type: 'run.report',
  from: 'train',
  report: { kind: 'scalar', title, series, iteration, value },
});
const EXPECTED = [
  point('test', 'accuracy', 0, 0.5),
  point('test', 'accuracy', 1, 0.6),
  point('test', 'accuracy', 2, 0.7),
  point('train', 'error', 0, 1),
  point('train', 'error', 1, 0.9),
  point('train', 'error', 2, 0.8),
  { type: 'run.report', from: 'train', report: { kind: 'single-value', name: 'seconds', value: 2 } },
  { type: 'run.artifact', from: 'train', artifact: { name: 'best model', preview: '{weights: [1, 2]}' } },
];

const CLASS = `import { Pipeline, Step, currentTask } from 'run-pipeline';
@Pipeline({ name: 'class', project: 'examples', cache: true })
export class Trained {
  @Step({ returns: ['model'], ${MONITORS} })
  train() {
    ${TRAIN.split('\n').slice(1, -2).join('\n').replace('const { logger } = task', 'const { logger } = currentTask()')}
    return { weights: [1, 2] };
  }
}
`;
const FUNCTION = `import { PipelineController, currentTask } from 'run-pipeline';
const train = async () => {
  ${TRAIN.split('\n').slice(1).join('\n').replace('= task', '= currentTask()').replace('await task.', 'await currentTask().')}
};
export const pipe = new PipelineController({ name: 'function', project: 'examples' });
pipe.addFunctionStep({ name: 'train', function: train, functionReturn: [], cacheExecutedStep: true, ${MONITORS} });
`;
const TEMPLATE = `import { PipelineController } from 'run-pipeline';
export const pipe = new PipelineController({ name: 'template', project: 'examples' });
pipe.addStep({ name: 'train', baseTaskName: 'train', cacheExecutedStep: true, ${MONITORS} });
`;

test.each([
  ['a step from a task', TEMPLATE],
  ['a step of a class', CLASS],
  ['a function step', FUNCTION],
])('%s: the run shows what it monitors, executed and cached', async (_what, file) => {
  const project = scratch({ ...FILES, 'pipe.ts': file });
  const options = { cwd: project.directory };
  await draft(project, { file: 'train.ts', name: 'train' });
  const first = await watchRun(['pipe.ts'], options);
  expect(first).toMatchObject({ code: 0, by: { completed: ['train'] } });
  expect(shown(first)).toMatchObject(EXPECTED);
  expect(first.stderr).not.toMatch(/▲/);
  const again = await watchRun(['pipe.ts'], options);
  expect(again.by).toEqual({ cached: ['train'] });
  expect(shown(again)).toMatchObject(EXPECTED);
  expect(shown(again)).toHaveLength(EXPECTED.length);
});

test('the summary, show and diff tell what the run shows as its own', async () => {
  const project = scratch({ ...FILES, 'pipe.ts': TEMPLATE });
  const options = { cwd: project.directory };
  await draft(project, { file: 'train.ts', name: 'train' });
  const { stdout } = await runPipeline(['pipe.ts'], options);
  const lines = [
    /^ {2}test\/accuracy +0\.7 +at 2 +of train$/m,
    /^ {2}train\/error +0\.8 +at 2 +of train$/m,
    /^ {2}seconds +2 +of train$/m,
    /^ {2}best model +superjson +\d+ B +of train +\{weights: \[1, 2\]\}$/m,
  ];
  const { stdout: text } = await runPipeline(['show', 'latest'], options);
  for (const line of lines) {
    expect(stdout).toMatch(line);
    expect(text).toMatch(line);
  }
  const show = await query<{ metrics: readonly object[]; artifacts: readonly object[] }>(
    ['show', 'latest'],
    options,
  );
  expect(show).toMatchObject({
    metrics: [
      { title: 'test', series: 'accuracy', value: 0.7, iteration: 2, from: 'train' },
      { title: 'train', series: 'error', value: 0.8, iteration: 2, from: 'train' },
      { title: 'seconds', value: 2, from: 'train' },
    ],
    artifacts: [{ name: 'best model', from: 'train' }],
  });

  project.write({ 'train.ts': TRAIN.replace('0.5 +', '0.6 +') });
  await draft(project, { file: 'train.ts', name: 'train' });
  await runPipeline(['pipe.ts'], options);
  const diff = await query<{ metrics: readonly object[] }>(['diff', 'template#1', 'template#2'], options);
  expect(diff.metrics).toEqual([{ name: 'test/accuracy', left: 0.7, right: 0.8 }]);
  expect((await runPipeline(['diff', 'template#1', 'template#2'], options)).stdout).toMatch(
    /^metric test\/accuracy: 0\.7 → 0\.8$/m,
  );
});

test('what does not come is a warning that says what was meant; a step that fails shows nothing', async () => {
  const project = scratch({ ...FILES, 'broken.ts': `${TRAIN}throw new Error('late');\n` });
  const options = { cwd: project.directory };
  await draft(project, { file: 'train.ts', name: 'train' });
  await draft(project, { file: 'broken.ts', name: 'broken' });
  const wrong = `monitorMetrics: [['test', 'acuracy'], 'second'], monitorModels: ['modle', 'x'], cacheExecutedStep: true`;
  project.write({ 'pipe.ts': TEMPLATE.replace(/cacheExecutedStep[\s\S]*\}\);/, `${wrong} });`) });
  for (const by of [{ completed: ['train'] }, { cached: ['train'] }]) {
    const run = await watchRun(['pipe.ts'], options);
    expect(run).toMatchObject({ code: 0, by });
    expect(shown(run)).toEqual([]);
    expect(run.stderr.split('\n').filter((line) => line.startsWith('▲'))).toEqual([
      '▲ step train reported no scalar "test/acuracy" (did you mean "test/accuracy"?), which the run was to show',
      '▲ step train reported no single value "second" (did you mean "seconds"?), which the run was to show',
      '▲ step train has no artifact "modle" (did you mean "model"?), which the run was to show',
      '▲ step train has no artifact "x", which the run was to show',
    ]);
  }
  project.write({ 'pipe.ts': TEMPLATE.replace(`baseTaskName: 'train'`, `baseTaskName: 'broken'`) });
  const failed = await watchRun(['pipe.ts'], options);
  expect(failed.by).toEqual({ failed: ['train'] });
  expect(shown(failed)).toEqual([]);
  expect(failed.stderr).not.toMatch(/▲/);
});

test('a part of a pipeline shows what its borrowed steps had', async () => {
  const project = scratch({
    ...FILES,
    'pipe.ts': `${TEMPLATE}pipe.addFunctionStep({ name: 'after', function: (model: object) => Object.keys(model), functionKwargs: { model: '$<train.model>' } });\n`,
  });
  const options = { cwd: project.directory };
  await draft(project, { file: 'train.ts', name: 'train' });
  const { events } = await watchRun(['pipe.ts'], options);
  const part = await watchRun(['pipe.ts', '--only', 'after'], options);
  expect(part.ends['train']).toMatchObject({ status: 'cached', task: `${events[0]!.run}.train` });
  expect(shown(part)).toMatchObject(EXPECTED);
  expect(part.stderr).not.toMatch(/▲/);
});
