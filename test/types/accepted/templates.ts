import { PipelineController } from 'run-pipeline';

const train = (rows: number[], url: string): number => rows.length + url.length;

// Statements are open.
const pipe = new PipelineController({ name: 'pipeline demo', project: 'examples', version: '0.0.1' });
pipe.addStep({ name: 'stage_data', baseTaskProject: 'examples', baseTaskName: 'step 1' });
pipe.addStep({
  name: 'stage_process',
  parents: ['stage_data'],
  baseTaskName: 'step 2',
  parameterOverride: {
    'General/dataset_url': '$<stage_data.artifacts.dataset.url>',
    'General/test_size': 0.25,
    'Args/layers': [1, { of: '$<stage_data.id>' }],
  },
  configurationOverrides: { model: { depth: 3 }, settings: 'text with $<pipeline.url>' },
  taskOverrides: { name: 'process', comment: 'of $<stage_data.id>', type: 'data_processing', tags: ['a'] },
  preExecuteCallback: (running, node, parameters) => {
    parameters['General/test_size'] = 0.3;
    return node.baseTaskId !== undefined && running.number > 0;
  },
  postExecuteCallback: (_running, node) => console.log(node.executed),
  statusChangeCallback: async (_running, node, previous) => console.log(node.status, previous),
});
pipe.addStep({
  name: 'stage_train',
  baseTaskId: 'some-id',
  cloneBaseTask: false,
  executionQueue: 'gpu',
  timeLimit: 60,
  cacheExecutedStep: { ttl: '1d' },
  retryOnFailure: 2,
  continueBehaviour: { skipChildrenOnFail: false },
  env: ['MODE'],
  secrets: ['TOKEN'],
  resources: { gpu: 1 },
  tags: ['train'],
  monitorMetrics: [
    ['test', 'accuracy'],
    'seconds',
    { title: 'rows' },
    [
      ['train', 'loss'],
      ['loss', 'train'],
    ],
    { from: 'seconds', to: 'seconds of train' },
  ],
  monitorArtifacts: ['dataset', ['rows', 'all rows'], { from: 'a', to: 'b' }],
  monitorModels: [['model', 'best model']],
});

// Keys that only the run knows.
const overrides: Record<string, number> = {};
for (const depth of [1, 2]) {
  overrides[`General/depth_${depth}`] = depth;
  pipe.addStep({ name: `train_${depth}`, baseTaskName: 'train', parameterOverride: overrides });
}

// In a chain the step is known, and its artifacts are what the task uploads.
new PipelineController({ name: 'chain' })
  .addParameter({ name: 'url', default: 'x' })
  .addStep({
    name: 'stage_data',
    baseTaskName: 'step 1',
    parameterOverride: { 'General/url': '$<pipeline.url>' },
  })
  .addStep({
    name: 'stage_process',
    baseTaskName: 'step 2',
    parameterOverride: {
      'General/dataset_url': '${stage_data.artifacts.dataset.url}',
      'General/text': 'from $<pipeline.url> and $<stage_data.id>, literal $$<a.b>',
      'General/seed': '$<stage_data.parameters.General/random_state>',
    },
  })
  .addFunctionStep({
    name: 'train',
    function: train,
    functionKwargs: { rows: '$<stage_process.X_train>', url: '$<stage_data.artifacts.dataset.url>' },
    functionReturn: ['accuracy'],
    monitorMetrics: [['test', 'accuracy']],
  })
  .addStep({
    name: 'publish',
    baseTaskName: 'publish',
    parameterOverride: { 'General/accuracy': '$<train.accuracy>', 'General/first': '$<stage_data.rows.0.a>' },
  });

// What a program does with a pipeline beside running it.
const draft = await pipe.createDraft({ parameters: { url: 'y' }, queue: 'default' });
await draft.setParameter('url', 'z');
const again = await PipelineController.clone({ source: draft, name: 'other', project: 'examples' });
await PipelineController.enqueue(again, { queue: 'services' });
const found = await PipelineController.get({ project: 'examples', name: 'pipeline demo' });
const ended: string | undefined = await found.waitForStatus(['completed', 'failed'], { timeout: '10m' });
for (const { name, status, executed } of [...pipe.getProcessedNodes(), ...pipe.getRunningNodes()]) {
  console.log(name, status, executed ?? '', ended);
}
pipe.addFunctionStep({
  name: 'flaky',
  function: () => 1,
  retryOnFailure: (running, node, retries) => running.number > 0 && node.attempt < 3 && retries < 2,
});
