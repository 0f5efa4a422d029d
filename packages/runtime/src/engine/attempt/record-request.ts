import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  RunPipelineError,
  runId,
  stepName,
  type TaskPackage,
  type TaskRecord,
} from '@run-pipeline/core/model';
import { ensurePackage, materialisePackage, requireSignature } from '../../package/index.js';
import { taskEnvironment } from '../../project/index.js';
import type { Project } from '../../project/project.js';
import type { TaskRequest } from '../../workers/protocol.js';

/** What a record says is to be executed, verified; an error when there is nothing, or it is damaged. */
export async function recordPackage(project: Project, task: TaskRecord): Promise<TaskPackage> {
  const hash = task.script?.package;
  if (hash === undefined) {
    throw new RunPipelineError({
      kind: 'usage',
      code: 'no-script',
      message: `the task ${task.project}/${task.name} has no code that could be executed`,
      help: 'make one from its script: run-pipeline task create SCRIPT --project … --name …',
    });
  }
  const found = await ensurePackage(project, hash);
  if (found !== undefined) {
    await requireSignature(project, { hash, what: `the task ${task.project}/${task.name}` });
    return found;
  }
  throw new RunPipelineError({
    kind: 'load',
    code: 'package-missing',
    message: `the package of ${task.script?.file} that the task ${task.project}/${task.name} refers to is missing or damaged`,
    help: 'make the task again from its script: run-pipeline task create SCRIPT --project … --name …',
  });
}

/** What a worker needs to execute a task of its own. */
export async function recordRequest(options: {
  readonly project: Project;
  readonly task: TaskRecord;
  readonly attempt: number;
  readonly taskPackage: TaskPackage;
  /** Where its npm packages are installed; undefined: in the project. */
  readonly modules: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}): Promise<TaskRequest> {
  const { project, task, attempt, taskPackage, modules, env, cwd } = options;
  const { manifest, hash, directory } = taskPackage;
  const { file, sourceMap, program } = await materialisePackage({
    paths: project,
    package: taskPackage,
    ...(modules !== undefined && { modules }),
  });
  const scratch = join(project.home, 'tmp');
  await mkdir(scratch, { recursive: true });
  const { name, type, tags, parameters, configurations } = task;
  const { relayed, withheld } = project;
  const given = taskEnvironment({ environment: env, withheld, declared: manifest.env });
  return {
    task: task.id,
    run: task.run ?? runId(task.id),
    step: task.step ?? stepName(name),
    attempt,
    pipeline: name,
    project: task.project,
    package: { hash, file, sourceMap, externals: manifest.externals },
    entry: manifest.entry,
    binding: manifest.binding,
    arguments: { kind: 'none' },
    parameters: [],
    returns: [],
    script: { name, project: task.project, type, tags, parameters, configurations, file: program },
    state: {
      cwd: project.cwd,
      root: project.root,
      home: project.home,
      relay: relayed ? { blobsDirectory: project.blobsDirectory } : undefined,
    },
    env: given.env,
    secrets: given.masked,
    cwd,
    blobs: { kind: 'directory', path: project.blobsDirectory },
    assetsDirectory: manifest.assets.length === 0 ? undefined : join(directory, 'assets'),
    assetsFrom: dirname(manifest.source.file),
    scratch,
    timeout: undefined,
  };
}
