// Second step: reads what the first one kept, and splits it into a training and a test set.
//
//   npx tsx examples/pipeline-from-tasks/step2-data-processing.ts
import { readFile } from 'node:fs/promises';
import { StorageManager, Task } from 'run-pipeline';
import { SPECIES, type Features } from './iris.js';
import { shuffle } from './shuffle.js';

const task = await Task.init({
  project: 'examples',
  name: 'pipeline step 2 process dataset',
  type: 'data_processing',
});

// Defaults. Whoever clones the task may set others, from outside.
const args = task.connect({
  dataset_task_id: '',
  dataset_url: '',
  random_state: 42,
  test_size: 0.2,
});
console.log('arguments:', args);

// Run by hand, the script ends here and leaves a draft to be cloned. Everywhere else this does nothing.
await task.executeRemotely();

const [, ...lines] = (await readFile(await dataset(), 'utf8')).trim().split('\n');
const flowers = shuffle(lines, args.random_state).map((line) => line.split(','));
const X: Features[] = flowers.map((cells) => cells.slice(0, 4).map(Number));
const y = flowers.map((cells) => SPECIES.indexOf(cells[4] ?? ''));

const cut = Math.round(flowers.length * args.test_size);
await task.uploadArtifact('X_train', X.slice(cut));
await task.uploadArtifact('X_test', X.slice(0, cut));
await task.uploadArtifact('y_train', y.slice(cut));
await task.uploadArtifact('y_test', y.slice(0, cut));
task.logger.reportTable({ title: 'flowers', table: flowers.slice(0, 10).map((cells) => ({ ...cells })) });
console.log(`train on ${flowers.length - cut}, test on ${cut}`);

/** The file, from the url of an artifact or from the task that keeps it. */
async function dataset(): Promise<string> {
  if (args.dataset_url !== '') return StorageManager.getLocalCopy(args.dataset_url);
  if (args.dataset_task_id !== '') {
    const source = await Task.get<{ dataset: unknown }>({ id: args.dataset_task_id });
    return source.artifacts.dataset.getLocalCopy();
  }
  throw new Error('set General/dataset_url or General/dataset_task_id');
}
