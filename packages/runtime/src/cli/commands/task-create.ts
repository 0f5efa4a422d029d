import { basename, extname } from 'node:path';
import type { Diagnostic, TaskType } from '@run-pipeline/core/model';
import { packageScript, publishPackages, signPackages } from '../../package/index.js';
import type { Project } from '../../project/project.js';
import { codeFrame } from '../../source/code-frame.js';
import { createDraft, enqueueTask, isTaskType, scriptOf, type TaskView } from '../../tasks/index.js';
import { diagnosticLines } from '../../terminal/diagnostics.js';
import { printableWord } from '../../terminal/sanitise.js';
import { printJson, printLines, type Context } from '../context.js';
import { argumentsOf, configurationsOf } from '../task-arguments.js';
import { withProject } from '../task-access.js';
import { taskJson } from '../task-json.js';
import { idleLines, queueOf } from '../task-queue.js';
import { usageError } from '../usage-error.js';

/** `run-pipeline task create SCRIPT --project … --name …`: packages the script, and does not run it. */
export function taskCreateCommand(context: Context): Promise<number> {
  return withProject(context, async (project) => {
    const job = queueOf(context);
    const draft = await createFromScript(context, project, context.arguments[0]!);
    const task = job === undefined ? draft : await enqueueTask(project.store, draft, job);
    if (context.json) {
      printJson(context, taskJson(task, []));
      return 0;
    }
    const { style } = context;
    const what = job === undefined ? 'created the draft' : `waits in queue ${printableWord(job.queue)}:`;
    printLines(context.err, [`${what} ${style.bold(printableWord(`${task.project}/${task.name}`))}`]);
    // Alone on stdout, for `ID=$(run-pipeline task create …)`.
    printLines(context.out, [task.id]);
    if (job !== undefined) printLines(context.err, await idleLines(context, project, task));
    return 0;
  });
}

/** A draft of a script, as the options say. */
export async function createFromScript(context: Context, project: Project, file: string): Promise<TaskView> {
  const { options } = context;
  const [inProject, name] = [options.text('project'), options.text('name')];
  if (inProject === undefined || name === undefined) {
    const example = basename(file, extname(file));
    throw usageError(
      `a task of a script needs ${inProject === undefined ? '--project' : '--name'}: tasks are found by them`,
      `for example --project examples --name ${JSON.stringify(example)}`,
    );
  }
  const type = options.text('type') ?? 'training';
  const parameters = argumentsOf(context);
  const configurations = configurationsOf(context);
  const warnings: Diagnostic[] = [];
  const packaged = await packageScript({
    paths: project,
    file,
    assets: options.texts('asset'),
    onWarning: (warning) => warnings.push(warning),
  });
  signPackages(project, [packaged.hash]);
  await publishPackages(project, [packaged.hash]);
  for (const warning of warnings)
    printLines(
      context.err,
      diagnosticLines(warning, { style: context.style, cwd: context.cwd, frame: codeFrame }),
    );
  return createDraft(project.store, {
    project: inProject,
    name,
    type: isTaskType(type) ? type : ('custom' satisfies TaskType),
    tags: options.texts('tag'),
    comment: options.text('comment') ?? '',
    script: scriptOf(packaged),
    parameters,
    configurations,
  });
}
