import { printJson, printLines, human, type Context } from '../context.js';
import { withRun } from '../project-access.js';
import { runName, shownStatus } from '../select-run.js';

/** How long to wait for the run to end before saying that it was only asked. */
const PATIENCE_MS = 15_000;
const POLL_MS = 100;

/** `run-pipeline stop RUN`: asks the run's process to stop, and waits for it a while. */
export function stopCommand(context: Context): Promise<number> {
  return withRun(context, async (project, row) => {
    const { store } = project;
    let status = shownStatus(row);
    const wasRunning = status === 'running' || status === 'queued';
    if (wasRunning) {
      await store.requestStop(row.id, context.options.text('reason') ?? 'stopped by run-pipeline stop');
      const until = performance.now() + PATIENCE_MS;
      while ((status === 'running' || status === 'queued') && performance.now() < until) {
        await new Promise((done) => setTimeout(done, POLL_MS));
        const current = await store.getRun(row.id);
        if (current === undefined) break;
        status = shownStatus(current);
      }
    }
    if (context.json) printJson(context, { id: row.id, stopped: wasRunning, status });
    else printLines(human(context), [sentence(runName(row), row.id, wasRunning, status)]);
    return 0;
  });
}

function sentence(name: string, id: string, wasRunning: boolean, status: string): string {
  if (status === 'lost') return `${name} has no process any more; run-pipeline resume ${id} continues it`;
  if (!wasRunning)
    return `${name} is not running: it ${status === 'completed' ? 'has completed' : `was ${status}`} before`;
  if (status === 'running' || status === 'queued')
    return `${name} was asked to stop; its steps are still ending`;
  return status === 'aborted' ? `${name} was stopped` : `${name} ended (${status})`;
}
