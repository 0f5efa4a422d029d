import { PipelineController, each, file, run as runPipeline } from 'run-pipeline';

interface Row {
  a: number;
}
async function stepOne(pickleDataUrl: string): Promise<Row[]> {
  return [{ a: pickleDataUrl.length }];
}
function stepTwo(dataFrame: Row[], size = 0.2): { train: Row[]; test: Row[] } {
  return { train: dataFrame.slice(size), test: dataFrame };
}
const train = ({ data, depth }: { data: Row[]; depth: number }) => data.length * depth;

// Statements are open.
const pipe = new PipelineController({
  name: 'pipeline demo',
  project: 'examples',
  version: '0.0.1',
  addPipelineTags: false,
});
pipe.setDefaultExecutionQueue('default');
pipe.addParameter({ name: 'url', description: 'url of the CSV', default: 'x' });
pipe.addFunctionStep({
  name: 'step_one',
  function: stepOne,
  functionKwargs: { pickleDataUrl: '$<pipeline.url>' },
  functionReturn: ['data_frame'],
  cacheExecutedStep: true,
});
pipe.addFunctionStep({
  name: 'step_two',
  function: stepTwo,
  functionKwargs: { dataFrame: '$<step_one.data_frame>' },
  functionReturn: ['train', 'test'],
  cacheExecutedStep: true,
});
for (const depth of [1, 2]) {
  pipe.addFunctionStep({
    name: `train_${depth}`,
    function: train,
    functionKwargs: { data: '$<step_two.train>', depth },
    retryOnFailure: 2,
    continueBehaviour: { continueOnFail: true },
  });
}

// A chain is closed: it knows its own steps.
new PipelineController({ name: 'chain' })
  .addParameter({ name: 'url', default: 'x' })
  .addParameter({ name: 'settings', default: { rate: 0.1 } })
  .addParameter({ name: 'data', type: 'file', default: 'x.csv' })
  .addParameter({ name: 'json', type: 'json' })
  .addFunctionStep({
    name: 'step_one',
    function: stepOne,
    functionKwargs: { pickleDataUrl: '$<pipeline.url>' },
    functionReturn: ['data_frame'],
  })
  .addFunctionStep({
    name: 'step_two',
    function: stepTwo,
    functionKwargs: { dataFrame: '${step_one.data_frame}', size: '$<pipeline.settings.rate>' },
    functionReturn: ['train', 'test'],
  })
  .addFunctionStep({
    name: 'train',
    function: train,
    functionKwargs: { data: '$<step_two.train>', depth: each([1, 2]) },
  })
  .addFunctionStep({
    name: 'pair',
    function: (): [number, Row] => [1, { a: 1 }],
    functionReturn: ['left', 'right'],
  })
  .addFunctionStep({
    name: 'report',
    function: (scores: number[], rest: unknown) => [scores, rest],
    functionKwargs: {
      scores: '$<train.result>',
      rest: {
        first: '$<train[0].result>',
        text: 'from $<pipeline.url>, literal $$<a.b> and ${HOME}',
        deep: ['$<step_one.data_frame.0.a>', '$<train.result.0>', '$<pair.right.a>'],
        id: '$<step_one.id>',
        size: '$<step_two.artifacts.train.size>',
        lr: '$<step_one.parameters.General/lr>',
        file: file('x.csv'),
        data: '$<pipeline.data>',
        dataSize: '$<pipeline.data.size>',
        setting: '$<pipeline.json.any.path>',
      },
    },
  });

const run = pipe.start({ concurrency: 2 });
void pipe.startLocally({ runPipelineStepsLocally: false, queue: 'default' });
void runPipeline(pipe, { parameters: { url: 'y', anything: 1 } });
const closed = new PipelineController({ name: 'closed' }).addParameter({ name: 'depth', default: 3 });
void runPipeline(closed, { parameters: { depth: 4 } });
void run.then((ended) => [ended.status, ended.number, ended.get<Row[]>('step_one.data_frame')]);
