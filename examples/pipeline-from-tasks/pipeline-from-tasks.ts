// A pipeline of three scripts that are tasks already. Make the tasks once, then run the pipeline:
//
//   npx tsx examples/pipeline-from-tasks/step1-dataset-artifact.ts
//   npx tsx examples/pipeline-from-tasks/step2-data-processing.ts
//   npx tsx examples/pipeline-from-tasks/step3-train-model.ts
//   npx run-pipeline examples/pipeline-from-tasks/pipeline-from-tasks.ts
//
// The steps run here. To leave them to an agent, start one in another terminal, and add a queue:
//
//   npx run-pipeline agent --queue default
//   npx run-pipeline examples/pipeline-from-tasks/pipeline-from-tasks.ts --queue default
import { PipelineController, type CallbackNode, type CallbackPipeline } from 'run-pipeline';

function preExecuteCallbackExample(
  _pipe: CallbackPipeline,
  node: CallbackNode,
  parameters: Record<string, unknown>,
): boolean {
  console.log(`Cloning task ${node.baseTaskId} for ${node.name} with`, parameters);
  return true; // false skips this step and those that depend on it
}

function postExecuteCallbackExample(_pipe: CallbackPipeline, node: CallbackNode): void {
  console.log(`${node.name} has ended: ${node.status}, task ${node.executed}`);
}

const pipe = new PipelineController({
  name: 'pipeline demo',
  project: 'examples',
  version: '0.0.1',
  addPipelineTags: false,
});
pipe.addParameter({ name: 'testSize', description: 'share that is kept for the test', default: 0.25 });

pipe.addStep({
  name: 'stage_data',
  baseTaskProject: 'examples',
  baseTaskName: 'pipeline step 1 dataset artifact',
});
pipe.addStep({
  name: 'stage_process',
  parents: ['stage_data'],
  baseTaskProject: 'examples',
  baseTaskName: 'pipeline step 2 process dataset',
  parameterOverride: {
    'General/dataset_url': '$<stage_data.artifacts.dataset.url>',
    'General/test_size': '$<pipeline.testSize>',
  },
  preExecuteCallback: preExecuteCallbackExample,
  postExecuteCallback: postExecuteCallbackExample,
});
pipe.addStep({
  name: 'stage_train',
  parents: ['stage_process'],
  baseTaskProject: 'examples',
  baseTaskName: 'pipeline step 3 train model',
  parameterOverride: { 'General/dataset_task_id': '$<stage_process.id>' },
  monitorMetrics: ['accuracy'],
  monitorArtifacts: ['model'],
});

await pipe.start();
