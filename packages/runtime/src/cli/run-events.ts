import { didYouMean, stepName, type RunEvent } from '@run-pipeline/core/model';
import type { RunRow, Store } from '@run-pipeline/core/ports';
import { applyEvent, emptyRunView, type RunView, type StepView } from '@run-pipeline/core/run-view';
import { runName, shownStatus } from './select-run.js';
import { usageError } from './usage-error.js';

/** Everything but console output and reports, which can be a thousand times more. */
export const STATE_EVENTS: readonly RunEvent['type'][] = [
  'run.start',
  'step.add',
  'step.queue',
  'step.start',
  'step.retry',
  'step.end',
  'run.report',
  'run.artifact',
  'run.resume',
  'run.end',
];

/** A run as it is now. One that ended before its first event is known by its row. */
export async function viewRun(store: Store, row: RunRow): Promise<RunView> {
  const view = emptyRunView(row.id);
  view.pipeline = row.pipeline;
  view.project = row.project;
  view.version = row.version;
  view.number = row.number;
  view.source = row.source;
  for (const event of await store.readEvents(row.id, { types: STATE_EVENTS })) applyEvent(view, event);
  view.status = shownStatus(row);
  return view;
}

export function requireStep(view: RunView, row: RunRow, text: string): StepView {
  const step = view.steps.get(stepName(text));
  if (step !== undefined) return step;
  throw usageError(
    `${runName(row)} has no step ${text}${didYouMean(text, view.steps.keys())}`,
    `its steps: ${[...view.steps.keys()].slice(0, 20).join(', ')}`,
  );
}
