// First step: takes a file and keeps it as an artifact.
//
//   npx tsx examples/pipeline-from-tasks/step1-dataset-artifact.ts
import { StorageManager, Task } from 'run-pipeline';

const task = await Task.init({
  project: 'examples',
  name: 'pipeline step 1 dataset artifact',
  type: 'data_processing',
  // Goes with the task's package: an agent finds it beside the script, wherever it runs.
  assets: ['../data/iris.csv'],
});

// Any url will do: https:, s3:, file:, or that of another task's artifact.
const iris = await StorageManager.getLocalCopy(new URL('../data/iris.csv', import.meta.url).href);

await task.uploadArtifact('dataset', iris);
console.log(`uploaded ${iris}`);
