import { PipelineController, each, file } from 'run-pipeline';

const chain = new PipelineController({ name: 'chain' })
  .addParameter({ name: 'url', default: 'x' })
  .addStep({ name: 'stage_data', baseTaskName: 'step 1' })
  .addFunctionStep({ name: 'count', function: (): number => 1, functionReturn: ['rows'] });

chain.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: General/url: there is no step `stage_dta` in this chain
  parameterOverride: { 'General/url': '$<stage_dta.artifacts.dataset.url>' },
});
chain.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: General/url: an artifact has no `urll`
  parameterOverride: { 'General/url': '$<stage_data.artifacts.dataset.urll>' },
});
chain.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: General/url: there is no parameter `ulr` in this chain
  parameterOverride: { 'General/url': ['at $<pipeline.ulr>'] },
});
chain.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: General/rows: the step `count` returns no `row`
  parameterOverride: { 'General/rows': '$<count.row>' },
});
chain.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: model: there is no step `nope` in this chain
  configurationOverrides: { model: { from: '$<nope.id>' } },
});
chain.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: comment: there is no step `nope` in this chain
  taskOverrides: { comment: '$<nope.id>' },
});
chain.addFunctionStep({
  name: 'x',
  function: (rows: unknown) => rows,
  // @ts-expect-error says: rows: there is no step `stage_dat` in this chain
  functionKwargs: { rows: '$<stage_dat.rows>' },
});

const pipe = new PipelineController({ name: 'statements' });
pipe.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: `dataset_url` does not say its section: `General/dataset_url`
  parameterOverride: { dataset_url: 'z' },
});
pipe.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: `General/` is not SECTION/NAME
  parameterOverride: { 'General/': 'z' },
});
pipe.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: General/n: each() cannot stand here
  parameterOverride: { 'General/n': each([1, 2]) },
});
pipe.addStep({
  name: 'x',
  baseTaskName: 'y',
  // @ts-expect-error says: General/csv: a file cannot stand here
  parameterOverride: { 'General/csv': file('x.csv') },
});
// @ts-expect-error no field of a task
pipe.addStep({ name: 'x', baseTaskName: 'y', taskOverrides: { script: 'z' } });
// @ts-expect-error no type of task
pipe.addStep({ name: 'x', baseTaskName: 'y', taskOverrides: { type: 'trainig' } });
// @ts-expect-error no base task
pipe.addStep({ name: 'x' });
// @ts-expect-error two base tasks
pipe.addStep({ name: 'x', baseTaskId: 'y', baseTaskName: 'z' });
// @ts-expect-error a script has a process of its own
pipe.addStep({ name: 'x', baseTaskName: 'y', isolation: 'inline' });
// @ts-expect-error not three
pipe.addStep({ name: 'x', baseTaskName: 'y', monitorMetrics: [['a', 'b', 'c']] });
// @ts-expect-error seconds
pipe.addStep({ name: 'x', baseTaskName: 'y', timeLimit: '10m' });
