// Iris from plain functions on a controller, as ClearML's "pipeline from functions".
//
//   npx run-pipeline examples/iris-functions.ts
import { readFile } from 'node:fs/promises';
import { DecisionTreeClassifier } from 'ml-cart';
import { PipelineController, type FileValue } from 'run-pipeline';

interface DataFrame {
  readonly features: number[][];
  /** Index into `names`. */
  readonly labels: number[];
  readonly names: string[];
}

async function stepOne(csv: FileValue): Promise<DataFrame> {
  const [, ...lines] = (await readFile(csv.path, 'utf8')).trim().split('\n');
  const rows = lines.map((line) => line.split(','));
  const names = [...new Set(rows.map((row) => row[4] ?? ''))];
  console.log(`${rows.length} flowers of ${names.length} species`);
  return {
    features: rows.map((row) => row.slice(0, 4).map(Number)),
    labels: rows.map((row) => names.indexOf(row[4] ?? '')),
    names,
  };
}

/** Every fifth flower is kept for the test. */
function stepTwo(dataFrame: DataFrame, testEvery: number) {
  const pick = (test: boolean) => {
    const chosen = dataFrame.labels
      .map((_, index) => index)
      .filter((index) => (index % testEvery === 0) === test);
    return {
      features: chosen.map((index) => dataFrame.features[index] ?? []),
      labels: chosen.map((index) => dataFrame.labels[index] ?? 0),
    };
  };
  return { train: pick(false), test: pick(true) };
}

function stepThree({ data, maxDepth }: { data: ReturnType<typeof stepTwo>; maxDepth: number }) {
  const model = new DecisionTreeClassifier({ maxDepth, minNumSamples: 3 });
  model.train(data.train.features, data.train.labels);
  const predicted = model.predict(data.test.features);
  const accuracy =
    predicted.filter((label, index) => label === data.test.labels[index]).length / predicted.length;
  console.log(`accuracy ${accuracy.toFixed(3)}`);
  return { model: JSON.parse(JSON.stringify(model)) as Record<string, unknown>, accuracy };
}

const pipe = new PipelineController({
  name: 'pipeline demo',
  project: 'examples',
  version: '0.0.1',
  addPipelineTags: false,
});
pipe.addParameter({ name: 'data', type: 'file', description: 'the CSV', default: 'examples/data/iris.csv' });
pipe.addParameter({ name: 'max_depth', description: 'of the decision tree', default: 3 });
pipe.addFunctionStep({
  name: 'step_one',
  function: stepOne,
  functionKwargs: { csv: '$<pipeline.data>' },
  functionReturn: ['data_frame'],
  cacheExecutedStep: true,
});
pipe.addFunctionStep({
  name: 'step_two',
  // parents: ['step_one'] is not needed: the reference makes the edge
  function: stepTwo,
  functionKwargs: { dataFrame: '$<step_one.data_frame>', testEvery: 5 },
  functionReturn: ['processed_data'],
  cacheExecutedStep: true,
});
pipe.addFunctionStep({
  name: 'step_three',
  function: stepThree,
  functionKwargs: { data: '$<step_two.processed_data>', maxDepth: '$<pipeline.max_depth>' },
  functionReturn: ['model', 'accuracy'],
  cacheExecutedStep: true,
});

const run = await pipe.start();
console.log(`${run.status}: accuracy ${(await run.get<number>('step_three.accuracy')).toFixed(3)}`);
