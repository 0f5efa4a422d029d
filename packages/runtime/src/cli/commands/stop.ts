import { asTyped } from '../../project/as-typed.js';
import { stopWaiting } from '../../engine/index.js';
import type { RunRow } from '@run-pipeline/core/ports';
import type { RunStatus } from '@run-pipeline/core/model';
import type { Project } from '../../project/project.js';
import { printJson, printLines, human, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { runName, shownStatus } from '../select-run.js';

/** How long to wait for the run to end before saying that it was only asked. */
const PATIENCE_MS = 15_000;
const POLL_MS = 100;
/** A run whose steps end by themselves needs no word in between. */
const QUIET_MS = 500;

/**
 * `run-pipeline stop RUN`: asks the run's process to stop, and waits for it a while. A run that waits for an
 * agent is taken out of its queue and ended at once.
 */
export function stopCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const reason = context.options.text('reason') ?? 'stopped by run-pipeline stop';
    const before = shownStatus(row);
    const stopped = before === 'running' || before === 'queued' || (await anAgentMayTakeIt(project, row));
    const status = stopped ? await stop(context, project, { row, reason }) : before;
    if (context.json) printJson(context, { id: row.id, stopped, status });
    else printLines(human(context), [sentence(runName(row), row.id, { stopped, status })]);
    return 0;
  });
}

/** It is lost with its agent, and would be continued by the next one. */
async function anAgentMayTakeIt({ store }: Project, row: RunRow): Promise<boolean> {
  if (shownStatus(row) !== 'lost') return false;
  const status = (await store.readTask(row.id as never))?.status;
  return status === 'queued' || status === 'running';
}

async function stop(
  context: Context,
  project: Project,
  { row, reason }: { readonly row: RunRow; readonly reason: string },
): Promise<RunStatus> {
  const { store } = project;
  await store.requestStop(row.id, reason);
  const asked = performance.now();
  let told = false;
  for (;;) {
    const current = await store.getRun(row.id);
    if (current === undefined) return 'aborted';
    const status = shownStatus(current);
    const waits = current.queued === true || (await anAgentMayTakeIt(project, current));
    if (waits && (await stopWaiting(project, current, { reason })) !== undefined) continue;
    const waited = performance.now() - asked;
    if ((status !== 'running' && status !== 'queued') || waited > PATIENCE_MS) return status;
    if (!told && waited > QUIET_MS) {
      told = true;
      printLines(context.err, [
        context.style.dim(`${runName(row)} was asked to stop; waiting for its steps to end`),
      ]);
    }
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

function sentence(
  name: string,
  id: string,
  { stopped, status }: { readonly stopped: boolean; readonly status: RunStatus },
): string {
  if (status === 'lost')
    return asTyped(`${name} has no process any more; run-pipeline resume ${id} continues it`);
  if (!stopped)
    return `${name} is not running: it ${status === 'completed' ? 'has completed' : `was ${status}`} before`;
  if (status === 'running' || status === 'queued')
    return `${name} was asked to stop; its steps are still ending`;
  return status === 'aborted' ? `${name} was stopped` : `${name} ended (${status})`;
}
