// Third step: trains trees of several depths on what the second one made, and plots how they do.
//
//   npx tsx examples/pipeline-from-tasks/step3-train-model.ts
import { DecisionTreeClassifier } from 'ml-cart';
import { Task } from 'run-pipeline';
import { SPECIES, type Features } from './iris.js';

const task = await Task.init({
  project: 'examples',
  name: 'pipeline step 3 train model',
  type: 'training',
});

const args = task.connect({
  dataset_task_id: 'REPLACE_WITH_DATASET_TASK_ID',
  deepest: 4,
});

// Run by hand, the script ends here and leaves a draft to be cloned.
await task.executeRemotely();

const data = await Task.get<{
  X_train: Features[];
  X_test: Features[];
  y_train: number[];
  y_test: number[];
}>({ id: args.dataset_task_id });
const X_train = await data.artifacts.X_train.get();
const X_test = await data.artifacts.X_test.get();
const y_train = await data.artifacts.y_train.get();
const y_test = await data.artifacts.y_test.get();

const { logger } = task;
let best = { depth: 0, accuracy: -1, predicted: [] as number[], model: '' };
for (let depth = 1; depth <= args.deepest; depth += 1) {
  const tree = new DecisionTreeClassifier({ gainFunction: 'gini', maxDepth: depth, minNumSamples: 3 });
  tree.train(X_train, y_train);
  const predicted = tree.predict(X_test);
  const accuracy = y_test.filter((species, index) => species === predicted[index]).length / y_test.length;
  logger.reportScalar({ title: 'accuracy', series: 'test', value: accuracy, iteration: depth });
  console.log(`depth ${depth}: accuracy ${accuracy.toFixed(3)}`);
  if (accuracy > best.accuracy) best = { depth, accuracy, predicted, model: JSON.stringify(tree) };
}

logger.reportSingleValue('accuracy', best.accuracy);
logger.reportConfusionMatrix({
  title: 'species',
  series: `depth ${best.depth}`,
  matrix: SPECIES.map((_, truth) =>
    SPECIES.map((__, guess) => best.predicted.filter((it, i) => it === guess && y_test[i] === truth).length),
  ),
  xLabels: SPECIES,
  yLabels: SPECIES,
  xAxis: 'predicted',
  yAxis: 'true',
});
logger.reportScatter({
  title: 'test set',
  series: 'petals',
  points: X_test.map((features) => [features[2] ?? 0, features[3] ?? 0]),
  labels: best.predicted.map((species) => SPECIES[species] ?? ''),
  xAxis: 'petal length (cm)',
  yAxis: 'petal width (cm)',
});
await task.uploadArtifact('model', JSON.parse(best.model) as unknown);
