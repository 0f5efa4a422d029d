import { RunPipelineError, type TaskId, type TaskRecord } from '@run-pipeline/core/model';
import type { Job, Store } from '@run-pipeline/core/ports';
import { recordPackage, recordRequest } from '../engine/attempt/record-request.js';
import type { AgentContext } from './agent-context.js';
import { providePackages, type Executable, type Preparation } from './executable.js';

/** A task of its own: its record says all. A script has a process of its own, from its start to its end. */
export async function recordExecutable(
  agent: AgentContext,
  { job, record, ...preparation }: Preparation & { readonly job: Job; readonly record: TaskRecord },
): Promise<Executable> {
  const { project, environment } = agent;
  const taskPackage = await recordPackage(project, record);
  const { modules, changed } = await providePackages(agent, taskPackage, preparation);
  return {
    request: await recordRequest({
      project,
      task: record,
      attempt: job.attempt,
      taskPackage,
      modules,
      env: environment,
      cwd: project.cwd,
    }),
    isolation: 'fresh',
    closureKey: taskPackage.manifest.closureHash,
    ownWorker: true,
    uncacheable: changed,
  };
}

export async function recordOf(store: Pick<Store, 'readTask'>, task: TaskId): Promise<TaskRecord> {
  const record = await store.readTask(task);
  if (record !== undefined) return record;
  throw new RunPipelineError({
    kind: 'run',
    code: 'unknown-task',
    message: `the task ${task} has no record any more`,
  });
}

/** For people. */
export const titleOf = ({ project, name }: TaskRecord): string => `${project}/${name}`;
