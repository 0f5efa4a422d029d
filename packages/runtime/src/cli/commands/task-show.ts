import { readReported, readViewArtifacts } from '../../tasks/index.js';
import { deliverArtifact } from '../deliver-artifact.js';
import { printJson, printLines, type Context } from '../context.js';
import { withTask } from '../task-access.js';
import { taskJson } from '../task-json.js';
import { lastMetrics, taskLines } from '../task-lines.js';
import { usageError } from '../usage-error.js';
import { didYouMean } from '@run-pipeline/core/model';

/** `run-pipeline task show TASK` */
export function taskShowCommand(context: Context): Promise<number> {
  return withTask(context, async (project, task) => {
    const artifacts = await readViewArtifacts(project.store, task);
    const { reports } = await readReported(project.store, task);
    const metrics = lastMetrics(reports);
    if (context.json) printJson(context, { ...taskJson(task, artifacts), metrics });
    else printLines(context.out, taskLines(context, task, { artifacts, metrics }));
    return 0;
  });
}

/** `run-pipeline task get TASK ARTIFACT [-o PATH]` */
export function taskGetCommand(context: Context): Promise<number> {
  return withTask(context, async (project, task) => {
    const name = context.arguments[1]!;
    const artifacts = await readViewArtifacts(project.store, task);
    const artifact = artifacts.find(({ record }) => record.name === name);
    if (artifact === undefined) {
      const names = artifacts.map(({ record }) => record.name);
      throw usageError(
        `the task ${task.project}/${task.name} has no artifact ${JSON.stringify(name)}${didYouMean(name, names)}`,
        names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`,
      );
    }
    await deliverArtifact(context, { project, found: { kind: 'one', artifact }, reference: name });
    return 0;
  });
}
