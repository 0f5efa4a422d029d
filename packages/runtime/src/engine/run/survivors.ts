import { RunPipelineError } from '@run-pipeline/core/model';
import type { ProcessIdentity, RunRow } from '@run-pipeline/core/ports';
import { isAlive, isGroupAlive } from '../../project/process-identity.js';
import type { Project } from '../../project/project.js';
import { pause } from '../step/cache.js';

/** A killed process is gone within milliseconds, unless the machine is starved or the disk hangs. */
const PATIENCE_MS = 20_000;

/** Ends the workers of a dead controller; those of agents are not the run's to kill. */
export async function killSurvivors(project: Project, row: RunRow): Promise<void> {
  const tasks = await project.store.listTasks({ run: row.id, status: ['running', 'queued'] });
  const own = tasks.filter(({ agent }) => agent === undefined);
  await endProcesses(own.map(({ executor }) => executor));
}

/**
 * Ends workers that outlived whoever supervised them, with what they started, and waits until they are
 * gone: a busy one would write beside the attempt that follows it (INVARIANTS 10).
 */
export async function endProcesses(executors: readonly ProcessIdentity[]): Promise<void> {
  let survivors = executors.filter(survives);
  for (const executor of survivors) kill(executor);
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    survivors = survivors.filter(survives);
    const [first] = survivors;
    if (first === undefined) return;
    if (Date.now() > deadline) {
      throw new RunPipelineError({
        kind: 'store',
        code: 'survivor',
        message: `a worker of the earlier process does not end (pid ${first.pid})`,
        help: 'End it by hand, then try again.',
      });
    }
    await pause(20, NEVER);
  }
}
const NEVER = new AbortController().signal;

const survives = (executor: ProcessIdentity): boolean =>
  isAlive(executor) === 'alive' || isGroupAlive(executor);

function kill({ pid, processGroup }: ProcessIdentity): void {
  try {
    process.kill(processGroup === undefined ? pid : -processGroup, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}
