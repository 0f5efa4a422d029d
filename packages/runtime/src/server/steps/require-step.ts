import { stepName } from '@run-pipeline/core/model';
import type { RunView, StepView } from '@run-pipeline/core/run-view';
import { Refusal } from '../refusal.js';

export function requireStep(view: RunView, step: string): StepView {
  const found = view.steps.get(stepName(step));
  if (found === undefined)
    throw new Refusal(404, 'unknown-step', `this run has no step ${JSON.stringify(step.slice(0, 80))}`);
  return found;
}
