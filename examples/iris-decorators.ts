// Iris in three steps, as a decorated class: load, split, train.
//
//   npx run-pipeline examples/iris-decorators.ts
//
// Run it again: nothing executes. Change `maxDepth` below: only step_three runs.
import { readFile } from 'node:fs/promises';
import { DecisionTreeClassifier } from 'ml-cart';
import { currentTask, Parameter, Pipeline, Step, type FileValue } from 'run-pipeline';

const SPECIES = ['setosa', 'versicolor', 'virginica'];

interface Flower {
  readonly features: number[];
  /** Index into SPECIES. */
  readonly species: number;
}

@Pipeline({ name: 'iris', project: 'examples', version: '1.0.0', cache: true })
export class IrisPipeline {
  @Parameter({ type: 'file', description: 'The CSV: four measures and the species' })
  data = 'examples/data/iris.csv';

  @Parameter({ description: 'Share of the flowers that is kept for the test' })
  testSize = 0.2;

  @Step({ inputs: ['$<pipeline.data>'], returns: ['data_frame'] })
  async step_one(csv: FileValue): Promise<Flower[]> {
    const [, ...lines] = (await readFile(csv.path, 'utf8')).trim().split('\n');
    const flowers = lines.map((line) => {
      const cells = line.split(',');
      return { features: cells.slice(0, 4).map(Number), species: SPECIES.indexOf(cells[4] ?? '') };
    });
    console.log(`${csv.name}: ${flowers.length} flowers`);
    return flowers;
  }

  @Step({ inputs: ['$<step_one.data_frame>', '$<pipeline.testSize>'], returns: ['train', 'test'] })
  step_two(flowers: Flower[], testSize: number): { train: Flower[]; test: Flower[] } {
    const shuffled = shuffle(flowers, 42);
    const cut = Math.round(shuffled.length * testSize);
    console.log(`train on ${shuffled.length - cut}, test on ${cut}`);
    return { train: shuffled.slice(cut), test: shuffled.slice(0, cut) };
  }

  @Step({ inputs: { train: '$<step_two.train>', test: '$<step_two.test>' }, returns: ['model', 'accuracy'] })
  step_three({ train, test }: { train: Flower[]; test: Flower[] }) {
    const tree = new DecisionTreeClassifier({ gainFunction: 'gini', maxDepth: 3, minNumSamples: 3 });
    tree.train(
      train.map((flower) => flower.features),
      train.map((flower) => flower.species),
    );
    const predicted = tree.predict(test.map((flower) => flower.features));
    const hits = test.filter((flower, index) => flower.species === predicted[index]).length;
    const accuracy = hits / test.length;
    currentTask().logger.reportSingleValue('accuracy', accuracy);
    console.log(`accuracy ${accuracy.toFixed(3)}`);
    return { model: JSON.parse(JSON.stringify(tree)) as Record<string, unknown>, accuracy };
  }
}

/** Fisher and Yates with a small generator (mulberry32): the same order for the same seed. */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
